"""Chains in which a later kernel has to do without runtime services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    Responsible,
    Severity,
    rule,
)
from efipolicy_kexec.verdicts import hops_with

if TYPE_CHECKING:
    from efipolicy.plugin.chains import ChainReport

_DATA = "EfiRuntimeServicesData  0x7e000000  16  RUNTIME WB"


@rule(
    "kexec/runtime-services-lost-after-kexec",
    severity=Severity.WARNING,
    requirements=(),
    sources=("Linux arch/x86/platform/efi/efi.c", "kexec-tools x86-linux-setup.c"),
    help="choose kernels and a loader that hand the layout on, or plan without runtime services",
    responsible=Responsible.KERNEL,
    unless=("linux/mixed-mode-services-after-kexec",),
    examples=(
        # Nothing reaches the second kernel through this channel.
        Bad(
            _DATA,
            architecture="x86_64",
            sections="""
mapping: [{strategy: x86-topdown, kexec: [{strategy: x86-topdown, channel: none}]}]
""",
            at=0,
        ),
        # The layout of the first one is exported by nobody.
        Bad(
            _DATA,
            architecture="x86_64",
            sections="mapping: [{strategy: x86-ioremap-svam, kexec: [{strategy: x86-topdown}]}]",
            at=0,
        ),
        Good(
            _DATA,
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown, kexec: [{strategy: x86-topdown}]}]",
        ),
        Good(
            _DATA,
            architecture="x86_64",
            sections="""
mapping:
  - {strategy: x86-topdown, kexec: [{strategy: x86-topdown, channel: none, calls: {services: []}}]}
""",
        ),
    ),
)
def runtime_services_lost_after_kexec(
    chain_report: ChainReport, mapping: MappingDeclaration
) -> Iterator[Finding]:
    """A kernel started by kexec has no runtime services.

    It notices that firmware is out of its reach and leaves it alone: no word of the layout came
    with it, the loader dropped what it would have passed on, SetVirtualAddressMap had failed
    before, or firmware is 32-bit. Nothing breaks, but there are no EFI variables, no boot order, no
    clock of firmware's, and a crash kernel stores no record in them.

    Firmware that stays at its physical addresses cannot get lost like this. A kernel for which the
    file says that it calls no service, ``calls: {services: []}``, is not reported.
    """
    for _, _, finding in hops_with(chain_report, mapping, ("runtime-disabled",)):
        yield finding
