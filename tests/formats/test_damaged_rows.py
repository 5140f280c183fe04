"""A row with a wrong character in its middle is read right or reported, whoever printed it."""

import pytest

from efipolicy.formats import efipolicy_formats
from efipolicy.formats.recognition import recognise
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText

FORMATS = {form.name: form for form in efipolicy_formats()}

OPENBSD = "type 0x{0:x} pa 0x{1:x} va 0x0 pages 0x2 attr 0x800000000000000f\n"
HAIKU = "  0x{1:x}-0x{2:x}  0x0 0x{0:x} 0x800000000000000f\n"
ESX_BOOT = "MMap[{3}]: 0x{1:x} - 0x{4:x} len=8192, type={0}, attr=0x800000000000000f\n"  # closed
FREEBSD = "{5:>23} {1:012x} {1:012x} 00000002 UC WC WT WB RUNTIME\n"
U_BOOT = "{5:23} {1:016x}-{2:016x} UC|WC|WT|WB|RT\n"
LOADER = "  0x{1:016x} - 0x{2:016x} (0.0 MiB {6})\n"
NAMES = {
    5: ("RuntimeServicesCode", "RUNTIME_SERVICES_CODE"),
    6: ("RuntimeServicesData", "RUNTIME_SERVICES_DATA"),
    7: ("ConventionalMemory", "CONVENTIONAL"),
}


def rows(layout: str) -> list[str]:
    """Three rows of a dialect, each of two pages."""
    found = []
    for index, (kind, names) in enumerate(NAMES.items()):
        at = 0x10_0000 * (index + 1)
        found.append(layout.format(kind, at, at + 0x2000, index, at + 0x1FFF, *names))
    return found


def read(text: str) -> Platform:
    reading, errors = recognise(SourceText("log.txt", text), FORMATS)
    assert errors == ()
    assert reading
    return reading.platform


def starts(platform: Platform) -> list[int]:
    return [one.physical_start for one in platform.memory_map.descriptors]


@pytest.mark.parametrize("layout", [OPENBSD, HAIKU, ESX_BOOT, FREEBSD, U_BOOT, LOADER])
def test_rows_as_printed_are_read(layout: str) -> None:
    head = "System provided memory map:\n" if layout == HAIKU else ""
    platform = read(head + "".join(rows(layout)))
    assert starts(platform) == [0x100000, 0x200000, 0x300000]
    assert platform.capture
    assert platform.capture.unreadable == ()


@pytest.mark.parametrize("layout", [OPENBSD, HAIKU, ESX_BOOT])
@pytest.mark.parametrize(
    "noise", ["~", "\N{REPLACEMENT CHARACTER}", "\\ufffd", "[   12.345678] usb 1-1: new\n", " "]
)
@pytest.mark.parametrize("end", ["", '"', " |", '\\n", "stream": "stdout"'])
def test_a_number_that_goes_on_behind_a_wrong_character_is_not_half_of_it(
    layout: str, noise: str, end: str
) -> None:
    head = "System provided memory map:\n" if layout == HAIKU else ""
    lines = [line.replace("\n", f"{end}\n") for line in rows(layout)]
    lines[1] = lines[1].replace("0x80000", f"0x80000{noise}")
    platform = read(head + "".join(lines))
    assert all(one.attribute in (1 << 63 | 0xF, None) for one in platform.memory_map.descriptors)
    assert platform.capture
    assert platform.capture.unreadable


@pytest.mark.parametrize(
    ("layout", "word", "damaged"),
    [
        (FREEBSD, "000000200000 ", "000~00200000 "),
        (FREEBSD, "000000200000 ", "00 0000200000 "),
        (U_BOOT, "0000000000200000-", "000~000000200000-"),
        (U_BOOT, "0000000000200000-", "0 00000000200000-"),
        (U_BOOT, "0000000000200000-0000000000202000 ", ""),
        (LOADER, "RUNTIME_SERVICES", "RUNTIME~SERVICES"),
        (LOADER, "(0.0 MiB", "(0.0 Mi~B"),
        (LOADER, "(0.0 MiB RUNTIME_SERVICES_DATA)", '(0.0 MiB RUNTI",'),
        (HAIKU, "-0x202000", "-0x2~02000"),
        (HAIKU, "  0x0 ", "  0 x0 "),
        (HAIKU, "0x200000-0x202000  ", ""),
        (HAIKU, "-0x202000  0x0 0x6 0x800000000000000f", '-0x202000  ~0x0 0x6 0xf\\n",'),
    ],
)
def test_a_row_with_a_wrong_character_is_not_lost_in_silence(
    layout: str, word: str, damaged: str
) -> None:
    head = "System provided memory map:\n" if layout == HAIKU else ""
    lines = rows(layout)
    lines[1] = lines[1].replace(word, damaged)
    platform = read(head + "".join(lines))
    assert starts(platform) == [0x100000, 0x300000]
    assert platform.capture
    assert platform.capture.unreadable
    assert platform.memory_map.extent == "partial"


