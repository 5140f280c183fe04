"""Lines of kernel logs in every form they have had, and what a log says around its map."""

from collections.abc import Callable
from typing import Any

import pytest

from efipolicy.formats import linux, linux_architecture, linux_log, linux_machine
from efipolicy.model.efi import EFI_MEMORY_RUNTIME
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Capture, Platform, Revision
from efipolicy.plugin.registry import Registry
from efipolicy.source import SourceText
from tests.conftest import ROOT
from tests.formats.test_reading_effort import work

WB = 0xF
CELL = "efi: mem00: [Runtime Code|RUN|WB] range=[0x0-0xfff] (0MB)\n"


def read(text: str) -> Platform:
    reading = linux.read(SourceText("log.txt", text))
    assert reading
    return reading.platform


def capture(text: str) -> Capture:
    found = read(text).capture
    assert found
    return found


def only(text: str) -> MemoryDescriptor:
    platform = read(text)
    assert platform.capture
    assert platform.capture.unreadable == ()
    (descriptor,) = platform.memory_map.descriptors
    return descriptor


@pytest.mark.parametrize(
    ("line", "memory_type", "start", "end", "attribute"),
    [
        (
            (
                "[    0.000000] efi: mem00: type=3, attr=0xf, "
                "range=[0x0000000000000000-0x0000000000008000) (0MB)"
            ),
            3,
            0,
            0x8000,
            WB,
        ),
        (
            (
                "[    0.000000] EFI: mem04: type=2, attr=0xf, "
                "range=[0x0000000000100000-0x000000000056d000) (4MB)"
            ),
            2,
            0x100000,
            0x56D000,
            WB,
        ),
        (
            (
                "efi: mem19: [Boot Data          |   |  |  |  |   |WB|WT|WC|UC] "
                "range=[0x00000000abba0000-0x00000000abc1b000) (0MB)"
            ),
            4,
            0xABBA0000,
            0xABC1B000,
            WB,
        ),
        (
            (
                "efi: mem11: [Boot Data          |RUN|  |  |  |  |  |  |   |WB|WT|WC|UC] "
                "range=[0x0000000074dd6000-0x0000000074dd6fff] (0MB)"
            ),
            4,
            0x74DD6000,
            0x74DD7000,
            EFI_MEMORY_RUNTIME | WB,
        ),
        (
            (
                "efi: mem01: [Memory Mapped I/O  |RUN|  |  |  |  |  |  |   |  |  |  |UC] "
                "range=[0x00000000fee00000-0x00000000fee00fff] (0MB)"
            ),
            11,
            0xFEE00000,
            0xFEE01000,
            EFI_MEMORY_RUNTIME | 1,
        ),
        (
            (
                "efi:   0x082080000000-0x08247fffffff "
                "[Conventional|   |  |MR|  |  |  |  |  |  |  |   |WB|WT|WC|  ]"
            ),
            7,
            0x082080000000,
            0x082480000000,
            0x10000 | 0xE,
        ),
        ("0x0008fffb9000-0x0008fffccfff [Runtime Code]*", 5, 0x8FFFB9000, 0x8FFFCD000, None),
        (
            "mem03: type=2, attr=0xf, range=[0x0000000000100000-0x0000000000400000) (3MB)",
            2,
            0x100000,
            0x400000,
            WB,
        ),
        (
            (
                "efi: mem12: [Reserved           |   |  |  |  |  |  |  |  |   |  |  |  |  ] "
                "range=[0x0000000000000000-0x0000000000000000] (invalid)"
            ),
            0,
            0,
            0,
            0,
        ),
        (
            (
                "efi: mem00: [Runtime Code|RT|  |  |XP|  |  |   |WB|WT|WC|UC] "
                "range=[0x0000000000001000-0x0000000000001fff] (0MB)"
            ),
            5,
            0x1000,
            0x2000,
            EFI_MEMORY_RUNTIME | 0x4000 | WB,
        ),
        (
            "efi: mem00: [Reserved    |attr=0x0800000000000001] range=[0x1000-0x1fff] (0MB)",
            0,
            0x1000,
            0x2000,
            0x0800000000000001,
        ),
        (
            (
                "mem07: type= 4, attr=0x0000000000000008, "
                "range=[0x0000000000100000-0x0000000000102000) (   8KB)"
            ),
            4,
            0x100000,
            0x102000,
            8,
        ),
    ],
)
def test_a_line_is_read_in_every_form_it_has_had(
    line: str, memory_type: int, start: int, end: int, attribute: int | None
) -> None:
    found = only(line)
    assert (found.type, found.physical.start, found.physical.end) == (memory_type, start, end)
    assert found.attribute == attribute


