"""KEXEC-004, where the Memory Attributes Table has the larger stride."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    Kernel,
    MemoryAttributesTable,
    NotJudged,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_linux.handed_over import carried_by, version_of

_APPLIES_THE_TABLE = (6, 13)


@rule(
    "linux/kexec-stride-below-mat",
    severity=Severity.WARNING,
    requirements=("KEXEC-004",),
    sources=(
        "Linux drivers/firmware/efi/memattr.c",
        "kexec-tools kexec/arch/i386/x86-linux-setup.c",
    ),
    help="hand over a list with the firmware's stride, as kexec_file_load does",
    needs=("memory_attributes_table.descriptor_size",),
    architectures=("x86_64",),
    responsible=Responsible.LOADER,
    examples=(
        Bad(
            sections="""
memory_attributes_table: {descriptor_size: 48, entries: []}
mapping:
  - kexec: [{carried: {descriptor_size: 40, entry_size: 40}}]
""",
            at=0,
        ),
        Good(
            sections="""
memory_attributes_table: {descriptor_size: 48, entries: []}
mapping:
  - kexec: [{carried: {descriptor_size: 48, entry_size: 48}}]
"""
        ),
        Good(
            sections="""
memory_attributes_table: {descriptor_size: 40, entries: []}
mapping:
  - kexec: [{carried: {descriptor_size: 48}}]
"""
        ),
        Good(
            sections="""
memory_attributes_table: {descriptor_size: 48, entries: []}
mapping:
  - kexec:
      - {strategy: x86-topdown, options: {kernel: "6.12"}, carried: {descriptor_size: 40}}
"""
        ),
        # A kernel that leaves the table alone loses nothing.
        Good(
            sections="""
memory_attributes_table: {descriptor_size: 48, entries: []}
mapping:
  - kexec: [{carried: {descriptor_size: 40, memory_attributes_table: ignored}}]
"""
        ),
    ),
)
def kexec_stride_below_mat(
    chain: tuple[Kernel, ...], memory_attributes_table: MemoryAttributesTable
) -> Iterator[Finding | NotJudged]:
    """The next kernel is told a smaller descriptor than the Memory Attributes Table has.

    Recent Linux kernels compare the two sizes to recognise a table that was overwritten, and ignore
    it when its own is the larger one. Firmware uses 48 bytes for both lists; kexec-tools rebuilds
    the map with 40. The table is then dropped as a whole, and runtime code stays writable and
    executable in the second kernel.

    Linux before 6.13 does not use the table after kexec on x86 anyhow, and loses nothing by it: a
    kernel whose ``options`` state such a version is not reported.
    """
    size = memory_attributes_table.descriptor_size or 0
    for declared, carried in carried_by(chain):
        if (version_of(declared) or _APPLIES_THE_TABLE) < _APPLIES_THE_TABLE:
            continue
        told = carried.descriptor_size if carried else None
        if carried is None or told is None:
            yield NotJudged("mapping[].kexec[].carried.descriptor_size")
        elif told < size and carried.memory_attributes_table != "ignored":
            yield Finding(
                carried,
                f"the next kernel is told {told} bytes a descriptor, and the Memory Attributes "
                f"Table has {size}; Linux ignores the table",
                field="descriptor_size",
                related=(Related(memory_attributes_table, f"{size} bytes an entry"),),
            )
