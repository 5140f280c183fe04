"""Reports to print: random ones, of whatever an input, a plugin or a policy may say."""

from __future__ import annotations

from hypothesis import strategies as st

from efipolicy.errors import EfipolicyError, PluginError
from efipolicy.model.address import AddressRange
from efipolicy.model.finding import (
    Checked,
    Confidence,
    Finding,
    InputReport,
    NotChecked,
    Related,
    Report,
    ReportedFinding,
    Responsible,
    Severity,
)
from efipolicy.model.memory_map import MemoryMap
from efipolicy.model.platform import Acceptance, ArchitectureReason, Capture, Platform
from efipolicy.source import InputError, SourceSpan, SourceText, TextRecord
from tests.drawing.maps import WB, descriptors

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/x.png)",
    "[click](javascript:alert(1))",
    "https://evil.example/ www.evil.example someone@evil.example",
    "@octocat @org/team #1 GH-1 !2 owner/repo#3 :smile: ~bug %1 $4 &5",
    "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    "| a | b |\n| --- | --- |",
    "```\n~~~\n</details>\n# head\n/close\n- item",
    "`a` ``b`` ` c `` d` `<b>`",
    "\\| \\` \\< &lt; &#64;all &copy;",
    "$`\\unicode{x}`$ $x$ $$y$$ [^1] [[wiki]] <!-- no --> --> ]]>",
    "\x1b[31mred\x1b[0m \x9b31m \x07 \x00 \u202e reversed \u200b \ufeff \ue000",
    "'\"><a href='//evil.example'>x</a>",
    "*emphasis* _under_ ~~gone~~ ==mark== EFI_MEMORY_RO",
    "1. one 2) two + three - four > five",
    "\N{ROBOT FACE} Größe \uff20octocat 中文",
)
"""What must stay text."""

TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40), st.text("`|<@\\ &a", max_size=12))
SOURCE = SourceText(
    "map.yaml", "\n".join(("a plain line", *HOSTILE, "\ttabs\tand ```` fences", "x" * 400))
)
REASON = ArchitectureReason("dialect", "the line `efi: mem00` <b>")
ADDRESSES = st.integers(0, 1 << 52) | st.integers((1 << 64) - 9, (1 << 64) - 1)


@st.composite
def spans(draw: st.DrawFn) -> SourceSpan:
    start = draw(st.integers(0, len(SOURCE.text)))
    return SOURCE.span(start, start + draw(st.integers(0, 30)))


@st.composite
def findings(draw: st.DrawFn, platform: Platform, path: str) -> ReportedFinding:
    regions = platform.memory_map.descriptors
    subject = draw(st.sampled_from(regions)) if regions else platform
    located = TextRecord(SOURCE, 3, 9)
    related = [Related(Capture(dialect="d", located=located), draw(TEXTS))] * draw(
        st.integers(0, 2)
    )
    accepted = Acceptance(rule="*", reason=draw(TEXTS), owner=draw(TEXTS), link=draw(TEXTS))
    start = draw(ADDRESSES)
    return ReportedFinding(
        Finding(subject, draw(TEXTS), related=tuple(related)),
        rule=draw(st.sampled_from(("uefi/zero-pages", "acme/`odd|<rule>", "uefi/overlap"))),
        severity=draw(st.sampled_from(Severity)),
        confidence=draw(st.sampled_from(Confidence)),
        responsible=draw(st.sampled_from(Responsible)),
        requirements=tuple(draw(st.lists(TEXTS, max_size=2))),
        sources=tuple(draw(st.lists(TEXTS, max_size=2))),
        help=draw(TEXTS),
        help_uri=draw(
            st.sampled_from(
                ("https://rules.example/a_(b).html", "javascript:alert(1)", "", 'https://"><b>')
            )
        ),
        region=draw(st.sampled_from((None, AddressRange(start, start + 0x1000)))),
        path=path,
        span=draw(st.none() | spans()),
        fingerprint="f",
        accepted=accepted if draw(st.booleans()) else None,
        pinned=draw(st.none() | TEXTS),
    )


@st.composite
def inputs(draw: st.DrawFn) -> InputReport:
    path = draw(TEXTS)
    if draw(st.integers(0, 4)) == 0:
        return InputReport(path, "platform", None, None)
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 40),
                ADDRESSES,
                st.sampled_from((0, 1, 99, 1 << 52, (1 << 64) - 1)),
                st.sampled_from((WB, None)),
            ),
            max_size=6,
        )
    )
    platform = Platform(
        name="board",
        title=draw(st.none() | TEXTS),
        architecture_reason=REASON,
        memory_map=MemoryMap(descriptors=descriptors(*rows)),
    )
    wanting = [
        NotChecked(rule, draw(TEXTS)) for rule in draw(st.sampled_from(((), ("a/b", "c/d"))))
    ]
    return InputReport(
        path,
        "capture",
        draw(TEXTS),
        platform,
        Checked(passed=("x/y",) * draw(st.integers(0, 2)), not_checked=tuple(wanting)),
        tuple(draw(st.lists(findings(platform, path), max_size=7))),
    )


@st.composite
def errors(draw: st.DrawFn) -> EfipolicyError:
    if draw(st.booleans()):
        return PluginError(draw(TEXTS))
    return InputError(draw(TEXTS), draw(TEXTS), draw(TEXTS), span=draw(st.none() | spans()))


@st.composite
def reports(draw: st.DrawFn) -> Report:
    return Report(
        inputs=tuple(draw(st.lists(inputs(), max_size=4))),
        errors=tuple(draw(st.lists(errors(), max_size=3))),
        today="2026-01-01",
        skipped=tuple(draw(st.lists(TEXTS, max_size=2))),
    )
