"""KEXEC-010."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    Kernel,
    MemoryAttributesTable,
    NotJudged,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_linux.handed_over import carried_by


@rule(
    "linux/kexec-overwrites-mat",
    severity=Severity.INFO,
    requirements=("KEXEC-010",),
    sources=("linux-efi thread November 2024 to January 2025", "Linux efi-next-for-v6.13"),
    help="reserve the table's memory, or let the next kernel ignore the table",
    architectures=("x86_64",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            sections="""
mapping:
  - kexec: [{carried: {memory_attributes_table: reused}}]
""",
            at=0,
        ),
        Good(
            sections="""
mapping:
  - kexec: [{carried: {memory_attributes_table: reserved}}]
"""
        ),
        Good(
            sections="""
mapping:
  - kexec: [{carried: {memory_attributes_table: ignored}}]
"""
        ),
    ),
)
def kexec_overwrites_mat(
    chain: tuple[Kernel, ...], memory_attributes_table: MemoryAttributesTable | None = None
) -> Iterator[Finding | NotJudged]:
    """The next kernel is pointed to a Memory Attributes Table whose memory was reused.

    The table lies in boot-services memory, which a kernel takes for itself, while the configuration
    table goes on pointing there. The next kernel either finds the table intact, because somebody
    reserved it, or must leave it alone; what it reads otherwise are somebody else's bytes.

    Linux before 6.13 does not apply the table after kexec on x86 and runs with writable and
    executable runtime code; since 6.13 it does apply it, and second boots failed where the memory
    had been reused. In both recorded boots by kexec_file_load of 6.12 the table was overwritten,
    which the kernel noticed by its version.
    """
    for _, carried in carried_by(chain):
        if carried is None or carried.memory_attributes_table is None:
            yield NotJudged("mapping[].kexec[].carried.memory_attributes_table")
        elif carried.memory_attributes_table == "reused":
            table = memory_attributes_table
            edit = Edit(carried, "memory_attributes_table", "reserved")
            yield Finding(
                carried,
                "the next kernel is pointed to a Memory Attributes Table whose memory was reused",
                field="memory_attributes_table",
                related=(Related(table, "the table as firmware left it"),) if table else (),
                fix=Fix("unsafe", "declare that the table's memory is reserved", (edit,)),
            )
