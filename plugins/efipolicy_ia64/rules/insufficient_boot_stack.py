"""IA64-008."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    FirmwareEnvironment,
    Fix,
    Good,
    NotJudged,
    Severity,
    rule,
    size_text,
)

_MINIMUM = {"stack_bytes": ("stack", 0x20000), "backing_store_bytes": ("backing store", 0x4000)}


def _environment(stack: int, backing_store: int) -> str:
    stated = f"{{stack_bytes: {stack}, backing_store_bytes: {backing_store}}}"
    return f"platform: {{firmware: {{environment: {stated}}}}}"


@rule(
    "ia64/insufficient-boot-stack",
    severity=Severity.WARNING,
    requirements=("IA64-008",),
    sources=("UEFI 2.10 §2.3.3", "UEFI 2.11 §2.3.3", "EFI 1.10 §2.3.3"),
    help="give images 128 KiB of stack and 16 KiB of backing store at least",
    architectures=("ia64",),
    fix="unsafe",
    examples=(
        Bad(sections=_environment(0x20000, 4096), at=0),
        Bad(sections=_environment(0x1FFF0, 16384), at=0),
        Good(sections=_environment(0x20000, 16384)),
    ),
)
def insufficient_boot_stack(environment: FirmwareEnvironment) -> Iterator[Finding | NotJudged]:
    """Images find less stack or backing store than UEFI promises on Itanium.

    Itanium has two stacks. Besides the one in memory the register stack engine spills the registers
    of outer procedures to a backing store, without an instruction that says so. While boot services
    run there have to be 128 KiB of the one and 16 KiB of the other.

    An image that calls deeply writes past the end of a smaller one, where nothing stops it. The
    specification names no least size for calls of runtime services, so none is checked there.
    """
    for field, (what, minimum) in _MINIMUM.items():
        stated = getattr(environment, field)
        if stated is None:
            yield NotJudged(f"platform.firmware.environment.{field}")
        elif stated < minimum:
            yield Finding(
                environment,
                f"boot services run with {size_text(stated)} ({stated:#x} bytes) of {what}; "
                f"UEFI wants {size_text(minimum)}",
                field=field,
                fix=Fix(
                    "unsafe",
                    f"raise it to {minimum:#x}",
                    (Edit(environment, field, minimum),),
                ),
            )
