"""Platform files written from captures."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efipolicy.formats import efipolicy_formats
from efipolicy.formats.platform import read_platform
from efipolicy.formats.recognition import recognise
from efipolicy.formats.writing import platform_text
from efipolicy.model.address import AddressRange
from efipolicy.model.declared import SystemTable
from efipolicy.model.efi import CONFIGURATION_TABLES
from efipolicy.model.evidence import PageTableDump, Remapping, ReportedRange
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor, MemoryMap
from efipolicy.model.platform import (
    ArchitectureReason,
    ConfigurationTable,
    Firmware,
    Platform,
    Revision,
)
from efipolicy.source import SourceText, decode
from tests.formats.reading import platform_of

CAPTURES = Path(__file__).parents[1] / "captures"
FORMATS = {form.name: form for form in efipolicy_formats()}
IMPORTED = [
    row.split("\t")[0]
    for row in (CAPTURES / "expected.tsv").read_text().splitlines()
    if not row.startswith("#")
]
DIALECTS = {
    row.split("\t")[3]: row.split("\t")[0]
    for row in (CAPTURES / "expected.tsv").read_text().splitlines()
    if not row.startswith("#")
}
SMALL = [*DIALECTS.values(), *(f"sysfs/{one.name}" for one in CAPTURES.glob("sysfs/*.txt"))]

WORDS = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\ufeff"), max_size=12
)
WORD64 = st.integers(0, (1 << 64) - 1)
WORD32 = st.integers(0, (1 << 32) - 1)
EXTENTS = st.sampled_from(("whole", "partial", "unknown"))


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


@st.composite
def lists(
    draw: st.DrawFn, *, gaps: bool
) -> tuple[tuple[MemoryDescriptor, ...], tuple[tuple[int, int], ...]]:
    found, missing = [], []
    index = 0
    for _ in range(draw(st.integers(0, 6))):
        gap = draw(st.integers(0, 3)) if gaps else 0
        if gap:
            missing.append((index, index + gap - 1))
            index += gap
        found.append(
            MemoryDescriptor(
                index=index,
                type=draw(st.integers(0, 16) | WORD32),
                physical_start=draw(WORD64),
                number_of_pages=draw(WORD64),
                attribute=draw(maybe(WORD64 | st.just(0xF))),  # type: ignore[arg-type]
                virtual_start=draw(maybe(WORD64)),  # type: ignore[arg-type]
                note=draw(maybe(WORDS)),  # type: ignore[arg-type]
            )
        )
        index += 1
    return tuple(found), tuple(missing)


@st.composite
def platforms(draw: st.DrawFn) -> Platform:
    descriptors, missing = draw(lists(gaps=True))
    name = draw(st.sampled_from(list(CONFIGURATION_TABLES)))
    table = ConfigurationTable(
        name=name, guid=CONFIGURATION_TABLES[name], address=draw(WORD64), length=draw(maybe(WORD64))
    )
    strange = ConfigurationTable(
        guid="01234567-89ab-cdef-0123-456789abcdef", address=0x1000, loaded="boot"
    )
    return Platform(
        name=draw(st.from_regex(r"[a-z0-9]+(?:[._-][a-z0-9]+)*", fullmatch=True)),
        title=draw(maybe(WORDS)),
        architecture=draw(st.sampled_from(("x86_64", "arm64", "unknown"))),
        architecture_reason=ArchitectureReason(
            kind=draw(st.sampled_from(("stated", "dialect", "option"))), evidence=draw(WORDS)
        ),
        uefi=draw(maybe(st.builds(Revision, *[st.integers(0, 20)] * 3))),
        firmware=draw(
            maybe(
                st.builds(
                    Firmware,
                    vendor=maybe(WORDS),
                    version=maybe(WORDS),
                    exercised=st.sampled_from(((), ("physical", "virtual"))),
                    bits=maybe(st.sampled_from((32, 64))),
                    smi_handler=st.none(),
                    unavailable_services=st.none(),
                    environment=st.none(),
                )
            )
        ),
        memory_map=MemoryMap(
            descriptors=descriptors,
            missing=missing,
            descriptor_version=draw(maybe(WORD32)),
            descriptor_size=draw(maybe(WORD32)),
            size=draw(maybe(WORD64)),
            extent=draw(EXTENTS),
            origin=draw(st.sampled_from(("firmware", "kernel-edited", "kexec", "unknown"))),
        ),
        memory_attributes_table=draw(
            maybe(
                st.builds(
                    MemoryAttributesTable,
                    entries=lists(gaps=False).map(lambda found: found[0]),
                    version=maybe(WORD32),
                    number_of_entries=maybe(WORD32),
                    flags=maybe(WORD32),
                    address=maybe(WORD64),
                    extent=EXTENTS,
                )
            )
        ),
        configuration_tables=draw(st.sampled_from((None, (), (table,), (table, strange)))),
        system_table=draw(
            maybe(
                st.builds(
                    SystemTable,
                    address=WORD64,
                    runtime_services=maybe(WORD64),
                    firmware_vendor=maybe(WORD64),
                    configuration_table=maybe(WORD64),
                    runtime_functions=maybe(st.fixed_dictionaries({"GetTime": WORD64})),
                    located=st.none(),
                )
            )
        ),
    )


@settings(max_examples=60, deadline=None)
@given(platforms())
def test_what_is_written_reads_back_as_it_was(platform: Platform) -> None:
    read, errors = read_platform(SourceText("p.yaml", platform_text(platform)))
    assert errors == []
    assert read == platform


@pytest.mark.parametrize("name", IMPORTED)
def test_an_imported_capture_is_the_same_platform(name: str) -> None:
    captured = imported(name)
    read, errors = read_platform(SourceText("p.yaml", platform_text(captured)))
    assert errors == []
    assert read == replace(captured, capture=None)


def imported(name: str) -> Platform:
    reading = recognise(decode(name, (CAPTURES / name).read_bytes()), FORMATS).reading
    assert reading is not None
    return reading.platform


def test_a_descriptor_is_one_aligned_line_with_its_origin_behind_it() -> None:
    text = platform_text(
        platform_of(
            SourceText(
                "logs/boot.txt",
                "Apr 28 07:55:19 rack7 kernel: efi: mem00: [Runtime Code|RUN|WB] "
                "range=[0x1000-0x2fff] (0MB)\n"
                "Apr 28 07:55:19 rack7 kernel: efi: mem01: [Conventional|attr=0x0800000000000001] "
                "range=[0x100000000-0x10000ffff] (0MB)\n",
            )
        )
    )
    assert text == (
        "# Imported from boot.txt, format linux-x86-cells-closed. A comment behind an entry holds\n"
        "# the number and the words of the line it was read from.\n"
        "efipolicy: 1\n"
        "platform:\n"
        "  name: boot\n"
        "  architecture: x86_64\n"
        "  architecture_reason: {kind: dialect, evidence: "
        '"the lines `efi: memNN:`, which Linux prints on x86"}\n'
        "memory_map:\n"
        "  extent: whole\n"
        "  origin: firmware\n"
        "  descriptors:\n"
        "    - {type: EfiRuntimeServicesCode, physical_start: 0x000001000, pages:  0x2, "
        "attribute: [RUNTIME, WB]}       "
        "# 1: mem00: [Runtime Code|RUN|WB] range=[0x1000-0x2fff] (0MB)\n"
        "    - {type: EfiConventionalMemory,  physical_start: 0x100000000, pages: 0x10, "
        "attribute: 0x0800000000000001}  "
        "# 2: mem01: [Conventional|attr=0x0800000000000001] "
        "range=[0x100000000-0x10000ffff] (0MB)\n"
    )


def test_lines_that_were_not_read_are_listed_without_strange_words() -> None:
    text = platform_text(
        platform_of(
            SourceText(
                "x.txt",
                "efi: mem00: type=7, attr=0xf, range=[0x0-0x1000)\n"
                "efi: mem01: ?\n"
                "efi: mem02: [rack7 ` 00-1a-2b-3c-4d-5e|WB] range=[0x1000-0x1fff] (0MB)\n",
            )
        )
    )
    assert text.endswith(
        "not_read:\n"
        '  - {line: 2, what: "no type and range behind `mem01:`"}\n'
        '  - {line: 3, what: "the unknown type …"}\n'
    )
    assert "rack7" not in text


def test_the_comment_of_a_wrapped_entry_is_one_line() -> None:
    text = platform_text(imported("28-hyperv-gen2-linux-x86-raw-wrapped.txt"))
    assert (
        "# 7: mem00: type=7, attr=0xf, range=[0x0000000000000000-0x0000000000080000) (0MB)" in text
    )


def test_what_an_imported_file_leaves_out_is_said_above() -> None:
    captured = imported("03-huawei-d05-linux-arm64.txt")
    assert captured.capture is not None
    located = captured.capture.located
    assert located is not None
    evidence = replace(
        captured.capture,
        other_maps=(MemoryMap(),),
        remappings=(Remapping(0x1000, 0x2000, located),) * 3,
        page_tables=(PageTableDump("x86-ptdump", (), located),),
        reported_ranges=(ReportedRange(AddressRange(0, 1), "rack7", "e820", located),) * 2,
    )
    text = platform_text(replace(captured, capture=evidence))
    assert [line for line in text.splitlines() if "Left out" in line] == [
        "# Left out: another memory map of the same text.",
        "# Left out: 3 virtual addresses the kernel tells of the same text.",
        "# Left out: a dump of page tables of the same text.",
        "# Left out: 2 ranges of other tables of the same text.",
    ]
    assert "rack7" not in text


def test_entries_of_a_platform_file_get_no_comments() -> None:
    platform, errors = read_platform(SourceText("p.yaml", platform_text(imported(IMPORTED[0]))))
    assert errors == []
    assert platform is not None
    assert "#" not in platform_text(platform)


def test_only_the_name_of_the_file_is_told_not_its_folder() -> None:
    text = "efi: mem00: type=7, attr=0xf, range=[0x0-0x1000)\n"
    written = platform_text(platform_of(SourceText("/home/rack7/customers/boot.txt", text)))
    assert "# Imported from boot.txt, format linux-x86-raw." in written
    assert "rack7" not in written


PREFIXES = (
    "Apr 28 07:55:19 rack7 kernel: ",
    "2024-04-28T07:55:19+02:00 rack7 kernel: ",
    "> rack7 00:1a:2b:3c:4d:5e ",
    "> > SN-CZC1234567 10.11.12.13 ",
    "4c4c4544-0052-3310-8056-b4c04f4c3732 ",
    "CZC1234567|",
    "|rack7|",
)
SECRETS = ("rack7", "00:1a:2b", "czc1234567", "10.11.12.13", "4c4c4544")


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("name", SMALL)
def test_what_stands_before_wrapped_lines_is_never_copied(name: str, prefix: str) -> None:
    lines = (CAPTURES / name).read_text(errors="replace").splitlines()[:80]
    for width in (25, 47, 60, 90):
        for first in (prefix, ""):
            cut = [[line[at : at + width] for at in range(0, len(line), width)] for line in lines]
            text = "\n".join(first + f"\n{prefix}".join(pieces) for pieces in cut)
            reading = recognise(SourceText("c.txt", text), FORMATS).reading
            if reading:
                written = platform_text(reading.platform).lower()
                assert [secret for secret in SECRETS if secret in written] == []


@pytest.mark.parametrize(
    ("line", "title", "version"),
    [
        ("DMI: Dell Inc. R740/0923K0, BIOS 2.1.8 04/30/2019", "Dell Inc. R740/0923K0", "2.1.8"),
        (
            "DMI: QEMU Standard PC, BIOS 1.16Apr 28 07:55:19 rack7 kernel: x",
            "QEMU Standard PC",
            "1.16",
        ),
        ("DMI: QEMU Standard PC[    0.123456] e1000: 00:1a:2b:3c:4d:5e", "QEMU Standard PC", None),
        ("DMI: QEMU Standard PC, S/N CZC1234567", "QEMU Standard PC", None),
        ("Machine model: Acme Board rack7 kernel: x", "Acme Board", None),
    ],
)
def test_the_machine_is_named_without_the_words_of_another_line(
    line: str, title: str, version: str | None
) -> None:
    text = f"{line}\nefi: mem00: type=7, attr=0xf, range=[0x0-0x1000)\n"
    platform, errors = read_platform(
        SourceText("p.yaml", platform_text(platform_of(SourceText("c.txt", text))))
    )
    assert errors == []
    assert platform is not None
    assert (platform.title, platform.firmware and platform.firmware.version) == (title, version)
    assert platform.name == re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def test_where_a_kernel_was_loaded_from_is_not_told() -> None:
    text = (
        "Linux version 6.1.0\n"
        "Command line: BOOT_IMAGE=images/rack7/00-1a-2b-3c-4d-5e/vmlinuz-x86_64 root=/dev/sda1\n"
        "efi: mem00: type=7, attr=0xf, range=[0x0-0x1000)\n"
    )
    written = platform_text(platform_of(SourceText("c.txt", text)))
    assert "`BOOT_IMAGE=…x86_64`" in written
    assert "rack7" not in written


def test_the_words_of_every_entry_of_a_real_capture_are_kept() -> None:
    for name in IMPORTED:
        written = platform_text(imported(name))
        assert re.findall(r"#\ \d+$", written, re.MULTILINE) == [], name
