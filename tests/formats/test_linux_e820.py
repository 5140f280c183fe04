"""The list called e820 in kernel logs of x86."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.formats import linux
from efipolicy.model.platform import Capture
from efipolicy.source import SourceText
from tests.formats import printing

BOOT = "[    0.000000] Linux version 6.12.{} (a@b) (x86_64-linux-gnu-gcc) #1 SMP\n"
BANNER = "[    0.000000] efi: EFI v2.7 by EDK II\n"


def capture(text: str) -> Capture:
    reading = linux.read(SourceText("log.txt", BOOT.format(1) + text + BANNER))
    assert reading
    assert reading.platform.capture
    return reading.platform.capture


def ranges(text: str) -> list[tuple[int, int, str]]:
    found = capture(text).reported_ranges
    assert {one.table for one in found} <= {"e820"}
    return [(one.physical.start, one.physical.end, one.what) for one in found]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("BIOS-e820: [mem 0x0000000000000000-0x000000000009ffff] usable", (0, 0xA0000, "usable")),
        (
            "BIOS-e820: [mem 0x000000003fee0000-0x000000003fefffff] ACPI NVS",
            (0x3FEE0000, 0x3FF00000, "ACPI NVS"),
        ),
        (
            "BIOS-e820: [mem 0x0000000100000000-0x000000017fffffff] soft reserved",
            (1 << 32, 0x1_8000_0000, "soft reserved"),
        ),
        (
            "BIOS-e820: [mem 0x0000000100000000-0x000000017fffffff] persistent (type 12)",
            (1 << 32, 0x1_8000_0000, "persistent (type 12)"),
        ),
        (
            "BIOS-e820: [mem 0x0000000000001000-0x0000000000001fff] type 20",
            (0x1000, 0x2000, "type 20"),
        ),
        (
            " BIOS-e820: 0000000000000000 - 000000000009f400 (usable)",
            (0, 0x9F400, "usable"),
        ),
        (
            " BIOS-e820: 00000000bf780000 - 00000000bf798000 (ACPI data)",
            (0xBF780000, 0xBF798000, "ACPI data"),
        ),
        (
            "e820: update [mem 0x00000000-0x00000fff] usable ==> reserved",
            (0, 0x1000, "update: usable ==> reserved"),
        ),
        (
            "e820: update [mem 0x00000000-0x00000fff] usable =3D=3D> rese=\nrved",
            (0, 0x1000, "update: usable ==> reserved"),
        ),
        (
            "e820: update [mem 0x00000000-0x00000fff] usable\n==> reserved",
            (0, 0x1000, "update: usable ==> reserved"),
        ),
        ("e820: remove [mem 0x000a0000-0x000fffff] usable", (0xA0000, 0x100000, "remove: usable")),
        (
            "e820 update range: 0000000000000000 - 0000000000001000 (usable) ==> (reserved)",
            (0, 0x1000, "update: usable ==> reserved"),
        ),
        (
            "e820 remove range: 00000000000a0000 - 0000000000100000 (usable)",
            (0xA0000, 0x100000, "remove: usable"),
        ),
        (
            "BIOS-e820: [mem 0x0000000012be0000-0x0000000012bfffff] r=\neserved",
            (0x12BE0000, 0x12C00000, "reserved"),
        ),
        (
            "BIOS-e820: [mem 0x00000000fed80000-0x00000000fed80f=\nff] reserved",
            (0xFED80000, 0xFED81000, "reserved"),
        ),
        (
            "BIOS-e820: [mem 0x00000000fedc2000-0x00000000fedc8fff]\nACPI data",
            (0xFEDC2000, 0xFEDC9000, "ACPI data"),
        ),
        (
            "BIOS-e820: [mem 0x0000000000001000-0x0000000000001fff] type 2=\n0",
            (0x1000, 0x2000, "type 20"),
        ),
    ],
)
def test_a_line_is_read_in_every_form_it_has_had(line: str, expected: tuple[int, int, str]) -> None:
    assert ranges(f"[    0.000000] {line}\n") == [expected]


def test_the_lines_are_counted_as_understood_and_stand_where_they_say() -> None:
    found = capture("[    0.0] BIOS-e820: [mem 0x0000000000001000-0x0000000000001fff] usable\n")
    assert found.skipped_lines == 0
    (one,) = found.reported_ranges
    start = one.located.span_of("physical_start")
    assert start
    assert (start.text, start.line) == ("0000000000001000", 2)
    assert one.located.span.text.startswith("BIOS-e820")


@pytest.mark.parametrize(
    ("header", "label"),
    [
        ("extended physical RAM map:", "reserve setup_data"),
        ("e820: user-defined physical RAM map:", "user"),
        ("user-defined physical RAM map:", "user"),
        ("modified physical RAM map:", "modified"),
        ("extended physical RAM map:", "extended"),
    ],
)
def test_a_list_that_was_changed_says_so(header: str, label: str) -> None:
    text = (
        "[    0.0] BIOS-provided physical RAM map:\n"
        "[    0.0] BIOS-e820: [mem 0x0000000000000000-0x0000000000000fff] usable\n"
        f"[    0.0] {header}\n"
        f"[    0.0] {label}: [mem 0x0000000000000000-0x00000000000007ff] usable\n"
        f"[    0.0] {label}: [mem 0x0000000000000800-0x0000000000000fff] reserved\n"
    )
    assert ranges(text) == [
        (0, 0x1000, "usable"),
        (0, 0x800, f"{label}: usable"),
        (0x800, 0x1000, f"{label}: reserved"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "BIOS-e820: [mem 0x0000000000001000-0x0000000000001fff] cheese",
        "BIOS-e820: [mem 0x0000000000001000-0x000000000000",
        "BIOS-e820: [mem 0x0000000000002000-0x0000000000000fff] usable",
        "e820: last_pfn = 0x80000 max_arch_pfn = 0x400000000",
        "e820: reserve RAM buffer [mem 0x0009fc00-0x0009ffff]",
        "# BIOS-e820: [mem 0x0000000000001000-0x0000000000001fff] usable",
        "user: [mem 0x0000000000001000-0x0000000000001fff] usable",
    ],
)
def test_other_lines_report_no_range(line: str) -> None:
    assert ranges(f"{line}\n") == []


def test_a_line_printed_twice_is_one_range() -> None:
    line = "[    0.0] BIOS-e820: [mem 0x0000000000001000-0x0000000000001fff] usable\n"
    assert len(ranges(line * 2)) == 1


def test_a_log_in_one_string_of_json_has_all_its_ranges() -> None:
    line = "BIOS-e820: [mem 0x000000000000{0}000-0x000000000000{0}fff] usable\\n"
    text = '{"log": "' + line.format(1) + line.format(2) + 'e820: last_pfn = 0x80000"}\n'
    assert ranges(text) == [(0x1000, 0x2000, "usable"), (0x2000, 0x3000, "usable")]


def test_the_list_of_another_boot_does_not_count() -> None:
    line = "[    0.0] BIOS-e820: [mem 0x000000000000{0}000-0x000000000000{0}fff] usable\n"
    second = BOOT.format(2) + line.format(2) + BANNER
    assert ranges(line.format(1) + BANNER + second) == [(0x1000, 0x2000, "usable")]


WORDS = (
    "usable",
    "reserved",
    "ACPI data",
    "ACPI NVS",
    "unusable",
    "type 20",
    "persistent (type 12)",
)


@given(
    st.lists(
        st.tuples(st.integers(0, 2**40), st.integers(1, 2**30), st.sampled_from(WORDS)),
        min_size=1,
        max_size=6,
        unique_by=lambda one: one[0],
    ),
    st.data(),
)
def test_what_is_printed_is_read_back_through_any_damage(
    printed: Iterable[tuple[int, int, str]], data: st.DataObject
) -> None:
    expected = [(start, start + size, words) for start, size, words in printed]
    lines = [
        f"BIOS-e820: [mem {start:#018x}-{end - 1:#018x}] {words}" for start, end, words in expected
    ]
    noise = {(0, 0xA0000, "usable"), (0xF8000000, 0xFC000000, "remove: reserved")}
    found = ranges(data.draw(printing.damaged(lines)))
    assert [one for one in found if one not in noise] == [
        one for one in expected if one not in noise
    ]
