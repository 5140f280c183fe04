"""Texts that web pages, terminals, editors and Markdown have been at."""

import pytest

from efipolicy.formats import efipolicy_formats
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.recognition import recognise
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText

FORMATS = {form.name: form for form in efipolicy_formats()}
SHELL = (
    "Type       Start            End              # Pages          Attributes\n"
    "Available  0000000000000000-000000000009FFFF 00000000000000A0 000000000000000F\n"
    "RT_Data    00000000078EF000-00000000079EEFFF 0000000000000100 800000000000000F\n"
)
U_BOOT = (
    "RUNTIME DATA     000000007f700000-000000007f704000 WB|RT\n"
    "CONVENTIONAL     0000000040000000-000000007df00000 WB\n"
)
FDT = (
    "efi:   0x000040000000-0x00004007ffff [Conventional|   |  |  |  |  |  |  |   |WB|WT|WC|UC]\n"
    "efi:   0x000040080000-0x0000400bffff [Runtime Data|RUN|  |  |  |  |  |  |   |WB|  |  |  ]\n"
)


def read(text: str) -> Platform:
    recognition = recognise(SourceText("log.txt", text), FORMATS)
    assert recognition.reading, recognition.errors
    return recognition.reading.platform


def values(platform: Platform) -> list[tuple[object, ...]]:
    return [
        (one.type, one.physical_start, one.number_of_pages, one.attribute)
        for one in platform.memory_map.descriptors
    ]


@pytest.mark.parametrize("text", [SHELL, U_BOOT, FDT], ids=["shell", "u-boot", "fdt"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\n", "\n\x1b[37m\x1b[05;01H"),
        ("\n", "\x1b[0m\x1b[17;01H"),
        ("\n", "\x1b[K\r\n\x1b[9;1H"),
        (" ", "\N{NO-BREAK SPACE}"),
        (" ", "&nbsp;"),
        ("-", "\N{EN DASH}"),
        ("-", "\N{NON-BREAKING HYPHEN}"),
        ("-", "-\N{ZERO WIDTH SPACE}"),
        ("00", "0\N{SOFT HYPHEN}0"),
        ("|", "\\|"),
        ("|", "&#124;"),
        ("[", "&#91;"),
        ("]", "&#x5D;"),
        (" ", "&#160;"),
        ("0", "&#48;"),
        ("[", "\\["),
        ("0", "0<wbr>"),
        ("\n", "</span>\n<span class='line'>"),
        ("\n", "[/COLOR]\n[COLOR=#ff0000]"),
    ],
)
def test_markup_between_the_characters_changes_nothing(text: str, before: str, after: str) -> None:
    platform = read(text.replace(before, after))
    assert values(platform) == values(read(text))
    assert platform.capture
    assert platform.capture.unreadable == ()


def test_a_place_in_a_text_with_markup_is_one_of_the_text_as_it_was_given() -> None:
    text = U_BOOT.replace(" 0000", "&nbsp;<b>0000").replace("|", "\\|")
    start = read(text).memory_map.descriptors[0].located
    assert start
    field = start.span_of("physical_start")
    attribute = start.span_of("attribute")
    assert field
    assert attribute
    assert field.text == "000000007f700000"
    assert attribute.text == "WB\\|RT"


def test_a_text_without_markup_is_left_alone() -> None:
    source = SourceText("log.txt", SHELL)
    text = CaptureText(source)
    assert text.text is source.text
    assert text.plain is source


def test_a_shortened_post_of_megabytes_is_not_searched_for_markup() -> None:
    source = SourceText("log.txt", SHELL + "<b>" * (1 << 20))
    assert CaptureText(source).plain is source


@pytest.mark.parametrize("above", [True, False])
def test_other_forms_are_found_beside_the_map_of_a_log_of_megabytes(above: bool) -> None:
    log = "[    0.000000] usb 1-1: new high-speed USB device\n" * 60_000
    log += FDT + FDT.replace("0x0000400", "0x0000500")
    platform = read(U_BOOT + log if above else log + U_BOOT)
    assert platform.capture
    assert platform.capture.dialect == "linux-fdt"
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [2]
