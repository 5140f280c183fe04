"""KEXEC-003."""

from collections.abc import Iterator
from typing import NamedTuple

from efipolicy.plugin import (
    Bad,
    Carried,
    ConfigurationTable,
    Edit,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    Kernel,
    MemoryDescriptor,
    MemoryMap,
    NotJudged,
    Related,
    Responsible,
    Severity,
    SystemTable,
    rule,
)
from efipolicy_linux.handed_over import carried_by, virtual_range

_NAMES = {
    "system_table": "the system table",
    "firmware_vendor": "the vendor string",
    "configuration_table": "the configuration tables",
    "smbios": "SMBIOS",
}
_NO_SMBIOS = (0, 2**64 - 1)
_BELOW_THE_MAP = 1 << 20
_RUNTIME = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)
_FOR_SMBIOS = (
    *_RUNTIME,
    EfiMemoryType.EfiReservedMemoryType,
    EfiMemoryType.EfiBootServicesData,
    EfiMemoryType.EfiACPIReclaimMemory,
    EfiMemoryType.EfiACPIMemoryNVS,
)


@rule(
    "linux/virtual-pointer-in-kexec-handover",
    severity=Severity.ERROR,
    requirements=("KEXEC-003",),
    sources=(
        "Linux 6.12 arch/x86/kernel/kexec-bzimage64.c",
        "Linux 6.12 arch/x86/platform/efi/quirks.c",
        "kexec-tools kexec/arch/i386/x86-linux-setup.c",
        "LKML 2010-08-13",
    ),
    help="hand over the physical address, from before SetVirtualAddressMap",
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            "EfiRuntimeServicesData  0x7e000000  0x100  RUNTIME WB",
            sections="""
mapping:
  - virtual_map:
      - {type: 6, physical_start: 0x7e000000, virtual_start: 0xfffffffefe000000,
         pages: 0x100, attribute: [RUNTIME, WB]}
    kexec: [{carried: {configuration_table: 0xfffffffefe0b0000}}]
""",
            at=0,
        ),
        # In no layout that is known, and not in memory either.
        Bad(
            "EfiRuntimeServicesData  0x7e000000  0x100  RUNTIME WB",
            sections="""
mapping:
  - kexec: [{carried: {system_table: 0xffff88007e0b0000}}]
""",
            at=0,
        ),
        # In memory, but not where the table is.
        Bad(
            "EfiRuntimeServicesData  0x7e000000  0x100  RUNTIME WB",
            sections="""
system_table: {address: 0x7e0b0000}
mapping:
  - kexec: [{carried: {system_table: 0x7e0a0000}}]
""",
            at=0,
        ),
        Good(
            "EfiRuntimeServicesData  0x7e000000  0x100  RUNTIME WB",
            sections="""
mapping:
  - virtual_map:
      - {type: 6, physical_start: 0x7e000000, virtual_start: 0xfffffffefe000000,
         pages: 0x100, attribute: [RUNTIME, WB]}
    kexec: [{carried: {configuration_table: 0x7e0b0000}}]
""",
        ),
        # Where virtual equals physical there is nothing to confuse.
        Good(
            "EfiRuntimeServicesData  0x7e000000  0x100  RUNTIME WB",
            sections="""
mapping:
  - virtual_map:
      - {type: 6, physical_start: 0x7e000000, virtual_start: 0x7e000000,
         pages: 0x100, attribute: [RUNTIME, WB]}
    kexec: [{carried: {system_table: 0x7e0b0000}}]
""",
        ),
    ),
)
def virtual_pointer_in_kexec_handover(
    chain: tuple[Kernel, ...],
    memory_map: MemoryMap,
    system_table: SystemTable | None = None,
    configuration_tables: tuple[ConfigurationTable, ...] | None = None,
) -> Iterator[Finding | NotJudged]:
    """The next kernel is handed an address that is not physical.

    After SetVirtualAddressMap the system table holds virtual pointers: to the vendor string, the
    configuration tables, the runtime services. The next kernel starts with physical addresses and
    has to be given those. In 2010 kdump failed on EFI machines because it read such a virtual
    pointer as a physical one; later an HP z420 made even the SMBIOS entry of the configuration
    tables virtual.

    Linux on x86 hands over the vendor string, the configuration array and SMBIOS in setup_data,
    and the system table in the boot parameters, all physical. On arm64 the device tree carries the
    system table, and the kernel finds the physical address behind a virtual one by itself. An
    SMBIOS of 0 says that there is none.

    An address is wrong when the file says where the table really is, when it lies in the virtual
    layout of the first kernel, or when no descriptor of a whole map holds it. Where virtual and
    physical addresses coincide so that it could be either, it is not checked. Nor is an SMBIOS
    table below 1 MiB outside the map, where PC firmware keeps a copy in its ROM shadow.
    """
    where = _Where(chain, memory_map, system_table, configuration_tables or ())
    for _, carried in carried_by(chain):
        given = _given(carried)
        if carried is None or not given:
            yield NotJudged("mapping[].kexec[].carried.system_table")
            continue
        for field, address in given.items():
            yield from where.judged(carried, field, address)


