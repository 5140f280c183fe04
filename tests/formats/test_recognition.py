"""Which format a text is."""

import pytest

from efipolicy.errors import PluginError
from efipolicy.formats.recognition import recognise
from efipolicy.plugin.types import CaptureFormat, CaptureReading
from efipolicy.source import ForeignInputError, InputError, SourceText
from tests.formats.reading import FORMATS, reading_of

SHELL = "RT_Data    00000000078EF000-00000000079EEFFF 0000000000000100 800000000000000F\n"
KERNEL = "efi: mem00: type=7, attr=0xf, range=[0x0000000000000000-0x0000000000008000) (0MB)\n"


def dialect(text: str, *, only: str | None = None) -> str:
    capture = reading_of(SourceText("text", text), only=only).platform.capture
    assert capture
    return capture.dialect


def test_the_format_that_understands_most_lines_wins() -> None:
    assert dialect(SHELL + SHELL.replace("RT_D", "BS_D") + KERNEL) == "efi-shell-2"
    assert dialect(SHELL + KERNEL + KERNEL.replace("mem00", "mem01")) == "linux-x86-raw"


def test_a_tie_names_both_and_the_way_out() -> None:
    with pytest.raises(InputError) as caught:
        dialect(SHELL + KERNEL)
    assert "`linux-x86-raw` as `efi-shell-2`" in str(caught.value)
    assert "--from linux-x86-raw or --from efi-shell-2" in str(caught.value)


@pytest.mark.parametrize("only", ["efi-shell", "efi-shell-2"])
def test_a_person_may_say_which_it_is(only: str) -> None:
    assert dialect(SHELL + KERNEL, only=only) == "efi-shell-2"


def test_a_text_of_no_format_is_an_error_without_a_place() -> None:
    with pytest.raises(InputError) as caught:
        dialect("shopping list\n")
    assert caught.value.span is None


def test_a_reader_that_fails_is_named_and_the_others_are_asked_all_the_same() -> None:
    def broken(source: SourceText) -> CaptureReading | None:
        raise RuntimeError(source.path)

    form = CaptureFormat(name="acme", title="Acme", dialects=("acme",), read=broken)
    reading, errors = recognise(SourceText("x", SHELL), {"acme": form, **FORMATS})
    assert reading is not None
    assert [type(error) for error in errors] == [PluginError]
    assert "x: capture format `acme` failed: RuntimeError: x" in str(errors[0])
    reading, errors = recognise(SourceText("x", "nothing"), {"acme": form, **FORMATS})
    assert reading is None
    assert [type(error) for error in errors] == [ForeignInputError, PluginError]
