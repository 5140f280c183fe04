"""The framed verdict below a kexec chain, and the signs of right and wrong."""

from __future__ import annotations

from collections.abc import Sequence

from efipolicy.drawing.document import WIDTH
from efipolicy.drawing.findings import PILL_HEIGHT, DrawnFinding, draw_pills, pill_width
from efipolicy.drawing.kexec_chain_words import ChainVerdict
from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.drawing.text_width import text_width, wrapped

_LEFT = 42.0


def draw_tick(svg: SvgWriter, x: float, y: float, radius: float) -> None:
    """A disc with a tick."""
    svg.element("circle", cx=x, cy=y, r=radius, class_="ep-ok")
    svg.path(f"M{number(x - 3.4)} {number(y + 0.2)}l2.4 2.6l4.6 -5.2", "ok-x")


def draw_wrong(svg: SvgWriter, x: float, y: float, radius: float) -> None:
    """A disc with a cross."""
    svg.element("circle", cx=x, cy=y, r=radius, class_="ep-error")
    svg.path(f"M{number(x - 3)} {number(y - 3)}l6 6m0 -6l-6 6", "error-x")


def draw_lost(svg: SvgWriter, x: float, y: float) -> None:
    """A triangle: nothing goes wrong, and something is lost."""
    svg.path(f"M{number(x)} {number(y - 9)}l10 17h-20z", "warning")
    svg.path(f"M{number(x)} {number(y - 3)}v5m0 2.6v.4", "warning-x")


def draw_verdict(
    svg: SvgWriter,
    verdicts: Sequence[ChainVerdict],
    findings: Sequence[DrawnFinding],
    top: float,
) -> float:
    """The frame with a line for each hop, the findings at its right; returns where it ends."""
    failed = next((one for one in verdicts if one.verdict != "ok"), None)
    severity = "ok"
    if failed:
        lost = all(one.verdict in ("ok", "runtime-disabled") for one in verdicts)
        severity = "warning" if lost else "error"
    word = failed.word if failed else "PASS"
    left = _LEFT + text_width(word, 12, bold=True) + 14
    ordered = sorted(findings, key=lambda finding: finding.rank)
    pills = _pills_width(ordered)
    right = WIDTH - 14 - (pills + 12 if pills else 0)
    lines = list(_lines(verdicts, right - left))
    height = 28.0 + sum(15 if size == "s" else 13.5 for _, size in lines) - 2
    frame = f"ep-{severity}-l"
    svg.element("rect", x=0.5, y=top, width=WIDTH - 1, height=height, rx=6, class_=frame)
    y = top + 20.5
    if severity == "ok":
        draw_tick(svg, 22, y, 10)
    elif severity == "error":
        draw_wrong(svg, 22, y, 10)
    else:
        draw_lost(svg, 22, y)
    svg.text(_LEFT, y + 4.5, word, "b", severity)
    baseline = y + 4.5
    for place, (text, size) in enumerate(lines):
        if place:
            baseline += 15 if size == "s" else 13.5
        svg.text(left, baseline, text, *(("s",) if size == "s" else ("xs", "u")))
    if ordered:
        x = WIDTH - 14 - pills
        subject = f"the chain to kernel {verdicts[-1].number}"
        draw_pills(
            svg,
            ordered,
            x=x,
            y=y - PILL_HEIGHT / 2,
            leftmost=left,
            subject=subject,
            more_href=None,
        )
    return top + height


def _pills_width(findings: Sequence[DrawnFinding]) -> float:
    if not findings:
        return 0.0
    more = len(findings) - 1
    return pill_width(findings[0].code) + (
        5 + 14 + text_width(f"+{more}", 11, mono=True) if more else 0
    )


def _lines(verdicts: Sequence[ChainVerdict], room: float) -> list[tuple[str, str]]:
    """The sentences, and what they show with, in lines that fit; ``s`` and ``xs`` are sizes."""
    lines: list[tuple[str, str]] = []
    for one in verdicts:
        lines += [(line, "s") for line in wrapped(one.sentence, room, 11)]
        if one.because:
            lines += [(line, "xs") for line in wrapped(one.because, room, 10)]
    return lines
