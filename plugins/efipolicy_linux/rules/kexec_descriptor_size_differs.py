"""KEXEC-004."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    Kernel,
    NotJudged,
    Responsible,
    Severity,
    rule,
)
from efipolicy_linux.handed_over import carried_by


@rule(
    "linux/kexec-descriptor-size-differs",
    severity=Severity.WARNING,
    requirements=("KEXEC-004",),
    sources=("kexec-tools kexec/arch/i386/x86-linux-setup.c",),
    help="tell the next kernel the stride of the list it is given",
    architectures=("x86_64",),
    responsible=Responsible.LOADER,
    fix="unsafe",
    examples=(
        Bad(
            sections="""
mapping:
  - kexec: [{carried: {descriptor_size: 48, entry_size: 40}}]
""",
            at=0,
        ),
        Good(
            sections="""
mapping:
  - kexec: [{carried: {descriptor_size: 40, entry_size: 40}}]
"""
        ),
        Good(
            sections="""
mapping:
  - kexec: [{carried: {descriptor_size: 48, entry_size: 48}}]
"""
        ),
    ),
)
def kexec_descriptor_size_differs(chain: tuple[Kernel, ...]) -> Iterator[Finding | NotJudged]:
    """The descriptor size told to the next kernel is not the stride of the list it gets.

    A reader that steps by another size than the writer takes the middle of one entry for the
    start of the next: from the second entry on, types, addresses and page counts are nonsense, and
    the kernel maps what they say.

    Both sizes are right in their place. Firmware and the kernel's own kexec_file_load use 48 bytes;
    kexec-tools builds the list anew from /sys/firmware/efi/runtime-map with entries of 40, the size
    of the structure, and has to say so. Copying the firmware's 48 beside such a list is the fault.
    """
    for _, carried in carried_by(chain):
        if carried is None or carried.descriptor_size is None:
            yield NotJudged("mapping[].kexec[].carried.descriptor_size")
        elif carried.entry_size is None:
            yield NotJudged("mapping[].kexec[].carried.entry_size")
        elif carried.descriptor_size != carried.entry_size:
            size = carried.entry_size
            yield Finding(
                carried,
                f"the next kernel is told {carried.descriptor_size} bytes a descriptor, and its "
                f"list has one every {size} bytes",
                field="descriptor_size",
                fix=Fix("unsafe", f"declare {size}", (Edit(carried, "descriptor_size", size),)),
            )
