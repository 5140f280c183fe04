"""The report for a pull request: what it says, that it is inert, and that it is not too long."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from efipolicy.model.finding import Checked, InputReport, NotChecked, Report
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.lint_markdown import render_markdown
from efipolicy.reporters.lint_notes import one_line
from efipolicy.reporters.lint_outline import verdict
from efipolicy.reporters.markdown_length import COMMENT_LIMIT, Block, Row, fit
from efipolicy.reporters.markdown_text import code, fenced, inline, link
from tests.conftest import MINIMAL, PLATFORMS, ROOT, Run
from tests.reporters.reports import HOSTILE, TEXTS, reports

OPTIONS = RenderOptions()
CODE = re.compile(r"`[^`|\\\n]+`|<code>[^<>`|\\\n]*</code>")
PROSE = re.compile(r"[\w\s.,;:()'\"\u2019\u00a7\u2013\u2014\u2026\u2192\u00b7\u00d7-]*")


@pytest.fixture
def files(folder: Path) -> Path:
    broken = (PLATFORMS / "broken-x86_64.yaml").read_text()
    (folder / "broken.yaml").write_text(broken)
    accepted = (
        "\naccept:\n  - {rule: uefi/zero-pages, at: 0x700e0000, reason: 'old | <b>', owner: me}\n"
    )
    (folder / "accepted.yaml").write_text(broken + accepted)
    (folder / "minimal.yaml").write_text(MINIMAL)
    (folder / "wrong.yaml").write_text(MINIMAL.replace("pages", "pagess"))
    return folder


@pytest.mark.parametrize(
    "line",
    [
        "broken.yaml",
        "minimal.yaml --quiet",
        "broken.yaml --statistics --quiet",
        "minimal.yaml accepted.yaml --select uefi/zero-pages --select uefi/unassigned-*",
        "wrong.yaml missing.yaml minimal.yaml",
        "minimal.yaml --select uefi/zero-pages",
    ],
)
def test_the_markdown_of_a_report_is_the_recorded_one(
    files: Path, run: Run, snapshot: SnapshotAssertion, line: str
) -> None:
    status, out, err = run("lint", *line.split(), "--format", "markdown")
    assert f"status {status}\n{out}{err}" == snapshot


def structure_of(text: str) -> str:
    """What is left of a line when code is taken out of it."""
    return CODE.sub("", text)


@given(TEXTS)
def test_text_of_an_input_is_words_and_code_and_says_what_it_said(text: str) -> None:
    shown = inline(text)
    assert PROSE.fullmatch(structure_of(shown)), shown
    assert "_" not in structure_of(shown)
    assert not re.search(r"[0-9a-fA-F]{7}", re.sub(r"[^\W0-9a-fA-F]+", " ", structure_of(shown)))
    written = re.sub(r"<code>(.*?)</code>", lambda match: unescape(match[1]), shown)
    assert re.sub(r"[\s`]", "", written) == re.sub(r"[\s`]", "", one_line(text))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_forge_would_act_on_stands_in_code(text: str) -> None:
    left = structure_of(inline(text))
    assert not re.search(r"[@#<>\[\]|*_`~$!&\\/]|www|://", left), left


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("found unknown key `pagess`, expected `pages`", None),
        ("EfiMemoryMappedIO at 0x10, 2 bytes in", "EfiMemoryMappedIO at `0x10`, 2 bytes in"),
        ("UEFI 2.10 §7.2.3; EFI 1.10", "UEFI 2.10 §7.2.3; EFI 1.10"),
        ("a|b", "<code>a&#124;b</code>"),
        ("(see EFI_MEMORY_RO).", "(see `EFI_MEMORY_RO`)."),
        ("x`y z`", "x`y z`"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_message_reads_as_it_was_written(text: str, shown: str | None) -> None:
    assert inline(text) == (text if shown is None else shown)


@pytest.mark.parametrize("uri", ["javascript:alert(1)", "", "//x", "https://a b", "https://a\n)"])
def test_what_is_no_address_of_the_web_is_not_linked_to(uri: str) -> None:
    assert link("uefi/x", uri) == "`uefi/x`"


def test_an_address_cannot_end_its_link() -> None:
    assert link("a", "https://x/a_(b)|<c>") == "[`a`](https://x/a%5F%28b%29%7C%3Cc%3E)"
    assert code("") == "`\N{REPLACEMENT CHARACTER}`"


@given(st.lists(st.text("`ab ", max_size=9), max_size=4))
def test_no_line_ends_its_fence(lines: list[str]) -> None:
    first, *inner, last = fenced(lines).split("\n")
    assert inner == lines
    assert first == f"{last}text"
    assert not any(line.strip().startswith(last) for line in lines)


@settings(max_examples=60)
@given(reports(), st.booleans())
def test_a_report_has_every_finding_and_keeps_its_shape(report: Report, verbose: bool) -> None:
    text = render_markdown(report, RenderOptions(verbose=verbose))
    outside = re.sub(r"(?ms)^(`{3,})text\n.*?\n\1$", "", text)
    tables = [line for line in outside.splitlines() if line.startswith("|")]
    for line in tables:
        assert line.endswith(" |")
    for block in re.findall(r"(?m)(?:^\|.*\n)+", outside):
        assert len({structure_of(line).count("|") for line in block.splitlines()}) == 1
    bare = CODE.sub("", outside)
    assert bare.count("<details>") == bare.count("</details>") == bare.count("</summary>")
    assert not re.search(r"<(?!/?(?:details|summary|code)>)", bare)
    assert "javascript:" not in re.sub(r"`[^`]*`|<code>.*?</code>", "", outside)
    rows = [line for line in tables if re.match(r"\| (\*\*error\*\*|error|warning|info) ", line)]
    if "Cut at" not in text:
        assert len(rows) == len(report.findings)
        section = outside.partition("### Not read or not judged")[2].partition("\n\n<details>")[0]
        assert section.partition("\n###")[0].count("\n| ") == bool(report.errors) * (
            2 + len(report.errors)
        )


@given(reports())
def test_clean_is_only_said_of_what_was_read_and_checked_whole(report: Report) -> None:
    told = verdict(report)
    whole = (
        bool(report.inputs)
        and not report.errors
        and all(item.platform for item in report.inputs)
        and not any(item.checked.not_checked for item in report.inputs)
        and all(item.checked.passed for item in report.inputs)
        and all(finding.accepted for finding in report.findings)
    )
    assert (told.kind == "clean") == whole
    assert ("clean" in render_markdown(report, OPTIONS).splitlines()[0]) == whole


def test_the_step_of_the_guide_writes_what_it_hands_over(files: Path, run: Run) -> None:
    text = (ROOT / "docs" / "howto" / "ci" / "github-summary.yml").read_text("utf-8")
    command = re.search(r"efipolicy (lint .*?)\n- ", text, re.DOTALL)
    assert command
    assert run(*command[1].replace("platforms/", "broken.yaml").split())[0] == 1
    for name in ("summary.md", "lint.html"):
        assert "has no pages" in (files / name).read_text("utf-8")
        assert text.count(name) == 2


@given(reports())
def test_no_number_between_colons_becomes_an_emoji(report: Report) -> None:
    text = re.sub(r"(?ms)^(`{3,})text\n.*?\n\1$", "", render_markdown(report, OPTIONS))
    assert not re.search(r":[\w+-]+:", CODE.sub("", text))


def test_a_report_on_nothing_says_so() -> None:
    nothing = Report(inputs=(), errors=(), today="2026-01-01")
    assert render_markdown(nothing, OPTIONS) == "## efipolicy: nothing was linted\n"


def test_rules_that_lack_the_same_facts_share_a_line() -> None:
    def lacking(path: str, *rules: str) -> InputReport:
        wanting = tuple(NotChecked(rule, "mapping") for rule in rules)
        return InputReport(path, "platform", None, None, Checked(not_checked=wanting))

    report = Report(
        inputs=(lacking("a", "r/a", "r/b", "r/c"), lacking("b", "r/a", "r/b")),
        errors=(),
        today="2026-01-01",
    )
    text = render_markdown(report, OPTIONS)
    assert "| mapping | `r/a`, `r/b` | `a`, `b` |" in text
    assert "| mapping | `r/c` | `a` |" in text


BLOCKS = st.lists(
    st.builds(
        Block,
        st.text("hé", max_size=20),
        st.lists(
            st.builds(
                Row, st.text("r\u4e2d", min_size=1, max_size=300), st.integers(0, 3), st.just("row")
            ),
            max_size=9,
        ).map(tuple),
        st.just("t\n"),
    ),
    max_size=9,
)


@given(BLOCKS, st.integers(1000, 4000))
def test_what_is_left_out_is_counted_and_the_rest_fits(blocks: list[Block], limit: int) -> None:
    text = fit(blocks, limit=limit)
    assert len(text.encode()) <= limit
    total = sum(len(block.rows) for block in blocks)
    left = re.search(r"Left out: (\d+) row", text)
    shown = fit([block._replace(head="", tail="") for block in blocks], limit=10**9)
    assert "Cut" not in shown
    if not left:
        for block in blocks:
            assert "".join(row.text for row in block.rows) in text
    else:
        assert 0 < int(left[1]) <= total


def test_the_gravest_rows_stay_when_a_comment_is_cut() -> None:
    rows = tuple(Row(f"{rank} {'x' * 97}\n", rank, "finding") for rank in (2, 0, 1) * 10)
    text = fit([Block("head\n", rows)], limit=600 + 2200)
    assert text.count("\n0 ") + text.startswith("0 ") == 10
    assert text.count("\n1 ") == 10
    assert text.count("\n2 ") == 1
    assert "Left out: 9 findings." in text


def test_of_a_thousand_findings_alike_the_explanation_stays(folder: Path, run: Run) -> None:
    entry = (
        "    - {type: EfiConventionalMemory, physical_start: 0x1000, pages: 0, attribute: [WB]}\n"
    )
    (folder / "a.yaml").write_text(MINIMAL + entry * 1000)
    _, out, _ = run("lint", "a.yaml", "--format", "markdown", "--select", "uefi/zero-pages")
    assert "999 more of the same in the table" in out
    assert "| `a.yaml` | platform, " in out
    assert re.search(r"Left out: \d+ findings\. ", out)


def test_a_report_is_never_longer_than_a_comment_may_be(folder: Path, run: Run) -> None:
    broken = (PLATFORMS / "broken-x86_64.yaml").read_text()
    for number in range(40):
        (folder / f"{number}.yaml").write_text(broken)
    _, out, _ = run("lint", ".", "--format", "markdown")
    assert 0.9 * COMMENT_LIMIT < len(out.encode()) <= COMMENT_LIMIT
    assert out.startswith("## efipolicy: 440 errors, 40 warnings in 40 inputs\n")
    shown = len(re.findall(r"(?m)^\| (?:\*\*error\*\*|warning) \|", out))
    assert f"Left out: {480 - shown} findings, 480 explanations, 40 input lines" in out
    assert "| warning |" not in out
