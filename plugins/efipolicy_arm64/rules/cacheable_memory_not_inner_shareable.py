"""ARM64-005."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    Responsible,
    Revision,
    Severity,
    rule,
)

_SINCE = Revision(2, 10)
_FIELD = {"non": "0b00", "outer": "0b10", "inner": "0b11"}


@rule(
    "arm64/cacheable-memory-not-inner-shareable",
    severity=Severity.WARNING,
    requirements=("ARM64-005",),
    sources=("UEFI 2.11 §2.3.6.1, Table 2.5",),
    help="map write-back and write-through memory Inner Shareable",
    needs=("mapping.memory_types.shareability",),
    architectures=("arm64",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            uefi="2.11",
            sections="mapping: [{os: a, memory_types: {shareability: {WB: non}}}]",
            at=0,
        ),
        # Without a revision, the present text is taken to apply.
        Bad(sections="mapping: [{os: a, memory_types: {shareability: {WT: outer}}}]", at=0),
        Good(
            uefi="2.11",
            sections="mapping: [{os: a, memory_types: {shareability: {WB: inner, WC: outer}}}]",
        ),
        Good(
            uefi="2.9",
            sections="mapping: [{os: a, memory_types: {shareability: {WB: non}}}]",
        ),
    ),
)
def cacheable_memory_not_inner_shareable(
    mapping: MappingDeclaration, revision: Revision | None = None
) -> Iterator[Finding]:
    """Cacheable memory is not mapped Inner Shareable.

    Firmware and the operating system may touch the same memory from different processors, and
    each has its caches. The hardware keeps them coherent for what is Inner Shareable (SH is 0b11)
    in the view of both. With another shareability a processor may go on seeing an old value of a
    variable that firmware has written on its neighbour.

    The column of Table 2.5 that says so came with UEFI 2.10A. A platform that declares less than
    2.10 is not judged. One that declares 2.10 is: its version number does not tell the errata, and
    every Linux maps its memory Inner Shareable in any case.
    """
    types = mapping.memory_types
    too_old = revision is not None and revision < _SINCE
    if types is None or types.shareability is None or too_old:
        return
    assumed = "" if revision and revision > _SINCE else ", taken to apply here"
    for name, shareability in types.shareability.items():
        if name in ("WB", "WT") and shareability != "inner":
            edit = Edit(types, f"shareability.{name}", "inner")
            yield Finding(
                types,
                f"{name} is mapped {shareability}-shareable (SH {_FIELD[shareability]}); "
                f"UEFI 2.10A{assumed}, wants inner (0b11)",
                field="shareability",
                fix=Fix("unsafe", f"declare {name} inner", (edit,)),
            )
