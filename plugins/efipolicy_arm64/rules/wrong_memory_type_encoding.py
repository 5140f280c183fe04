"""ARM64-004."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    Responsible,
    Severity,
    rule,
)

_NAMES = {
    0x00: "Device-nGnRnE",
    0x04: "Device-nGnRE",
    0x08: "Device-nGRE",
    0x0C: "Device-GRE",
    0x44: "Normal, non-cacheable",
    0xBB: "Normal, write-through",
    0xFF: "Normal, write-back",
}
_TABLE_2_5 = {"UC": 0x00, "WC": 0x44, "WT": 0xBB, "WB": 0xFF}


@rule(
    "arm64/wrong-memory-type-encoding",
    severity=Severity.ERROR,
    requirements=("ARM64-004",),
    sources=("UEFI 2.10 §2.3.6.1, Table 2.5", "UEFI 2.11 §2.3.6.1"),
    help="map each cache type with the MAIR byte of Table 2.5",
    needs=("mapping.memory_types.encodings",),
    architectures=("arm64",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(sections="mapping: [{os: a, memory_types: {encodings: {UC: 0x44}}}]", at=0),
        # What Linux uses for memory-mapped I/O.
        Bad(sections="mapping: [{os: a, memory_types: {encodings: {UC: 0x04, WB: 0xff}}}]", at=0),
        Good(
            sections="""
mapping:
  - {os: a, memory_types: {encodings: {UC: 0x00, WC: 0x44, WT: 0xbb, WB: 0xff}}}
"""
        ),
    ),
)
def wrong_memory_type_encoding(mapping: MappingDeclaration) -> Iterator[Finding]:
    """A cache type is mapped with another Arm memory type than UEFI assigns to it.

    The cache types of the memory map come from x86; Table 2.5 says what they mean on AArch64, down
    to the byte of MAIR: EFI_MEMORY_UC is Device-nGnRnE (0x00), WC is Normal non-cacheable (0x44),
    WT and WB are Normal write-through (0xbb) and write-back (0xff), without the transient hint.
    Firmware is built on that. A register mapped as Normal memory may be read ahead, and accesses to
    it are reordered and merged; memory mapped as a device faults on unaligned access.

    Linux maps type 11 as Device-nGnRE (0x04), which lets a write be acknowledged before it has
    reached the device. That departs from the table, and no machine is known to suffer from it.
    EFI_MEMORY_UCE has no meaning here. A region with EFI_MEMORY_ISA_VALID carries its byte itself.
    """
    types = mapping.memory_types
    if types is None or types.encodings is None:
        return
    for name, byte in types.encodings.items():
        expected = _TABLE_2_5.get(name, byte)
        if byte != expected:
            edit = Edit(types, f"encodings.{name}", expected)
            yield Finding(
                types,
                f"{name} is mapped with the MAIR byte {_told(byte)}; "
                f"Table 2.5 wants {_told(expected)}",
                field="encodings",
                fix=Fix("unsafe", f"declare {expected:#04x} for {name}", (edit,)),
            )


def _told(byte: int) -> str:
    return f"{byte:#04x} ({_NAMES[byte]})" if byte in _NAMES else f"{byte:#04x}"
