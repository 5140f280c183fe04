"""Chains of kernels and the compatibility matrix, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, get_args

from efipolicy.engine.kexec_matrix import Matrix
from efipolicy.model.chain import Cell, ChainHop, ChainReport, Verdict
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.snippet import Style

_GOOD, _BAD, _HALF = "32", "31", "33"
_COLORS: Final[dict[str, str]] = {"ok": _GOOD, "runtime-disabled": _HALF}
_WIDTH: Final = 80
_VERDICTS: Final[tuple[str, ...]] = get_args(Verdict)
_LONGEST: Final = max(map(len, _VERDICTS))
_MARGIN: Final = " " * (_LONGEST + 4)


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
        lines += ["", "assumed:", *_indented(report.assumptions)]
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
    """For first kernels that are alike the verdicts, each with the second kernels that get it.

    What else may be follows as numbered notes, then what is taken for granted. Quiet output lacks
    both. A table of so many strategies would be wider than any terminal.
    """
    if not made.cells:
        return "no strategy says what it does after a kexec\n"
    style = Style(options.color)
    numbers: dict[str, int] = {}
    rows: dict[str, list[Cell]] = {}
    for cell in made.cells:
        rows.setdefault(cell.first, []).append(cell)
    alike: dict[tuple[str, ...], list[str]] = {}
    for first, cells in rows.items():
        alike.setdefault(tuple(_row_lines(cells, numbers, style)), []).append(first)
    lines: list[str] = []
    for shown, firsts in alike.items():
        lines += [*_wrapped(", ".join(firsts), "after ", "      "), *shown, ""]
    if not options.quiet:
        for text, number in numbers.items():
            mark = f"[{number}] "
            lines += _wrapped(text, mark, " " * len(mark))
        lines += [""] if numbers else []
        if made.assumptions:
            lines += ["assumed:", *_indented(made.assumptions), ""]
        if made.left_out:
            lines += [f"not judged, for want of facts: {', '.join(made.left_out)}", ""]
    return "\n".join(lines[:-1]) + "\n"


def _row_lines(cells: Sequence[Cell], numbers: dict[str, int], style: Style) -> Iterator[str]:
    """The verdicts after one kernel, the best first, each with the kernels that get it."""
    named: dict[Verdict, list[str]] = {}
    for cell in cells:
        named.setdefault(cell.cases[0].verdict, []).append(cell.second + _mark(cell, numbers))
    for verdict in sorted(named, key=_VERDICTS.index):
        names = named[verdict]
        first, *rest = _wrapped(", ".join(names), "", "", _WIDTH - len(_MARGIN))
        yield f"  {style.paint(verdict.ljust(_LONGEST), _COLORS.get(verdict, _BAD))}  {first}"
        yield from [_MARGIN + line for line in rest]


def _mark(cell: Cell, numbers: dict[str, int]) -> str:
    """The number of the note on the other cases of a cell; equal notes are one."""
    usual, *others = cell.cases
    if not others:
        return ""
    text = "; ".join(f"{case.verdict}: {case.when}" for case in others)
    number = numbers.setdefault(f"{usual.when}; else {text}", len(numbers) + 1)
    return f" [{number}]"


def _indented(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from _wrapped(text, "  ", "    ")


def _wrapped(text: str, first: str, other: str, width: int = _WIDTH) -> list[str]:
    from textwrap import wrap

    # A name and the number behind it stay together, as do the parts of a range.
    kept = text.replace(" [", "\u00a0[")
    lines = wrap(
        kept,
        width,
        initial_indent=first,
        subsequent_indent=other,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\u00a0", " ") for line in lines]
