"""Findings in pictures: a shape for each severity, and pills that link to the rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.drawing.text_width import shortened, text_width
from efipolicy.model.finding import Severity

PILL_HEIGHT: Final = 17
LONGEST_NAME: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnFinding:
    """A finding as a picture shows it.

    ``code`` is the text of its pill. ``index`` is the reported index of the descriptor it is
    about, ``None`` for one about the map as a whole. ``href`` leads to the rule; ``accepted`` says
    who accepted it and why, and such a finding is not counted.
    """

    severity: Severity
    rule: str
    code: str
    message: str
    index: int | None = None
    href: str | None = None
    accepted: str | None = None

    @property
    def rank(self) -> tuple[bool, int, str, str]:
        """Open ones before accepted ones, the gravest first."""
        return self.accepted is not None, self.severity.rank, self.code, self.message


def pill_codes(rules: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, str]:
    """The text of each rule's pill, given the rules' ids and requirement codes.

    The first code without its family (``RT-003`` of ``UEFI-RT-003``) as long as that is
    unambiguous; a rule without a code shows its name, cut to 14 characters.
    """
    codes = {rule: requirements[0] if requirements else None for rule, requirements in rules}
    families: dict[str, set[str]] = {}
    for code in codes.values():
        if code:
            family, _, rest = code.partition("-")
            families.setdefault(rest, set()).add(family)
    texts = {}
    for rule, code in codes.items():
        name = rule.partition("/")[2] or rule
        if code:
            rest = code.partition("-")[2]
            # A bare number, as ARM64-001 would leave, tells nobody anything.
            texts[rule] = rest if "-" in rest and len(families[rest]) == 1 else code
        elif len(name) > LONGEST_NAME:
            texts[rule] = name[: LONGEST_NAME - 1].rstrip("-") + "\N{HORIZONTAL ELLIPSIS}"
        else:
            texts[rule] = name
    return texts


def draw_severity(
    svg: SvgWriter, severity: Severity, x: float, y: float, *, hollow: bool = False
) -> None:
    """The shape of a severity around a centre, 11 units wide: octagon, triangle or disc."""
    name = severity.value
    outline, sign = ("accepted", "accepted") if hollow else (name, f"{name}-x")
    n = number
    if severity is Severity.ERROR:
        svg.path(
            f"M{n(x - 2.3)} {n(y - 5.5)}h4.6l3.2 3.2v4.6l-3.2 3.2h-4.6l-3.2 -3.2v-4.6z", outline
        )
        svg.path(f"M{n(x - 2.2)} {n(y - 2.2)}l4.4 4.4m0 -4.4l-4.4 4.4", sign)
    elif severity is Severity.WARNING:
        svg.path(f"M{n(x)} {n(y - 5.4)}l5.7 10.4h-11.4z", outline)
        svg.path(f"M{n(x)} {n(y - 1.8)}v3m0 1.9v.4", sign)
    else:
        svg.element("circle", cx=x, cy=y, r=5.5, class_=f"ep-{outline}")
        svg.path(f"M{n(x)} {n(y - 0.5)}v3.3m0 -5.8v.4", sign)


def pill_width(code: str) -> float:
    """The width of a pill with this text."""
    return 27 + text_width(code, 11, mono=True)


def draw_pills(
    svg: SvgWriter,
    findings: list[DrawnFinding],
    *,
    x: float,
    y: float,
    leftmost: float,
    subject: str,
    more_href: str | None,
) -> float:
    """A pill for the gravest of the findings, and how many more there are; returns its left edge.

    ``x`` and ``y`` are where it should start; it moves left, never beyond ``leftmost``, where the
    picture would end, and is cut where even that is too little.
    """
    gravest, more = findings[0], len(findings) - 1
    more_text = f"+{more}"
    more_width = 14 + text_width(more_text, 11, mono=True) if more else 0
    room = 759 - leftmost - (more_width + 5 if more else 0)
    code = shortened(gravest.code, room - 27, 11, mono=True)
    width = pill_width(code)
    x = min(x, 759 - width - (more_width + 5 if more else 0))
    _draw_pill(svg, gravest, code, (x, y, width), subject)
    if more:
        left = x + width + 5
        with svg.group(
            "a", title=f"{more_text} more about {subject}", href=more_href, tabindex="-1"
        ):
            svg.element("rect", x=left, y=y, width=more_width, class_="ep-tag ep-more")
            svg.text(left + 7, y + 12.5, more_text, "m", "s", "u")
    return x


def _draw_pill(
    svg: SvgWriter,
    finding: DrawnFinding,
    code: str,
    place: tuple[float, float, float],
    subject: str,
) -> None:
    x, y, width = place
    severity = finding.severity.value
    accepted = finding.accepted is not None
    title = f"{severity} {finding.code} on {subject}: {finding.message} ({finding.rule})"
    if accepted:
        title = f"accepted, {title}; {finding.accepted}"
    with svg.group("a", title=title, href=finding.href):
        _draw_outline(svg, x, y, width, "accepted-l" if accepted else f"{severity}-l")
        draw_severity(svg, finding.severity, x + 10, y + 8.5, hollow=accepted)
        svg.text(x + 20, y + 12.5, code, "m", "s", "u" if accepted else severity)


def _draw_outline(svg: SvgWriter, x: float, y: float, width: float, line: str) -> None:
    svg.element("rect", x=x, y=y, width=width, class_=f"ep-{line} ep-tag")
