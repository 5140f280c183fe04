"""X64-006, arguments."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Finding,
    Firmware,
    Good,
    MappingDeclaration,
    Responsible,
    RuntimeCalls,
    Severity,
    rule,
)
from efipolicy_linux.handed_over import is_linux

_REACH = 1 << 32


def _argument(start: int, bits: int = 32) -> str:
    return f"""
platform: {{firmware: {{bits: {bits}}}}}
mapping: [{{os: linux, calls: {{arguments: [{{start: {start:#x}, size: 0x100}}]}}}}]
"""


@rule(
    "linux/mixed-mode-argument-above-4g",
    severity=Severity.ERROR,
    requirements=("X64-006",),
    sources=("Linux 6.12 arch/x86/platform/efi/efi_64.c",),
    help="copy arguments to memory below 4 GiB before 32-bit firmware is called",
    needs=("firmware.bits", "calls.arguments"),
    architectures=("x86_64",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(sections=_argument(0x1_0000_0000), at=0),
        Bad(sections=_argument(0xFFFF_FF01), at=0),
        Good(sections=_argument(0xFFFF_FF00)),
        Good(sections=_argument(0x1_0000_0000, bits=64)),
    ),
)
def mixed_mode_argument_above_4g(
    firmware: Firmware, calls: RuntimeCalls, mapping: MappingDeclaration
) -> Iterator[Finding]:
    """A buffer for 32-bit firmware lies above 4 GiB.

    In mixed mode a 64-bit Linux calls 32-bit firmware at physical addresses, and an argument is
    passed as a 32-bit pointer. The upper half of a longer address is lost on the way: firmware
    reads or writes the memory that happens to lie at the lower half, and reports success.

    Linux maps all RAM one to one for such a call, and besides takes care that no argument crosses
    the end of a page. Services for time, wakeup and capsules answer EFI_UNSUPPORTED there.
    """
    mixed = firmware.bits == 32 and is_linux(mapping)
    for place in (calls.arguments or ()) if mixed else ():
        if place.physical.end > _REACH:
            what = f" ({place.what})" if place.what else ""
            yield Finding(
                place,
                f"the argument at {place.physical}{what} ends above 4 GiB, out of reach of "
                "32-bit firmware",
                AddressRange(max(place.start, _REACH), place.physical.end),
                field="start",
            )
