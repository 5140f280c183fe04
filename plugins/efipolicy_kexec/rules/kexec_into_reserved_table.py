"""KEXEC-008, what the first kernel keeps of boot-services memory."""

from collections.abc import Iterator
from typing import NamedTuple

from efipolicy.plugin import (
    AddressRange,
    Bad,
    ConfigurationTable,
    EfiMemoryType,
    Finding,
    Good,
    Kernel,
    MemoryAttributesTable,
    MemoryMap,
    NotJudged,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_kexec.targets import Target, targets

_TPM_EVENT_LOG = "b7799cb0-eca2-4943-9667-1fae07b747fa"
_BOOT_SERVICES = (EfiMemoryType.EfiBootServicesCode, EfiMemoryType.EfiBootServicesData)
_MAT_HEADER = 16


@rule(
    "kexec/kexec-into-reserved-table",
    severity=Severity.ERROR,
    requirements=("KEXEC-008",),
    sources=(
        "Linux 6.12 arch/x86/platform/efi/quirks.c",
        "linux-efi thread November 2024 to January 2025",
    ),
    help="keep the table's memory out of what kexec writes to",
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            "EfiBootServicesData  0x7d000000  0x1000  WB",
            configuration_tables=("MEMORY_ATTRIBUTES 0x7d978018 0x400",),
            sections="""
mapping:
  - kexec: [{segments: [[0x7d978000, 0x7da00000]]}]
""",
            at=0,
        ),
        # Without a length at least the first byte is the table's.
        Bad(
            "EfiBootServicesData  0x7d000000  0x1000  WB",
            configuration_tables=("ESRT 0x7d0fffff",),
            sections="""
mapping:
  - kexec: [{segments: [[0x7d000000, 0x7d100000]]}]
""",
            at=0,
        ),
        Good(
            "EfiBootServicesData  0x7d000000  0x1000  WB",
            configuration_tables=("MEMORY_ATTRIBUTES 0x7d977c00 0x400",),
            sections="""
mapping:
  - kexec: [{segments: [[0x7d978000, 0x7da00000]]}]
""",
        ),
        # No kernel keeps this one where it is.
        Good(
            "EfiBootServicesData  0x7d000000  0x1000  WB",
            configuration_tables=("SMBIOS3 0x7d000000 0x18",),
            sections="""
mapping:
  - kexec: [{segments: [[0x7d000000, 0x7d100000]]}]
""",
        ),
    ),
)
def kexec_into_reserved_table(
    chain: tuple[Kernel, ...],
    memory_map: MemoryMap,
    configuration_tables: tuple[ConfigurationTable, ...],
    memory_attributes_table: MemoryAttributesTable | None = None,
) -> Iterator[Finding | NotJudged]:
    """Kexec writes the next kernel over a table the first one kept for it.

    The ESRT, the Memory Attributes Table and the TPM event log usually lie in boot-services memory.
    Linux reserves their pages so that they outlive ExitBootServices; to a loader that only looks at
    memory types they seem free. The next kernel is told of the same addresses and reads whatever
    is there.

    Two recorded second boots of Linux 6.12 found another kernel's bytes in place of the Memory
    Attributes Table; the version field was senseless, and the table was ignored. With older
    kernels an entry count read from such bytes led to reservations of gigabytes.

    A table whose length nobody states is taken to be one byte long. What of it lies in memory that
    is firmware's by type is ``kexec/kexec-into-firmware-memory``.
    """
    kept = [
        table
        for table in _tables(configuration_tables, memory_attributes_table)
        if _in_boot_services(table, memory_map)
    ]
    for target in targets(chain):
        if isinstance(target, NotJudged):
            yield target
        else:
            for table in kept:
                yield from _judged(target, table)


class _Table(NamedTuple):
    name: str
    subject: ConfigurationTable | MemoryAttributesTable
    region: AddressRange


def _tables(
    configuration_tables: tuple[ConfigurationTable, ...], mat: MemoryAttributesTable | None
) -> Iterator[_Table]:
    """The tables Linux reserves, each at its full length as far as it is known."""
    length = _length(mat)
    listed = False
    for table in configuration_tables:
        name = table.name or ""
        if table.guid and table.guid.lower() == _TPM_EVENT_LOG:
            name = "the TPM event log"
        elif name not in ("ESRT", "MEMORY_ATTRIBUTES"):
            continue
        own = length if name == "MEMORY_ATTRIBUTES" else 0
        listed = listed or name == "MEMORY_ATTRIBUTES"
        end = table.address + max(table.length or 1, own)
        yield _Table(name, table, AddressRange(table.address, end))
    if mat and mat.address is not None and not listed:
        yield _Table("MEMORY_ATTRIBUTES", mat, AddressRange(mat.address, mat.address + length))


def _length(mat: MemoryAttributesTable | None) -> int:
    """Bytes of the Memory Attributes Table, at least its first."""
    if mat is None or mat.descriptor_size is None:
        return 1
    return _MAT_HEADER + len(mat.entries) * mat.descriptor_size


def _in_boot_services(table: _Table, memory_map: MemoryMap) -> bool:
    """Whether only a reservation keeps the table; where the map is silent nothing else does."""
    holder = memory_map.at(table.region.start)
    return holder is not None and holder.type in _BOOT_SERVICES and not holder.runtime


def _judged(target: Target, table: _Table) -> Iterator[Finding]:
    shared = target.region & table.region
    if shared.size:
        yield Finding(
            target.hop,
            f"{target.name} overlaps {table.name} at {table.region.start:#x}: "
            f"{shared.size:#x} bytes, {shared}",
            shared,
            field=target.field,
            related=(Related(table.subject, "the table"),),
        )
