"""The descriptors of AArch64 against the architecture's tables and the captures."""

from pathlib import Path

import pytest

from efipolicy.model.mapping import Access
from efipolicy.paging import Level, RadixGeometry
from efipolicy.paging.builder import build
from efipolicy.paging.entries import DecodedEntry, Fault, decode, encode
from efipolicy.paging.walker import walk
from efipolicy.plugin.registry import Registry
from efipolicy_arm64.entries import EDK2_MEMORY_TYPES, describe, entry_formats, formats_with
from tests.paging.trees import GIB, KIB, MIB, arm64, mapped

CAPTURES = Path(__file__).parent.parent / "captures" / "page-tables"
FOUR_KIB = arm64(4 * KIB, 48)


def level_of(geometry: RadixGeometry, name: str) -> Level:
    return next(level for level in geometry.levels if level.name == name)


@pytest.mark.parametrize(
    ("geometry", "level", "physical", "access", "cache", "contiguous", "entry"),
    [
        # RW NX UXN NG AF SH3 DBM ATTR0, as Linux maps runtime data
        (FOUR_KIB, "L3", 0x7C440000, "RW", "normal", False, 0x006800007C440F03),
        # ro x UXN NG AF SH3 ATTR0, as it maps runtime code
        (FOUR_KIB, "L3", 0x7C450000, "RX", "normal", False, 0x004000007C450F83),
        (FOUR_KIB, "L3", 0x7C450000, "R", "normal", False, 0x006000007C450F83),
        # RW NX UXN NG AF SH3 DBM ATTR4: flash, with and without the contiguous hint
        (FOUR_KIB, "L2", 0x4000000, "RW", "device-nGnRE", False, 0x0068000004000F11),
        (FOUR_KIB, "L2", 0x4000000, "RW", "device-nGnRE", True, 0x0078000004000F11),
        # RW x UXN NG AF SH3 DBM ATTR0: U-Boot's code under pages of 16 KiB
        (arm64(16 * KIB, 47), "L3", 0x7FEF0000, "RWX", "normal", False, 0x004800007FEF0F03),
        (arm64(64 * KIB, 48), "L3", 0xBC440000, "RW", "normal-nc", False, 0x00680000BC440F0B),
        # FEAT_LPA: bits 51:48 of the address at 15:12
        (arm64(64 * KIB, 52), "L3", 0xF0000BC440000, "RW", "normal", False, 0x00680000BC44FF03),
        # FEAT_LPA2: bits 51:50 at 9:8, no shareability
        (arm64(4 * KIB, 52), "L3", 0xC000000001000, "RW", "normal", False, 0x0068000000001F03),
        (arm64(16 * KIB, 52), "L3", 0x4000000004000, "RW", "normal", False, 0x0068000000004D03),
        (arm64(4 * KIB, 52), "L0", 0x3008000000000, "RW", "normal", False, 0x006B008000000C01),
    ],
)
def test_a_leaf_has_these_bits(
    geometry: RadixGeometry,
    level: str,
    physical: int,
    access: Access,
    cache: str,
    contiguous: bool,
    entry: int,
) -> None:
    formats = entry_formats(geometry)
    made = encode(formats.leaves[level], physical, access, cache, contiguous=contiguous)
    assert f"{made:#018x}" == f"{entry:#018x}"
    assert decode(formats, level_of(geometry, level), entry).physical == physical


@pytest.mark.parametrize(
    ("access", "bits"),
    [("R", 1 << 54 | 0x80), ("RW", 1 << 54), ("RX", 0x80), ("RWX", 0)],
)
def test_at_el2_one_bit_forbids_execution_and_ap_1_is_set(access: Access, bits: int) -> None:
    formats = formats_with(FOUR_KIB, memory_types=EDK2_MEMORY_TYPES, regime="EL2")
    entry = encode(formats.leaves["L3"], 0x1000, access, "normal")
    # attribute index 3, AP[1], inner shareable, accessed
    assert entry == 0x1000 | 0x3 | 3 << 2 | 1 << 6 | 3 << 8 | 1 << 10 | bits


