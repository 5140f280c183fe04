"""Read a captured text with the formats that come with efipolicy."""

from __future__ import annotations

from efipolicy.formats import linux
from efipolicy.formats.marks import EFI_SHELL
from efipolicy.formats.recognition import recognise
from efipolicy.model.platform import Platform
from efipolicy.plugin.types import CaptureReading
from efipolicy.source import SourceText

FORMATS = {form.name: form for form in (linux.FORMAT, EFI_SHELL)}


def reading_of(source: SourceText, *, only: str | None = None) -> CaptureReading:
    """The reading that fits best. Raises the error when there is none."""
    recognition = recognise(source, FORMATS, only=only)
    if recognition.reading is None:
        raise recognition.errors[0]
    assert recognition.errors == ()
    return recognition.reading


def platform_of(source: SourceText) -> Platform:
    """The platform that a text is about."""
    return reading_of(source).platform