def _given(carried: Carried | None) -> dict[str, int]:
    values = {field: getattr(carried, field, None) for field in _NAMES}
    if values["smbios"] in _NO_SMBIOS:
        values["smbios"] = None
    return {field: address for field, address in values.items() if address is not None}


class _Where(NamedTuple):
    """What tells physical addresses from virtual ones."""

    chain: tuple[Kernel, ...]
    memory_map: MemoryMap
    system_table: SystemTable | None
    configuration_tables: tuple[ConfigurationTable, ...]

    def judged(self, carried: Carried, field: str, address: int) -> Iterator[Finding | NotJudged]:
        known = self.known(field)
        if address in known:
            return
        entry = self.entry_at(address)
        holder = self.memory_map.at(address)
        if known:
            yield _finding(carried, field, address, known[0], entry)
        elif entry and not _may_hold(holder, field):
            physical = address - (entry.virtual_start or 0) + entry.physical_start
            yield _finding(carried, field, address, physical, entry)
        elif entry:
            stated = "configuration_tables" if field == "smbios" else "system_table"
            yield NotJudged(stated)
        elif holder is None and field == "smbios" and address < _BELOW_THE_MAP:
            return
        elif holder is None and self.memory_map.extent == "whole":
            yield _finding(carried, field, address, None, None)
        elif holder is None:
            yield NotJudged("memory_map.extent: whole")

    def known(self, field: str) -> tuple[int, ...]:
        """The physical addresses the platform states, any of which will do."""
        if field == "smbios":
            tables = self.configuration_tables
            return tuple(t.address for t in tables if t.name in ("SMBIOS", "SMBIOS3"))
        stated = "address" if field == "system_table" else field
        address = getattr(self.system_table, stated, None)
        return () if address is None else (address,)

    def entry_at(self, address: int) -> MemoryDescriptor | None:
        """The entry of a layout of the chain that moves memory to this address."""
        first, *rest = self.chain
        layouts = [first.virtual_map, *(kernel.declared.virtual_map for kernel in rest)]
        for entry in (entry for layout in layouts for entry in layout or ()):
            virtual = virtual_range(entry)
            if virtual and address in virtual and virtual != entry.physical:
                return entry
        return None


def _may_hold(holder: MemoryDescriptor | None, field: str) -> bool:
    """Whether a table can lie in memory of this kind at all."""
    if holder is None:
        return False
    return holder.runtime or holder.type in (_FOR_SMBIOS if field == "smbios" else _RUNTIME)


def _finding(
    carried: Carried,
    field: str,
    address: int,
    physical: int | None,
    entry: MemoryDescriptor | None,
) -> Finding:
    name = _NAMES[field]
    fix = None
    if entry:
        what = f"is a virtual address in {entry.type_name}; physical it is {physical:#x}"
    elif physical is not None:
        what = f"is not where it is: {physical:#x}"
    else:
        what = "lies in no descriptor of the memory map"
    if physical is not None:
        edit = Edit(carried, field, physical)
        fix = Fix("unsafe", f"declare the physical address {physical:#x}", (edit,))
    related = (Related(entry, f"mapped at {entry.virtual_start:#x}"),) if entry else ()
    return Finding(
        carried, f"{name} handed over, {address:#x}, {what}", field=field, related=related, fix=fix
    )