@pytest.mark.parametrize(
    ("entry", "access"),
    [(0x0060000000000703, "RW"), (0x0040000000000703, "RWX"), (0x0068000000000783, None)],
)
def test_memory_is_writable_without_linux_saying_so(entry: int, access: Access | None) -> None:
    found = decode(entry_formats(FOUR_KIB), level_of(FOUR_KIB, "L3"), entry)
    assert found.access == access


def test_an_address_the_descriptors_cannot_name_is_a_fault_whatever_the_processor_has() -> None:
    tables = build(FOUR_KIB, [mapped(1 << 48, 0x1000, 0x20000000, cache="normal")])
    found = walk(tables, entry_formats(FOUR_KIB), 0x20000000, physical_address_bits=52)
    assert found.explanation == "address size fault, level 3 (DFSC 0x03)"


def test_a_table_of_linux_keeps_el0_from_executing() -> None:
    table = entry_formats(FOUR_KIB).tables["L2"]
    assert table.value | table.always == 1 << 60 | 3


@pytest.mark.parametrize(
    ("geometry", "level", "kind"),
    [
        (FOUR_KIB, "L0", "invalid"),
        (FOUR_KIB, "L1", "leaf"),
        (FOUR_KIB, "L2", "leaf"),
        (FOUR_KIB, "L3", "invalid"),
        (arm64(4 * KIB, 52), "L0", "leaf"),
        (arm64(64 * KIB, 48), "L1", "invalid"),
    ],
)
def test_a_block_stands_only_where_the_granule_has_one(
    geometry: RadixGeometry, level: str, kind: str
) -> None:
    assert decode(entry_formats(geometry), level_of(geometry, level), 0x701).kind == kind


def test_bits_below_the_size_of_a_block_are_reserved_but_for_nt() -> None:
    formats = entry_formats(FOUR_KIB)
    entry = encode(formats.leaves["L2"], 0x401FF000, "RW", "normal")
    found = decode(formats, level_of(FOUR_KIB, "L2"), entry)
    assert found.reserved == 0x1EF000
    assert next(each.value for each in found.fields if each.field.name == "nT") == 1


@pytest.mark.parametrize(
    ("geometry", "wide"),
    [
        (FOUR_KIB, 48),
        (arm64(16 * KIB, 47), 48),
        (arm64(16 * KIB, 52), 52),
        (arm64(64 * KIB, 42), 52),
        (arm64(64 * KIB, 52), 52),
    ],
)
def test_a_leaf_names_52_bits_in_a_tree_of_52_or_with_pages_of_64_kib(
    geometry: RadixGeometry, wide: int
) -> None:
    assert entry_formats(geometry).physical_address_bits == wide


LEVELS = {level.name: level for level in arm64(4 * KIB, 52).levels}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("not-canonical", "read"), "translation fault, level 0 (DFSC 0x04)"),
        (Fault("not-mapped", "read", LEVELS["L2"], 3), "translation fault, level 2 (DFSC 0x06)"),
        (Fault("not-mapped", "execute", LEVELS["L3"]), "translation fault, level 3 (IFSC 0x07)"),
        (Fault("not-mapped", "write", LEVELS["L-1"]), "translation fault, level -1 (DFSC 0x2b)"),
        (Fault("permission", "write", LEVELS["L3"]), "permission fault, level 3 (DFSC 0x0f)"),
        (Fault("permission", "execute", LEVELS["L1"]), "permission fault, level 1 (IFSC 0x0d)"),
        (Fault("address-size", "read", LEVELS["L3"]), "address size fault, level 3 (DFSC 0x03)"),
        (
            Fault("reserved-bits", "read", LEVELS["L2"], 3, 0x1000),
            "RES0 bits 0x1000 set in the entry of level 2: no defined effect",
        ),
    ],
)
def test_a_fault_is_told_with_its_level_and_status(fault: Fault, words: str) -> None:
    assert describe(fault) == words


