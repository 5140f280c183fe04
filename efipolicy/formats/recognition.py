"""Find out which capture format a text is: the one that understands most of its lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from efipolicy.errors import EfipolicyError
from efipolicy.plugin.calling import failure
from efipolicy.plugin.types import CaptureFormat, CaptureReading
from efipolicy.source import ForeignInputError, InputError, SourceText


class Recognition(NamedTuple):
    """The reading that fits best, if any does, and what went wrong on the way."""

    reading: CaptureReading | None
    errors: tuple[EfipolicyError, ...] = ()


def recognise(
    source: SourceText, formats: Mapping[str, CaptureFormat], *, only: str | None = None
) -> Recognition:
    """The reading of the format that understood most lines. File names decide nothing.

    ``only`` names a format or a dialect and leaves the others out. The errors are an `InputError`
    when no format finds anything or two find equally much, and a `PluginError` for each format
    that failed; the others are asked all the same.
    """
    failures: list[EfipolicyError] = []
    best: list[CaptureReading] = []
    for form in formats.values():
        if only is not None and not _is(form, only):
            continue
        try:
            reading = form.read(source)
        except Exception as problem:  # noqa: BLE001 - a stranger's reader may raise anything
            failures.append(failure(f"capture format `{form.name}`", problem, path=source.path))
            continue
        if reading is None or (only is not None and only not in (form.name, _dialect(reading))):
            continue
        if not best or reading.understood > best[0].understood:
            best = [reading]
        elif reading.understood == best[0].understood:
            best.append(reading)
    if len(best) == 1:
        return Recognition(best[0], tuple(failures))
    return Recognition(None, (_unrecognised(source, best, only), *failures))


def _unrecognised(source: SourceText, best: list[CaptureReading], only: str | None) -> InputError:
    """Why no reading was chosen: there is none, or there are several."""
    if not best:
        expected = f"a text of format `{only}`" if only else "a memory map in a known format"
        return ForeignInputError(source.path, "nothing that can be read as a memory map", expected)
    names = [_dialect(reading) for reading in best]
    return InputError(
        source.path,
        "a text that is as much " + " as ".join(f"`{name}`" for name in names),
        "the format to be said: " + " or ".join(f"--from {name}" for name in names),
    )


def _is(form: CaptureFormat, name: str) -> bool:
    return name == form.name or name in form.dialects


def _dialect(reading: CaptureReading) -> str:
    capture = reading.platform.capture
    return capture.dialect if capture else reading.platform.name
