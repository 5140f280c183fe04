"""Reports of anything: what inputs, their names and strangers' plugins may put into one."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from efipolicy.errors import EfipolicyError, PluginError
from efipolicy.model.finding import (
    BaselineUse,
    Checked,
    Confidence,
    Finding,
    InputReport,
    KnownFinding,
    NotChecked,
    Related,
    Report,
    ReportedFinding,
    ReportedFix,
    Responsible,
    Severity,
)
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Acceptance
from efipolicy.reporters.lint_machine import legible
from efipolicy.source import InputError, SourceText, TextRecord
from efipolicy.source.edit import TextEdit
from efipolicy.testing import factories

HOSTILE = (
    "\x1b[31m",
    "\0",
    "\n",
    "\r\n",
    "\t",
    "\x85",
    "\u2028",
    "\u202e",
    "\ud800",
    "\udcff",
    "\ufffe",
    "\U0001f600",
    "]]>",
    "<!--",
    "&amp;",
    '"',
    "::error::",
    "::stop-commands::x",
    "##[group]",
    "%0A",
    "%",
    "{0}",
    "}",
    "[text](https://example.org)",
    "\\",
    ",",
    "=",
    "|",
)

texts = st.lists(
    st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8), st.sampled_from(("a b", "0x1000"))),
    max_size=6,
).map("".join)

paths = st.one_of(
    st.sampled_from(
        ("a.yaml", "b/c d.txt", "../up.log", "/abs.yaml", "<stdin>", "a:b", "50%.txt", "C:/x.txt")
    ),
    texts.filter(bool),
)

rule_ids = st.sampled_from(
    ("uefi/zero-pages", "linux/some-rule", "acme/one", "acme/two", "windows/three-words-here")
)


@st.composite
def sources(draw: Any, path: str) -> SourceText:
    lines = draw(st.lists(st.sampled_from(("", "ab", "\U0001f600 x", "é\tz", "]]>")), max_size=6))
    return SourceText(path, draw(st.sampled_from(("\n", "\r\n"))).join(lines))


@st.composite
def spans(draw: Any, source: SourceText) -> Any:
    start, end = sorted(draw(st.integers(0, len(source.text))) for _ in range(2))
    return source.span(start, end)


@st.composite
def descriptors(draw: Any, source: SourceText) -> MemoryDescriptor:
    span = draw(spans(source))
    located = TextRecord(source, span.start, span.end)
    return MemoryDescriptor(
        index=0,
        type=7,
        physical_start=0x1000,
        number_of_pages=1,
        located=draw(st.sampled_from((located, None))),
    )


@st.composite
def fixes(draw: Any, source: SourceText) -> ReportedFix:
    places = sorted(draw(st.sets(st.integers(0, len(source.text)), min_size=2, max_size=6)))
    pairs = zip(places[::2], places[1::2], strict=False)
    edits = tuple(TextEdit(start, end, legible(draw(texts))) for start, end in pairs)
    return ReportedFix(draw(st.sampled_from(("safe", "unsafe"))), draw(texts), source, edits)


@st.composite
def findings(draw: Any, path: str, source: SourceText, number: int) -> ReportedFinding:
    """A finding whose message begins and ends with a mark of its own."""
    subject = draw(descriptors(source))
    message = f"<{number}>{draw(texts)}</{number}>"
    related = tuple(
        Related(draw(descriptors(source)), draw(texts)) for _ in range(draw(st.integers(0, 2)))
    )
    rule = draw(rule_ids)
    acceptance = Acceptance(
        rule=rule, reason=draw(texts), owner=draw(texts), located=subject.located
    )
    fixable = draw(st.booleans()) and len(source.text) > 1
    return ReportedFinding(
        finding=Finding(subject, message, related=related),
        rule=rule,
        severity=draw(st.sampled_from(Severity)),
        confidence=draw(st.sampled_from(Confidence)),
        responsible=draw(st.sampled_from(Responsible)),
        requirements=("UEFI-MAP-005",),
        sources=("UEFI 2.10 §7.2.3",),
        help=draw(texts),
        help_uri=f"https://example.org/{rule}.html",
        region=draw(st.sampled_from((None, subject.physical))),
        path=path,
        span=draw(st.one_of(st.none(), spans(source))),
        fingerprint=draw(st.sampled_from(("0" * 32, "1" * 32, "f" * 32))),
        accepted=acceptance if draw(st.booleans()) else None,
        fix=draw(fixes(source)) if fixable else None,
    )


@st.composite
def errors(draw: Any, path: str, number: int) -> EfipolicyError:
    """An error whose words begin and end with a mark of its own."""
    text = f"<e{number}>{draw(texts)}</e{number}>"
    kind = draw(st.sampled_from(("input", "place", "plugin", "nowhere")))
    if kind == "nowhere":
        return PluginError(text)
    if kind == "plugin":
        error = PluginError(text)
        error.path = path
        return error
    span = draw(spans(draw(sources(path)))) if kind == "place" else None
    return InputError(path, text, "anything else", span=span)


@st.composite
def reports(draw: Any) -> Report:
    """Inputs with findings, errors about them and others, a configuration, maybe a baseline."""
    numbers = iter(range(1000))
    inputs = []
    for path in draw(st.lists(paths, max_size=3)):
        source = draw(sources(path))
        found = tuple(
            draw(findings(path, source, next(numbers))) for _ in range(draw(st.integers(0, 3)))
        )
        checked = Checked(
            passed=("uefi/passed",),
            failed=tuple(sorted({item.rule for item in found} | {"uefi/seen-elsewhere"})),
            not_applicable=("ia64/not-applicable",),
            not_checked=(NotChecked("uefi/not-checked", draw(texts)),),
        )
        platform = factories.platform("EfiConventionalMemory 0x0 16 WB")
        readable = draw(st.booleans()) or bool(found)
        inputs.append(
            InputReport(
                path=path,
                kind="platform",
                format="platform",
                platform=platform if readable else None,
                checked=checked if readable else Checked(),
                findings=found,
            )
        )
    about = draw(st.sampled_from((".efipolicy.yaml", "a.yaml")))
    configuration = tuple(
        draw(findings(about, draw(sources(about)), next(numbers)))
        for _ in range(draw(st.integers(0, 1)))
    )
    of_errors = st.one_of(st.sampled_from([item.path for item in inputs] or ["a.yaml"]), paths)
    wrong = tuple(
        draw(errors(draw(of_errors), next(numbers))) for _ in range(draw(st.integers(0, 3)))
    )
    fixed = (KnownFinding("0" * 32, "uefi/gone", draw(texts), draw(texts)),)
    return Report(
        inputs=tuple(inputs),
        errors=wrong,
        today="2026-01-01",
        skipped=tuple(draw(st.lists(texts, max_size=1))),
        configuration=configuration,
        baseline=draw(st.sampled_from((None, BaselineUse("known.json", fixed)))),
    )
