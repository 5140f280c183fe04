"""What differs, for people: the regions in groups, then the findings, then the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from efipolicy.engine.differing import Boot, Difference
from efipolicy.engine.hibernation import Hibernation
from efipolicy.model.address import EFI_PAGE_SIZE, size_text
from efipolicy.model.changes import RegionChange
from efipolicy.model.efi import attribute_names
from efipolicy.model.finding import ReportedFinding, Severity
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.lint_summary import counted
from efipolicy.reporters.snippet import Style, printable

_MOST_REUSED: Final = 8
_MOST_REASONS: Final = 8
_KINDS: Final = ("retyped", "resized", "moved", "attribute", "removed", "added")
_WORDS: Final = {"attribute": "with another attribute"}
_SIGNS: Final = {"removed": ("-", "31"), "added": ("+", "32")}
_CHANGED: Final = ("~", "33")
_VERDICTS: Final = {"safe": "1;32", "unsafe": "1;31", "unknown": "1;33"}
_SEVERITIES: Final = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.INFO: "1;36"}


def diff_text(difference: Difference, options: RenderOptions) -> str:
    """One line on the two inputs, the changes unless nothing but that is wanted, the verdict."""
    style = Style(options.color)
    verdict = _verdict(difference.hibernation, style, options)
    return _text([*_blocks(difference, style, options), verdict])


def boots_text(
    boots: Sequence[Boot],
    differences: Sequence[Difference],
    verdict: Hibernation,
    options: RenderOptions,
) -> str:
    """What differs from one boot to the next, and a verdict over all of them."""
    style = Style(options.color)
    blocks = []
    for one in differences:
        blocks += [*_blocks(one, style, options), [_headline(one.hibernation, style)]]
    over_all = _verdict(verdict, style, options)
    return _text([*blocks, [f"{counted(len(boots), 'boot')} compared", *over_all]])


def _text(blocks: Iterable[list[str]]) -> str:
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _blocks(one: Difference, style: Style, options: RenderOptions) -> Iterator[list[str]]:
    yield [style.paint(_summary(one), "1")]
    if options.quiet:
        return
    for head, changes in _groups(one):
        yield [style.paint(head, "1"), *_rows(changes, style, options)]
    findings = list(_findings(one, style))
    if findings:
        yield findings


def _summary(one: Difference) -> str:
    names = f"{printable(one.old.name)} -> {printable(one.new.name)}"
    told = []
    if one.architectures:
        told.append(f"architecture {_became(*one.architectures)}")
    if not (one.old.memory_map.descriptors and one.new.memory_map.descriptors):
        told.append("no regions to compare")
    elif not one.regions:
        told.append(f"{counted(one.same, 'region')}, all unchanged")
    else:
        kinds = [change.kind for change in one.regions]
        counts = [
            f"{kinds.count(kind)} {_WORDS.get(kind, kind)}" for kind in _KINDS if kind in kinds
        ]
        told.append(f"{', '.join(counts)}, {one.same} unchanged")
    told.append(_counts(one))
    return f"{names}: {'; '.join(told)}"


def _counts(one: Difference) -> str:
    if not (one.new_findings or one.fixed):
        return "no finding new or fixed"
    new = f"{counted(len(one.new_findings), 'new finding')}" if one.new_findings else ""
    fixed = f"{len(one.fixed)} fixed" if one.fixed else ""
    return ", ".join(filter(None, (new, fixed)))


def _groups(one: Difference) -> Iterator[tuple[str, list[RegionChange]]]:
    """Changes of a kind with their headline, those that moved as far together."""
    for kind in _KINDS:
        changes = [change for change in one.regions if change.kind == kind]
        if kind == "moved":
            yield from _distances(changes)
        elif changes:
            head = f"{counted(len(changes), 'region')} {_WORDS.get(kind, kind)}"
            yield head + _caution(one, kind), changes


def _distances(changes: list[RegionChange]) -> Iterator[tuple[str, list[RegionChange]]]:
    groups: dict[int, list[RegionChange]] = {}
    for change in changes:
        groups.setdefault(change.distance, []).append(change)
    for distance, group in sorted(groups.items(), key=lambda item: -len(item[1])):
        yield f"{counted(len(group), 'region')} moved {_way(distance)}", group


def _way(distance: int) -> str:
    return f"{'up' if distance > 0 else 'down'} {abs(distance):#x} ({size_text(abs(distance))})"


def _caution(one: Difference, kind: str) -> str:
    """What to bear in mind where a map that is not whole lacks a region."""
    lacking = {"removed": one.new, "added": one.old}.get(kind)
    if lacking is None or lacking.memory_map.extent != "partial":
        return ""
    return f", or not captured: {printable(lacking.name)} is part of a map"


def _rows(changes: list[RegionChange], style: Style, options: RenderOptions) -> list[str]:
    """Aligned lines; of many regions that the operating system reuses, only how many there are."""
    reused = [change for change in changes if not change.outlives_boot]
    folded = len(reused) > _MOST_REUSED and not options.verbose
    shown = [change for change in changes if change.outlives_boot or not folded]
    cells = [_cells(change) for change in shown]
    widths = [max(len(row[column]) for row in cells) for column in range(4)] if cells else []
    lines = []
    for change, row in zip(shown, cells, strict=True):
        sign, color = _SIGNS.get(change.kind, _CHANGED)
        text = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append(style.paint(f"  {sign} {text}".rstrip(), color))
    if folded:
        more = "more " if shown else ""
        lines.append(
            f"    {len(reused)} {more}of boot services, loaders, free memory (-v shows each)"
        )
    return lines


def _cells(change: RegionChange) -> tuple[str, str, str, str]:
    """Type, start, size and a remark, each as it was and as it is."""
    old, new = change.old or change.new, change.new or change.old
    if old is None or new is None:
        return "", "", "", ""
    return (
        _became(old.type_name, new.type_name),
        _became(f"{old.physical_start:#x}", f"{new.physical_start:#x}"),
        _became(f"{old.number_of_pages:#x}", f"{new.number_of_pages:#x}") + " pages",
        _remark(change.kind, old, new),
    )


def _became(old: str, new: str) -> str:
    return old if old == new else f"{old} -> {new}"


def _remark(kind: str, old: MemoryDescriptor, new: MemoryDescriptor) -> str:
    told = []
    grown = (new.number_of_pages - old.number_of_pages) * EFI_PAGE_SIZE
    if grown:
        told.append(f"{size_text(abs(grown))} {'larger' if grown > 0 else 'smaller'}")
    else:
        told.append(size_text(new.physical.size))
    distance = new.physical_start - old.physical_start
    if distance and kind != "moved":
        told.append(_way(distance))
    if old.attribute is not None and new.attribute is not None and old.attribute != new.attribute:
        lost, gained = old.attribute & ~new.attribute, new.attribute & ~old.attribute
        told += [f"-{name}" for name in attribute_names(lost)]
        told += [f"+{name}" for name in attribute_names(gained)]
    return ", ".join(told)


def _findings(one: Difference, style: Style) -> Iterator[str]:
    """The findings that make a difference, each on a line: new, fixed, and neither for sure."""
    unknown_before = {entry.rule for entry in one.old.report.checked.not_checked}
    for item in one.new_findings:
        doubt = " (not judged before)" if item.rule in unknown_before else ""
        yield _finding(item, style, "new", doubt)
    for item in one.fixed:
        yield _finding(item, style, "fixed", "")
    for item in one.unjudged:
        yield _finding(item, style, "not judged", f" (nothing says it of {one.new.name})")


def _finding(item: ReportedFinding, style: Style, word: str, doubt: str) -> str:
    head = style.paint(f"{item.severity.value}[{item.rule}]", _SEVERITIES[item.severity])
    place = f"{item.path}:{item.span.line}:{item.span.column}" if item.span else item.path
    return f"{word} {head}: {printable(f'{item.finding.message} --> {place}{doubt}')}"


def _verdict(verdict: Hibernation, style: Style, options: RenderOptions) -> list[str]:
    """The verdict, and what proves it or stands in its way."""
    head = _headline(verdict, style)
    reasons = [printable(reason.message) for reason in verdict.why]
    if options.quiet:
        return [head]
    if len(reasons) == 1:
        return [f"{head}: {reasons[0]}"]
    most = len(reasons) if options.verbose else _MOST_REASONS
    lines = [head, *(f"  {reason}" for reason in reasons[:most])]
    if len(reasons) > most:
        lines.append(f"  and {len(reasons) - most} more (-v shows each)")
    return lines


def _headline(verdict: Hibernation, style: Style) -> str:
    return f"hibernation: {style.paint(verdict.verdict, _VERDICTS[verdict.verdict])}"