def test_the_oldest_kernels_lines_do_not_say_what_printed_them() -> None:
    platform = read("mem03: type=2, attr=0xf, range=[0x100000-0x400000) (3MB)")
    assert platform.architecture == "unknown"


def test_padded_lines_are_those_of_ia64() -> None:
    line = "mem07: type= 4, attr=0x0000000000000008, range=[0x100000-0x102000) (   8KB)"
    assert read(line).architecture == "ia64"
    assert capture(line).dialect == "linux-ia64"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("efi: mem03: garbage", "no type and range behind `mem03:`"),
        ("efi: mem03: [Boot Data   |   |WB|", "no type and range behind `mem03:`"),
        ("efi: mem03: [Foot Data|   |WB|UC] range=[0x1000-0x1fff] (0MB)", "the unknown type"),
        ("efi: mem03: [Boot Data|   |QX|UC] range=[0x1000-0x1fff] (0MB)", "the unknown flag `QX`"),
        ("efi: mem03: [Boot Data|   |WB|UC] range=[0x1000-0x1ffe] (0MB)", "not a whole number"),
        ("efi: mem03: [Boot Data|   |WB|UC] range=[0x1000-0x1fff] (7MB)", "not of the size"),
        (
            "efi: Not removing mem104: MMIO range=[0xfd600000-0xfd7fffff] (64KB) from e820 map",
            "not of the size printed behind it, 64KB",
        ),
        ("efi:   0x000000001000-0x000000001fff [Boot Data|   |WB", "does not end"),
        ("efi:   0x000000001000-0x000000001fff [Foot Data|   |WB]", "the unknown type"),
        ("efi:   0x000000001000-0x000000001ffe [Boot Data|   |WB]", "not a whole number"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_never_dropped(line: str, what: str) -> None:
    good = "efi: mem02: [Boot Data|   |WB|UC] range=[0x0-0xfff] (0MB)"
    (found,) = capture(f"{good}\n[    0.000000] {line}\n").unreadable
    assert what in found.what
    assert found.located.span.line == 2


def test_an_entry_with_an_unknown_flag_is_kept_without_its_attribute() -> None:
    (entry,) = read(
        "efi: mem00: [Boot Data|   |QX|UC] range=[0x1000-0x1fff] (0MB)"
    ).memory_map.descriptors
    assert (entry.type, entry.attribute) == (4, None)


def test_a_text_with_nothing_of_the_kind_is_not_a_kernel_log() -> None:
    assert linux.read(SourceText("x.txt", "memory: 3 of 7\n[mem 0x0-0xfff]\n")) is None


@pytest.mark.parametrize(
    "line",
    [
        "[    0.062564]   EFI remap 0x0000000010548000 => 0000000020018000",
        "efi: memattr: Entry attributes invalid: RO and XP bits both cleared",
        "[    0.5] efi: Failed to lookup EFI memory descriptor for 0x1000",
    ],
)
def test_a_line_about_a_mapping_or_a_fault_is_evidence(line: str) -> None:
    platform = read(line)
    assert platform.memory_map.descriptors == ()
    assert capture(line).dialect == "linux-log"
    assert capture(line).skipped_lines == 0


def test_a_mail_that_speaks_of_faults_is_no_log() -> None:
    text = "What does `Error mapping PA 0x` mean, and who prints EFI v2.7 by EDK II?\n"
    assert linux.read(SourceText("mail.txt", text)) is None


def test_a_gap_in_the_numbers_is_missing() -> None:
    lines = [
        f"efi: mem{number:02}: type=7, attr=0xf, range=[{number:#x}000-{number + 1:#x}000) (0MB)"
        for number in (0, 1, 4, 6)
    ]
    assert read("\n".join(lines)).memory_map.missing == ((2, 3), (5, 5))


def test_an_index_that_goes_back_starts_another_map() -> None:
    line = "efi: mem{0:02}: type=7, attr=0xf, range=[0x{0:x}000-0x{1:x}000) (0MB)"
    lines = [line.format(number, number + 1) for number in (0, 1, 2, 0, 1)]
    platform = read("\n".join(lines))
    assert len(platform.memory_map.descriptors) == 3
    assert platform.capture
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [2]


def test_the_lines_about_e820_complete_the_map_of_their_boot() -> None:
    platform = read(
        "efi: Remove mem02: MMIO range=[0xffc00000-0xffffffff] (4MB) from e820 map\n"
        "efi: mem00: [Runtime Code|RUN|WB] range=[0x0-0xfff] (0MB)\n"
        "efi: mem01: [Conventional|   |WB] range=[0x1000-0x1fff] (0MB)\n"
    )
    assert [one.type for one in platform.memory_map.descriptors] == [5, 7, 11]
    assert platform.memory_map.extent == "whole"


def test_a_poster_who_left_entries_out_gives_no_whole_map() -> None:
    platform = read(
        "efi: mem00: [Runtime Code|RUN|WB] range=[0x0-0xfff] (0MB)\n"
        "efi: mem01: [Conventional|   |WB] range=[0x1000-0x1fff] (0MB)\n"
        "> ...\n"
    )
    assert platform.memory_map.extent == "partial"


def test_a_map_without_numbers_is_whole_when_the_block_counts_it() -> None:
    entry = "efi:   0x00000000{0:x}000-0x00000000{0:x}fff [Conventional|   |WB]"
    lines = [entry.format(number) for number in (1, 2)]
    block = "efi:   MemMap Size          : 0x{:x}\nefi:   MemMap Desc. Size    : 0x30\n"
    assert read(block.format(0x60) + "\n".join(lines)).memory_map.extent == "whole"
    assert read(block.format(0x90) + "\n".join(lines)).memory_map.extent == "partial"
    assert read("\n".join(lines)).memory_map.extent == "unknown"


def test_two_equal_entries_are_one_unless_the_block_counts_both() -> None:
    line = "efi:   0x000000001000-0x000000001fff [Conventional|   |WB]\n"
    block = "efi:   MemMap Size          : 0x60\nefi:   MemMap Desc. Size    : 0x30\n"
    assert len(read(line * 2).memory_map.descriptors) == 1
    assert len(read(block + line * 2).memory_map.descriptors) == 2


def test_an_end_below_its_start_wrapped_at_64_bits() -> None:
    table = read(
        "efi: memattr: ! 0xfffffffffffff000-0x000000000fff [Runtime Code|RUN|RO]"
    ).memory_attributes_table
    assert table
    assert table.entries[0].number_of_pages == 2


def test_the_version_of_an_unexpected_table_is_unsigned() -> None:
    table = read(
        "efi: memattr: Unexpected EFI Memory Attributes table version -2\n"
    ).memory_attributes_table
    assert table
    assert table.version == 0xFFFFFFFE


@pytest.mark.parametrize(
    ("banner", "kernel", "expected"),
    [
        ("2.70", None, Revision(2, 7)),
        ("2.31", None, Revision(2, 3, 1)),
        ("2.00", None, Revision(2, 0)),
        ("2.100", None, Revision(2, 10)),
        ("2.7", None, Revision(2, 7)),
        ("2.3.1", None, Revision(2, 3, 1)),
        ("1.10", None, Revision(1, 10)),
        ("1.1", (6, 12), Revision(1, 10)),
        ("2.10", None, None),
        ("2.10", (6, 5), None),
        ("2.10", (6, 1), Revision(2, 1)),
        ("2.10", (6, 9), Revision(2, 10)),
        ("2.11", (6, 12), Revision(2, 11)),
    ],
)
def test_the_banner_is_read_as_its_kernel_wrote_it(
    banner: str, kernel: tuple[int, int] | None, expected: Revision | None
) -> None:
    major, minor, *third = banner.split(".")
    found = linux_log.revision((major, minor, third[0] if third else None), kernel)
    assert found == expected


def test_the_banner_of_ia64_holds_the_tables_as_well() -> None:
    platform = read(
        "EFI v1.10 by HP: SALsystab=0x723ff7e7640 ACPI 2.0=0x723ffbb0000 HCDP=0x723ffbf27f0\n"
    )
    assert platform.firmware
    assert platform.firmware.vendor == "HP"
    assert platform.architecture == "ia64"
    assert [table.name for table in platform.configuration_tables or ()] == [
        "SAL_SYSTEM_TABLE",
        "ACPI_20",
    ]


def test_a_log_on_one_line_has_a_revision_and_no_endless_vendor() -> None:
    platform = read("efi: EFI v2.70 by EDK II " + "[    0.000000] noise " * 50 + CELL)
    assert platform.uefi == Revision(2, 7)
    assert platform.firmware is None


@pytest.mark.parametrize(
    ("line", "architecture"),
    [
        ("Linux version 6.12 (b@h) (x86_64-linux-gnu-gcc-12 (Debian) 12.2.0) #1", "x86_64"),
        ("Linux version 6.1.0-56-amd64 (b@h) (gcc-12 (Debian) 12.2.0) #1", "x86_64"),
        ("Linux version 5.3.6-200.fc30.x86_64 (b@h) (gcc version 9) #1", "x86_64"),
        ("Linux version 6.1.0-56-arm64 (b@h) (gcc-12) #1", "arm64"),
        ("Booting Linux on physical CPU 0x0000000000 [0x410fd083]", "arm64"),
        ("CPU: ARMv7 Processor [412fc0f1] revision 1 (ARMv7), cr=10c5387d", "arm32"),
        ("Linux version 6.1.0-9-armmp (b@h) (arm-linux-gnueabihf-gcc-12) #1", "arm32"),
        ("Linux version 6.1.0-9-armmp (b@h) (gcc-12) #1", "arm32"),
        ("Linux version 6.1.0 (b@h) (clang, arm-linux-gnueabi-ld 2.40) #1", "arm32"),
        ("smpboot: CPU0: AMD EPYC (family: 0x17)", "x86_64"),
    ],
)
def test_words_of_the_log_prove_the_architecture(line: str, architecture: str) -> None:
    platform = read(f"{line}\nefi:   0x000000001000-0x000000001fff [Conventional|   |WB]\n")
    assert platform.architecture == architecture
    assert platform.architecture_reason.kind == "stated"


def test_every_architecture_a_reader_names_is_declared() -> None:
    named = {
        *linux_machine._MACHINES.values(),
        *(architecture for _, architecture in linux_machine._PROOFS),
        *(architecture for architecture, _ in linux_architecture.GUESSES.values()),
        linux_architecture.X86[0],
        "ia64",
    }
    assert named == set(linux_machine.ARCHITECTURES)


def test_rules_and_readers_call_an_architecture_by_the_same_name(registry: Registry) -> None:
    of_rules = {name for rule in registry.rules.values() for name in rule.architectures}
    assert of_rules
    assert of_rules <= set(linux_machine.ARCHITECTURES)
    assert set(registry.architectures) <= set(linux_machine.ARCHITECTURES)


class CountedText(str):
    """A text that tells in how many of its characters lines were counted."""

    counted = 0

    def count(self, *arguments: Any) -> int:
        found = self[slice(*arguments[1:])]
        self.counted += len(found)
        return found.count(arguments[0])


def test_the_lines_of_a_long_text_are_counted_once() -> None:
    text = CountedText("noise\n" * 100_000 + "efi: mem00: type=7, attr=0xf, range=[0x0-0x1000)\n")
    reading = linux.read(SourceText("x", text))
    assert reading
    assert reading.platform.capture
    assert reading.platform.capture.skipped_lines == 100_000
    located = reading.platform.memory_map.descriptors[0].located
    assert located
    assert located.span.line == 100_001
    assert text.counted < 1.1 * len(text)


VERSION = "[    0.000000] Linux version 6.1.{} (a@b) (x86_64-linux-gnu-gcc) #1 SMP\n"
BANNER = "[    0.000000] efi: EFI v2.70 by Firmware {}\n"
TABLES = "[    0.000000] efi: ACPI 2.0=0x{:x} MEMATTR=0x{:x}\n"
DMI = "[    0.000000] DMI: Machine {}, BIOS 1.0 01/01/2024\n"


def x86_map(start: int) -> str:
    """A map of two entries."""
    line = "[    0.000000] efi: mem{:02}: [{}|WB] range=[0x{:x}-0x{:x}] (0MB)\n"
    return line.format(0, "Runtime Code|RUN", start, start + 0xFFF) + line.format(
        1, "Conventional|   ", start + 0x1000, start + 0x1FFF
    )


def fdt_map(start: int) -> str:
    """A map of three entries, as arm64 prints it."""
    line = "[    0.000000] efi:   0x{:012x}-0x{:012x} [{}|WB]\n"
    types = ("Runtime Code|RUN", "Conventional|   ", "Runtime Data|RUN")
    starts = [start + place * 0x10000 for place in range(3)]
    return "".join(line.format(at, at + 0xFFFF, one) for at, one in zip(starts, types, strict=True))


def attributes(start: int) -> str:
    """A Memory Attributes Table of one entry, below its header."""
    return (
        "[    0.1] efi: memattr: Processing EFI Memory Attributes table:\n"
        f"[    0.1] efi: memattr:  0x{start:012x}-0x{start + 0xFFF:012x} [Runtime Code|RUN|RO]\n"
    )


RUNTIME_LIST = "[    0.1] efi: EFI runtime memory map:\n" + x86_map(0x9000).splitlines()[0] + "\n"


def starts(platform: Platform) -> tuple[list[int], list[int]]:
    """Of the map, and of the Memory Attributes Table."""
    table = platform.memory_attributes_table
    return (
        [one.physical_start for one in platform.memory_map.descriptors],
        [one.physical_start for one in table.entries] if table else [],
    )


@pytest.mark.parametrize("printed", [x86_map, fdt_map])
def test_a_second_boot_without_a_banner_adds_nothing_to_the_first(
    printed: Callable[[int], str],
) -> None:
    header = "" if printed is x86_map else "[    0.0] efi: Processing EFI memory map:\n"
    first, second = (header + printed(start) + attributes(start) for start in (0x100000, 0x300000))
    alone = read(first)
    both = read(first + second)
    assert starts(both) == starts(alone)
    assert starts(both)[1] == [0x100000]
    assert both.capture
    assert [len(one.descriptors) for one in both.capture.other_maps] == [
        len(alone.memory_map.descriptors)
    ]


def test_a_list_without_numbers_or_header_starts_over_with_its_first_entries() -> None:
    first = fdt_map(0x100000)
    both = read(first + attributes(0x100000) + first + attributes(0x300000))
    assert starts(both) == ([0x100000, 0x110000, 0x120000], [0x100000])


def test_a_table_behind_a_second_header_is_of_another_boot() -> None:
    table = read(attributes(0x100000) + attributes(0x200000)).memory_attributes_table
    assert table
    assert [one.physical_start for one in table.entries] == [0x100000]
    assert table.extent == "whole"


def test_a_header_that_a_console_printed_twice_starts_one_table() -> None:
    lines = attributes(0x100000).splitlines(keepends=True)
    both = read(lines[0] * 2 + lines[1] * 2 + lines[1].replace("100000-", "101000-"))
    assert starts(both)[1] == [0x100000, 0x101000]


def test_what_stands_above_a_map_belongs_to_the_boot_of_the_map() -> None:
    def boot(number: int) -> str:
        start = number << 20
        return (
            f"[    0.0] BIOS-e820: [mem 0x{start:016x}-0x{start + 0xFFF:016x}] usable\n"
            + BANNER.format(number)
            + TABLES.format(number << 12, number << 13)
            + x86_map(start)
            + DMI.format(number)
            + attributes(start)
        )

    both = read(boot(1) + boot(2))
    alone = read(boot(1))
    assert both.capture
    assert alone.capture
    assert both.firmware == alone.firmware
    assert both.title == alone.title == "Machine 1"
    assert both.configuration_tables == alone.configuration_tables
    assert both.memory_attributes_table == alone.memory_attributes_table
    assert [one[:3] for one in both.capture.reported_ranges] == [
        one[:3] for one in alone.capture.reported_ranges
    ]


def test_the_end_of_an_earlier_boot_is_not_part_of_the_next() -> None:
    whole = VERSION.format(2) + BANNER.format(2) + x86_map(0x300000) + attributes(0x300000)
    both = read(attributes(0x100000) + DMI.format(1) + whole)
    assert starts(both) == starts(read(whole)) == ([0x300000, 0x301000], [0x300000])
    assert both.title is None


def test_the_name_of_a_kernel_below_its_log_still_counts() -> None:
    platform = read(x86_map(0x100000) + VERSION.format(2))
    assert platform.architecture_reason.kind == "stated"


def test_the_kernels_own_list_starts_no_boot() -> None:
    text = BANNER.format(1) + x86_map(0x100000) + RUNTIME_LIST + attributes(0x100000)
    assert starts(read(text)) == ([0x100000, 0x101000], [0x100000])


def test_a_single_line_quoted_below_a_map_starts_no_boot() -> None:
    quoted = "> efi: mem01: [Conventional|   |WB] range=[0x101000-0x101fff] (0MB)\n"
    text = x86_map(0x100000) + quoted + DMI.format(1) + attributes(0x100000)
    platform = read(text)
    assert starts(platform) == ([0x100000, 0x101000], [0x100000])
    assert platform.title == "Machine 1"


def test_two_boots_that_print_lines_about_mmio_alone_are_two() -> None:
    line = "efi: Remove mem{}: MMIO range=[0x{:x}-0x{:x}] (1MB) from e820 map\n"
    boots = [
        BANNER.format(1) + line.format(number, start, start + 0xFFFFF)
        for number, start in ((45, 0xE0000000), (44, 0xF0000000))
    ]
    platform = read("".join(boots))
    assert platform.capture
    assert platform.capture.unreadable == ()
    assert [one.physical_start for one in platform.memory_map.descriptors] == [0xE0000000]
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [1]


def test_a_banner_that_a_console_printed_twice_is_one() -> None:
    twice = "".join(line * 2 for line in (BANNER.format(1), TABLES.format(0x1000, 0x2000)))
    platform = read(twice + x86_map(0x100000) + attributes(0x100000))
    assert platform.configuration_tables
    assert starts(platform) == ([0x100000, 0x101000], [0x100000])


HEAD = VERSION.format(1) + BANNER.format(1)
HOSTILE = {
    "lines about remapping, cut": "EFI remap 0x{0:x}\n",
    "remapping on one line": "EFI remap 0x1 ",
    "ranges without a type": "BIOS-e820: [mem 0x{0:013x}000-0x{0:013x}fff] u\n",
    "headers of lists without lists": "e820 physical RAM map:\n",
    "command lines of a hypervisor": "(XEN) Command line: noefi\n",
    "quotes without an end": 'Kernel command line: "a \n',
    "faults": "[Firmware Bug]: Page fault caused by firmware at PA: 0x{0:x}\n",
    "boots without banners": "efi: EFI v2.7 by X\nefi: mem00: [Reserved|WB] range=[0x0-0xfff]\n",
    "lists that start over": fdt_map(0x100000),
    "tables that start over": attributes(0x100000),
}


@pytest.mark.parametrize("part", HOSTILE.values(), ids=HOSTILE)
def test_four_times_of_anything_is_four_times_the_work(part: str) -> None:
    small, large = (
        HEAD + "".join(part.format(number) for number in range(1, size)) for size in (60, 240)
    )
    assert work(large) < 5 * work(small)


@pytest.mark.parametrize(
    ("boot", "bits"), [("x64-mixed-ia32-1g-k61", 32), ("x64-q35-2g-k61", None)]
)
def test_a_kernel_that_maps_free_memory_runs_on_firmware_of_32_bits(
    boot: str, bits: int | None
) -> None:
    platform = read((ROOT / "tests" / "recorded" / boot / "log.txt").read_text())
    assert platform.firmware
    assert platform.firmware.bits == bits
