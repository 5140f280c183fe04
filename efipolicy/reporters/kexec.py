"""Chains of kernels and the compatibility matrix, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from efipolicy.engine.kexec_matrix import Matrix
from efipolicy.model.chain import Cell, ChainHop, ChainReport, Verdict
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.snippet import Style

_GOOD, _BAD, _HALF = "32", "31", "33"
_COLORS: Final[dict[str, str]] = {"ok": _GOOD, "runtime-disabled": _HALF}


def chain_text(report: ChainReport, options: RenderOptions) -> str:
    """The kernels line by line, what reached each, the verdicts, and what they take for granted.

    Quiet output ends with the verdicts.
    """
    style = Style(options.color)
    lines = [report.hops[0].first] if report.hops else []
    for hop in report.hops:
        lines += _hop_lines(hop, style)
    lines += ["", f"verdict: {_painted(report.verdict, style)}"]
    if report.assumptions and not options.quiet:
        lines += ["", "assumed:", *[f"  {text}" for text in report.assumptions]]
    return "\n".join(lines) + "\n"


def _hop_lines(hop: ChainHop, style: Style) -> Iterator[str]:
    kind = "crash kernel, " if hop.kind == "crash" else ""
    yield f"  -> {hop.second}  ({kind}{_carried_words(hop)})  {_painted(hop.verdict, style)}"
    if hop.counter_example:
        yield f"       {hop.counter_example.sentence}"


def _carried_words(hop: ChainHop) -> str:
    carried = hop.carried
    if carried.channel == "none":
        return "nothing carried over"
    entries = "entry" if carried.map_entries == 1 else "entries"
    size = f" of {carried.descriptor_size} bytes" if carried.descriptor_size else ""
    return f"{carried.channel}: {carried.map_entries} {entries}{size}"


def _painted(verdict: Verdict, style: Style) -> str:
    return style.paint(verdict, _COLORS.get(verdict, _BAD))


def matrix_text(made: Matrix, options: RenderOptions) -> str:
    """One table, the first kernel's strategy at the left; what else may be as numbered notes.

    Quiet output lacks the notes.
    """
    if not made.cells:
        return "no strategy says what it does after a kexec\n"
    style = Style(options.color)
    notes: list[str] = []
    numbers: dict[str, int] = {}
    names = list(dict.fromkeys(cell.first for cell in made.cells))
    rows = [["first \\ second", *names]]
    for first in names:
        row = [cell for cell in made.cells if cell.first == first]
        rows.append([first, *[_cell_text(cell, numbers, notes) for cell in row]])
    lines = list(_table(rows, style))
    if not options.quiet:
        lines += ["", *notes] if notes else []
        if made.left_out:
            lines += ["", f"not judged, for want of facts: {', '.join(made.left_out)}"]
    return "\n".join(lines) + "\n"


def _cell_text(cell: Cell, numbers: dict[str, int], notes: list[str]) -> str:
    """The usual verdict, with the number of the note on the other cases; equal notes are one."""
    usual, *others = cell.cases
    if not others:
        return usual.verdict
    text = "; ".join(f"{case.verdict}: {case.when}" for case in others)
    text = f"{usual.when}; else {text}"
    if text not in numbers:
        numbers[text] = len(numbers) + 1
        notes.append(f"[{numbers[text]}] {text}")
    return f"{usual.verdict} [{numbers[text]}]"


def _table(rows: Sequence[Sequence[str]], style: Style) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, cells in enumerate(rows):
        shown = [text.ljust(width) for text, width in zip(cells, widths, strict=True)]
        if number:
            shown[1:] = [
                style.paint(text, _COLORS.get(text.split()[0], _BAD)) for text in shown[1:]
            ]
        yield "  ".join(shown).rstrip()