def test_a_row_lost_on_a_line_that_holds_all_of_them_is_reported() -> None:
    lines = [line.strip() for line in rows(FREEBSD)]
    lines[1] = lines[1].replace("RuntimeServicesData", "nRuntimeServicesData")
    platform = read(" ".join(lines))
    assert starts(platform) == [0x100000, 0x300000]
    assert platform.capture
    assert len(platform.capture.unreadable) == 1


@pytest.mark.parametrize("damaged", ["{}~", "{}00000001"])
def test_a_row_of_the_shell_lost_between_others_of_its_line_is_reported(damaged: str) -> None:
    row = "Available  {0:016X}-{1:016X} 0000000000000001 000000000000000F"
    lines = [row.format(at, at | 0xFFF) for at in (0x1000, 0x3000, 0x5000)]
    lines[1] = lines[1].replace(f"{0x3FFF:016X}", damaged.format(f"{0x3FFF:016X}"))
    platform = read(" ".join(lines))
    assert starts(platform) == [0x1000, 0x5000]
    assert platform.capture
    assert platform.capture.unreadable


def test_digits_of_the_row_before_are_no_type() -> None:
    row = "RT_Data    {0:016X}-{1:016X} 0000000000000001 800000000000000F"
    lines = [row.format(at, at | 0xFFF) for at in (0x1000, 0x3000, 0x5000)]
    lines[1] = lines[1].removeprefix("RT_Data    ")
    platform = read(" ".join(lines))
    assert starts(platform) == [0x1000, 0x5000]
    assert platform.capture
    assert platform.capture.unreadable


@pytest.mark.parametrize("layout", [U_BOOT, OPENBSD])
def test_the_character_set_that_a_terminal_selects_is_no_part_of_a_row(layout: str) -> None:
    platform = read("".join(f"\x1b(B\x1b[m{line}" for line in rows(layout)))
    assert starts(platform) == [0x100000, 0x200000, 0x300000]


def test_a_number_that_a_terminal_wrapped_is_not_half_of_it() -> None:
    lines = rows(OPENBSD)
    lines[1] = lines[1].replace("0x800000000000000f", "0x80000000 \r0000000f")
    platform = read("".join(lines))
    assert starts(platform) == [0x100000, 0x300000]
    assert platform.capture
    assert platform.capture.unreadable


def test_rows_whose_lines_end_in_a_carriage_return_alone_are_whole() -> None:
    platform = read("".join(rows(OPENBSD)).replace("\n", "\r"))
    assert starts(platform) == [0x100000, 0x200000, 0x300000]
    assert platform.capture
    assert platform.capture.unreadable == ()


def test_the_words_of_another_row_are_no_words_of_the_one_above() -> None:
    lines = rows(U_BOOT)
    lines[1] = lines[1].partition("UC")[2]
    platform = read("".join(lines))
    first, last = platform.memory_map.descriptors
    assert (first.attribute, last.attribute) == (None, 1 << 63 | 0xF)
    assert platform.capture
    assert platform.capture.unreadable


def test_the_rest_of_a_row_of_the_shell_is_reported() -> None:
    row = "RT_Data    {0:016X}-{1:016X} 0000000000000001 800000000000000F\n"
    lines = [row.format(at, at | 0xFFF) for at in (0x1000, 0x3000, 0x5000)]
    lines[1] = lines[1][40:]
    platform = read("".join(lines))
    assert starts(platform) == [0x1000, 0x5000]
    assert platform.capture
    assert platform.capture.unreadable


def test_the_rest_of_a_row_of_haiku_of_2021_is_reported() -> None:
    row = "  phys: 0x{0:x}, virt: 0x0, size: 0x1000, bootServicesData, attrs: 0xf\n"
    lines = [row.format(at) for at in (0x1000, 0x3000, 0x5000)]
    lines[1] = lines[1][30:]
    platform = read("System provided memory map:\n" + "".join(lines))
    assert starts(platform) == [0x1000, 0x5000]
    assert platform.capture
    assert platform.capture.unreadable


def test_the_escape_of_a_wrong_character_in_json_is_no_part_of_an_address() -> None:
    row = "(XEN)  {0:013x}-{1:013x} type=7 attr=000000000000000f"
    lines = [row.format(at, at | 0xFFF) for at in (0x1000, 0x3000, 0x5000)]
    lines[1] = lines[1].replace("(XEN)  0", "(XEN)  0\\ufffd0")
    platform = read('",\n"'.join(lines))
    assert starts(platform) == [0x1000, 0x5000]
    assert platform.capture
    assert platform.capture.unreadable
