"""No architecture, no rules of one."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, Platform, Responsible, Severity, rule


@rule(
    "capture/architecture-unknown",
    severity=Severity.INFO,
    requirements=(),
    sources=("UEFI 2.10 §2.3",),
    help="say it with --arch, or write it into the platform file",
    responsible=Responsible.PLATFORM,
    examples=(
        Bad("EfiConventionalMemory  0x100000  16  WB", at=0, architecture="unknown"),
        Good("EfiConventionalMemory  0x100000  16  WB", architecture="x86_64"),
    ),
)
def architecture_unknown(platform: Platform) -> Iterator[Finding]:
    """Nothing says of which architecture the platform is.

    An EFI shell, a boot loader or a fragment of a log prints the same table on every machine, and
    a wrong guess would judge it by rules that are not its own. The rules every architecture shares
    were applied; those about granules, page tables and memory types were not.
    """
    if platform.architecture == "unknown":
        yield Finding(
            platform.memory_map if platform.capture else platform,
            f"architecture unknown: {platform.architecture_reason.evidence}",
        )
