"""RISCV-002."""

from collections.abc import Iterator
from typing import Final

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    Responsible,
    Revision,
    RuntimeCalls,
    Severity,
    rule,
)

_SINCE: Final = Revision(2, 10)
"""The text is that of 2.10A, whose system table says 2.10."""

_MODES: Final = ("S", "HS", "VS")


@rule(
    "riscv64/calls-outside-supervisor-mode",
    severity=Severity.ERROR,
    requirements=("RISCV-002",),
    sources=("UEFI 2.11 §2.3.7",),
    help="call runtime services from S, HS or VS",
    needs=("calls.privilege_mode",),
    architectures=("riscv64",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(uefi="2.11", sections="mapping: [{calls: {privilege_mode: M}}]", at=0),
        Good(uefi="2.11", sections="mapping: [{calls: {privilege_mode: S}}]"),
        Good(uefi="2.11", sections="mapping: [{calls: {privilege_mode: vs}}]"),
        # Before the clause was written.
        Good(uefi="2.9", sections="mapping: [{calls: {privilege_mode: M}}]"),
    ),
)
def calls_outside_supervisor_mode(calls: RuntimeCalls, revision: Revision) -> Iterator[Finding]:
    """Runtime services are called in a mode other than S, HS and VS.

    Since UEFI 2.10A all calls on RISC-V come from one privilege mode: S, called HS with the
    hypervisor extension, or VS in a guest. The addresses that SetVirtualAddressMap tells firmware
    are those of satp, or of vsatp, and in mode M neither of them translates: firmware then takes
    virtual addresses for physical ones, and follows its own pointers into other memory.

    That nobody else calls besides is ``riscv64/runtime-calls-from-elsewhere``.
    """
    mode = calls.privilege_mode or ""
    if mode.upper() not in _MODES and revision >= _SINCE:
        yield Finding(
            calls,
            f"runtime services are called in mode {mode}; UEFI wants one of {', '.join(_MODES)}",
            field="privilege_mode",
        )
