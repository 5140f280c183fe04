"""X64-006, kexec."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Firmware,
    Good,
    Kernel,
    NotJudged,
    Responsible,
    Severity,
    rule,
)
from efipolicy_linux.handed_over import is_linux


def _chain(services: str, bits: int = 32) -> str:
    return f"""
platform: {{firmware: {{bits: {bits}}}}}
mapping: [{{os: linux, kexec: [{{kind: kexec, calls: {{services: [{services}]}}}}]}}]
"""


@rule(
    "linux/mixed-mode-services-after-kexec",
    severity=Severity.ERROR,
    requirements=("X64-006",),
    sources=("Linux 6.12 arch/x86/platform/efi/efi.c",),
    help="plan without runtime services in kernels that kexec starts on 32-bit firmware",
    needs=("firmware.bits",),
    architectures=("x86_64",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(sections=_chain("GetVariable"), at=0),
        Good(sections=_chain("")),
        Good(sections=_chain("GetVariable", bits=64)),
    ),
)
def mixed_mode_services_after_kexec(
    chain: tuple[Kernel, ...], firmware: Firmware
) -> Iterator[Finding | NotJudged]:
    """A kernel started by kexec counts on the runtime services of 32-bit firmware.

    In mixed mode a 64-bit Linux runs on 32-bit firmware. What one kernel hands to the next by
    kexec, setup_data with the runtime map, is made for firmware of the kernel's own width; a kernel
    that finds mixed mode there turns runtime services off. It has no variables, no boot order and
    no crash records in them.

    Firmware is not hurt. Whoever needs a service after kexec has to reboot through firmware, or
    leave the data elsewhere.
    """
    if firmware.bits != 32:
        return
    for kernel in chain[1:]:
        calls = kernel.declared.calls
        if not is_linux(kernel.declared, chain[0].declared):
            continue
        if calls is None or calls.services is None:
            yield NotJudged("mapping[].kexec[].calls.services")
        elif calls.services:
            yield Finding(
                calls,
                f"a kernel started by kexec is to call {', '.join(calls.services)}; Linux has no "
                "runtime services then on 32-bit firmware",
                field="services",
            )