def test_an_address_wider_than_the_processor_is_an_address_size_fault() -> None:
    tables = build(FOUR_KIB, [mapped(1 << 44, 0x1000, 0x20000000, cache="normal")])
    found = walk(tables, entry_formats(FOUR_KIB), 0x20000000, physical_address_bits=44)
    assert found.explanation == "address size fault, level 3 (DFSC 0x03)"


def flags(found: DecodedEntry) -> str:
    """The flags of a leaf as the captures print them."""
    value = {each.field.name: each.value for each in found.fields}
    words = [
        "ro" if value["AP[2]"] else "RW",
        "NX" if value["PXN"] else "x",
        "UXN" if value["UXN"] else "",
        "NG" if value["nG"] else "",
        "AF" if value["AF"] else "",
        f"SH{value['SH']}",
        "DBM" if value["DBM"] else "",
        "CON" if value["Contiguous"] else "",
        f"ATTR{value['AttrIndx']}",
    ]
    return " ".join(filter(None, words))


@pytest.mark.parametrize(
    ("name", "geometry"),
    [
        ("qemu-virt-1g-walked-arm64.txt", FOUR_KIB),
        ("qemu-virt-1g-walked-arm64-16k.txt", arm64(16 * KIB, 47)),
    ],
)
def test_entries_have_the_flags_that_linux_gave_them(name: str, geometry: RadixGeometry) -> None:
    formats = entry_formats(geometry)
    sizes = {"4K": 4 * KIB, "16K": 16 * KIB, "2M": 2 * MIB, "1G": GIB}
    rows = 0
    for line in (CAPTURES / name).read_text().splitlines():
        if not line.startswith("0x"):
            continue
        _, physical, _, size, *printed = line.split()
        level = next(each for each in geometry.levels if each.entry_size == sizes[size])
        entry = encode(
            formats.leaves[level.name],
            int(physical, 16),
            access_of("RW" in printed, "x" in printed),
            "device-nGnRE" if "ATTR4" in printed else "normal",
            contiguous="CON" in printed,
        )
        assert flags(decode(formats, level, entry)) == " ".join(printed), line
        rows += 1
    assert rows >= 3


def access_of(writable: bool, executable: bool) -> Access:
    if writable:
        return "RWX" if executable else "RW"
    return "RX" if executable else "R"


DEBUGFS = {"SHD": "SH3", "MEM/NORMAL": "ATTR0", "DEVICE/nGnRE": "ATTR4"}


@pytest.mark.parametrize(
    ("name", "geometry"),
    [
        ("qemu-virt-1g-arm64-4k-39.txt", arm64(4 * KIB, 39)),
        ("qemu-virt-2g-arm64-64k-48.txt", arm64(64 * KIB, 48)),
        ("qemu-virt-4g-arm64-64k-42.txt", arm64(64 * KIB, 42)),
    ],
)
def test_entries_have_the_flags_that_debugfs_prints(name: str, geometry: RadixGeometry) -> None:
    formats = entry_formats(geometry)
    levels = {"PTE": geometry.levels[-1], "PMD": geometry.levels[-2]}
    rows = 0
    for line in (CAPTURES / name).read_text().splitlines():
        if not line.startswith("0x") or "AF" not in line:
            continue
        _, _, kind, *printed = line.split()
        level = levels[kind]
        entry = encode(
            formats.leaves[level.name],
            0,
            access_of("RW" in printed, "x" in printed),
            "device-nGnRE" if "DEVICE/nGnRE" in printed else "normal",
            contiguous="CON" in printed,
        )
        expected = {DEBUGFS.get(flag, flag) for flag in printed} - {"BLK"}
        # Linux does not print DBM there.
        assert set(flags(decode(formats, level, entry)).split()) - {"DBM"} == expected, line
        assert ("BLK" in printed) == (level is not geometry.levels[-1])
        rows += 1
    assert rows > 5


def test_the_architecture_offers_its_entries_and_the_width_it_assumes() -> None:
    architecture = Registry().architectures["arm64"]
    assert architecture.entry_formats
    assert architecture.assumed_physical_address_bits == 48
    assert architecture.entry_formats(FOUR_KIB).leaves == entry_formats(FOUR_KIB).leaves
