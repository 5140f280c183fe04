"""Chains whose later kernels and firmware disagree on addresses, as the simulator finds them."""

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

_REQUIREMENTS = {
    "svam-twice": ("KEXEC-001", "UEFI-SVAM-002"),
    "pointer-misread": ("KEXEC-003",),
    "va-mismatch": ("KEXEC-002",),
    "va-unreachable": ("KEXEC-006",),
}
_SAID_OF_WHAT_IS_DECLARED = (
    "kexec/second-set-virtual-address-map",
    "kexec/inherited-layout-changed",
    "kexec/inherited-layout-out-of-reach",
    "linux/kexec-layout-without-64k-slots",
    "linux/virtual-pointer-in-kexec-handover",
)
_DATA = "EfiRuntimeServicesData  0x7e000000    16  RUNTIME WB"


@rule(
    "kexec/next-kernel-at-odds-with-firmware",
    severity=Severity.ERROR,
    requirements=("KEXEC-001", "UEFI-SVAM-002", "KEXEC-002", "KEXEC-003", "KEXEC-006"),
    sources=(
        "UEFI 2.10 §8.4.1",
        "Linux arch/x86/platform/efi/efi.c",
        "Linux 6.12 drivers/firmware/efi/arm-runtime.c",
        "LKML 2010-08-13",
    ),
    help="let the next kernel take over the layout, or leave firmware at physical addresses",
    responsible=Responsible.KERNEL,
    unless=_SAID_OF_WHAT_IS_DECLARED,
    examples=(
        # A kernel in physical mode reads a system table whose pointers are virtual.
        Bad(
            _DATA,
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown, kexec: [{strategy: x86-phys-private}]}]",
            at=0,
        ),
        # It computes its own layout, and does not know of the one in use.
        Bad(
            _DATA,
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown, kexec: [{strategy: x86-fixed-window}]}]",
            at=0,
        ),
        # The addresses are right, and it asks firmware to move there once more.
        Bad(
            _DATA,
            architecture="x86_64",
            sections="""
mapping:
  - {strategy: x86-fixed-window, kexec: [{strategy: x86-fixed-window, skip_svam: false}]}
""",
            at=0,
        ),
        # 39 bits do not reach what 48 bits mapped one to one.
        Bad(
            "EfiMemoryMappedIO  0x8000000000  16  RUNTIME UC",
            architecture="arm64",
            sections="""
mapping:
  - strategy: arm64-novamap
    virtual_address_bits: 48
    kexec: [{strategy: arm64-novamap, virtual_address_bits: 39}]
""",
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
            sections="mapping: [{strategy: x86-phys-private, kexec: [{strategy: x86-topdown}]}]",
        ),
        # Whoever calls no service meets none of it.
        Good(
            _DATA,
            architecture="x86_64",
            sections="""
mapping:
  - {strategy: x86-topdown, kexec: [{strategy: x86-phys-private, calls: {services: []}}]}
""",
        ),
    ),
)
def next_kernel_at_odds_with_firmware(
    chain_report: ChainReport, mapping: MappingDeclaration
) -> Iterator[Finding]:
    """A kernel started by kexec and the firmware it inherits disagree on addresses.

    Firmware moves once. What the first kernel told SetVirtualAddressMap holds until the next reset,
    and every kernel after it either learns those addresses and uses them, or goes wrong in one of
    four ways, which ``efipolicy kexec`` tells apart:

    * ``svam-twice``: it calls SetVirtualAddressMap again. Firmware refuses.
    * ``pointer-misread``: it does not know that firmware moved, and takes the virtual pointers in
      the system table for physical ones. That is how kexec broke on x86 with EFI until a channel
      for it was made, and why a patch of 2010 kept firmware in physical mode.
    * ``va-mismatch``: it computes a layout of its own, and firmware looks for its data elsewhere.
    * ``va-unreachable``: it knows the addresses and has no tables that hold them.

    The chain is played through with the strategies that the platform file declares: what each
    kernel leaves, what the loader carries, and what the next one makes of it. The message gives one
    region or pointer with which it shows, and what was taken for granted. Where the file declares
    the same fault itself, in a layout, a call or a pointer handed over, the rule about that reports
    it. Every kernel of the chain needs a strategy.
    """
    for hop, _, finding in hops_with(chain_report, mapping, _REQUIREMENTS):
        yield finding._replace(requirements=_REQUIREMENTS[hop.verdict])
