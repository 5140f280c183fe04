"""The report as a page: whole, valid, inert, and complete."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings

from efipolicy.drawing.tokens import BASE, SEVERITIES, contrast
from efipolicy.model.finding import Report
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.html_text import link, prose, source_lines
from efipolicy.reporters.lint_html import render_html
from efipolicy.reporters.lint_notes import one_line
from tests.conftest import MINIMAL, PLATFORMS, ROOT, Run
from tests.reporters.reports import HOSTILE, reports

VOID = {"meta"}
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "main", "section", "article", "footer",
    "h1", "h2", "h3", "p", "a", "code", "pre", "span", "strong", "dl", "dt", "dd", "ul", "li",
    "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "details", "summary",
    "svg", "path", "rect", "circle", "g", "text", "tspan", "desc", "defs", "pattern", "line", "use",
}  # fmt: skip


class Page(HTMLParser):
    """A page read as strictly as HTML5 can be without its own parser."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.hrefs: list[str] = []
        self.tags: Counter[str] = Counter()
        self.articles: list[str] = []
        self.headings: list[tuple[str, str]] = []
        self.pre: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert len(given) == len(attrs), f"an attribute twice in {self.get_starttag_text()}"
        assert tag in ALLOWED, self.get_starttag_text()
        assert not any(name.startswith("on") or name in {"src", "style"} for name in given)
        self.tags[tag] += 1
        if tag not in VOID:
            self._open.append(tag)
        if (name := given.get("id")) is not None:
            assert name
            assert not re.search(r"\s", name)
            self.ids.append(name)
        if tag == "a":
            self.hrefs.append(given.get("href") or "")
        else:
            assert "href" not in given or (given["href"] or "").startswith("#")
        if tag == "article":
            self.articles.append(given["id"] or "")
        if tag in {"h1", "h2", "h3"}:
            self.headings.append((tag, ""))
        if tag == "pre":
            self.pre.append("")
        if tag == "p":
            assert "p" not in self._open[:-1]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self._open
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            assert not re.search(r"@import|url\((?!#)|expression|</", data)
            return
        self.text += data
        if self._open and "svg" not in self._open:
            for tag in ("h1", "h2", "h3"):
                if tag in self._open:
                    self.headings[-1] = (tag, self.headings[-1][1] + data)
        if "pre" in self._open:
            self.pre[-1] += data


def page_of(report: Report, **options: bool) -> Page:
    return Page(render_html(report, RenderOptions(**options)))


def check(page: Page) -> None:
    """What holds for every page."""
    twice = [name for name, count in Counter(page.ids).items() if count > 1]
    assert twice == []
    for href in page.hrefs:
        assert href.startswith(("#", "https://")), href
        if href.startswith("#"):
            assert href[1:] in page.ids
    levels = [int(tag[1]) for tag, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.tags["table"] == page.tags["caption"] == page.tags["thead"]
    assert page.tags["title"] >= page.tags["main"] == 1


@settings(max_examples=60)
@given(reports())
def test_a_page_has_every_finding_and_every_error_once(report: Report) -> None:
    page = page_of(report)
    check(page)
    told = [name for name in page.articles if name.startswith("f-")]
    assert sorted(told) == sorted(f"f-{number}" for number in range(1, len(report.findings) + 1))
    assert sum(name.startswith("e-") for name in page.articles) == len(report.errors)
    titles = [text for tag, text in page.headings if tag == "h3"]
    expected = Counter(
        f"{item.severity.value}: {one_line(item.finding.message)}".replace("`", "")
        for item in report.findings
    )
    assert not expected - Counter(text.replace("`", "") for text in titles)
    linted = sum(1 for item in report.inputs if item.platform)
    drawn = sum(bool(i.platform and i.platform.memory_map.descriptors) for i in report.inputs)
    assert sum(bool(re.fullmatch(r"i-\d+", name)) for name in page.ids) == linted
    assert sum(bool(re.fullmatch(r"mm-\d+", name)) for name in page.ids) == drawn


@settings(max_examples=30)
@given(reports())
def test_a_page_that_is_to_be_short_is_whole_too(report: Report) -> None:
    check(page_of(report, quiet=True))
    check(page_of(report, statistics=True))
    check(page_of(report, statistics=True, quiet=True))


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_an_input_is_text(text: str) -> None:
    page = Page(f"<p>{prose(text)}</p>")
    assert set(page.tags) <= {"p", "code"}
    assert page.text.replace("`", "") == one_line(text).replace("`", "")


@pytest.mark.parametrize("uri", ["javascript:alert(1)", "", "//evil.example", 'https://"><b>" '])
def test_what_is_no_address_of_the_web_is_not_linked_to(uri: str) -> None:
    assert link("a", uri) == "<code>a</code>"


def test_lines_keep_their_underlines_and_nothing_else_of_a_terminal() -> None:
    shown = source_lines(["\x1b[1;34m1\x1b[0m | <b>", "  | \x1b[1;31m^^^ <i>\x1b[0m"], "x")
    assert '<span class="aside">1</span> | &lt;b&gt;' in shown
    assert '<span class="here">^^^ &lt;i&gt;</span>' in shown
    assert "\x1b" not in shown


def said(text: str, name: str) -> str:
    """The heading of an article."""
    return text.partition(f'id="{name}"')[2].partition("</h3>")[0]


@pytest.fixture
def files(folder: Path) -> Path:
    (folder / "broken.yaml").write_text((PLATFORMS / "broken-x86_64.yaml").read_text())
    (folder / "minimal.yaml").write_text(MINIMAL)
    (folder / "wrong.yaml").write_text(MINIMAL.replace("pages", "pagess"))
    return folder


def test_a_finding_shows_its_line_with_a_caret_and_leads_to_its_rule(files: Path, run: Run) -> None:
    status, out, _ = run("lint", "broken.yaml", "--format", "html")
    assert status == 1
    page = Page(out)
    check(page)
    assert len(page.articles) == 12
    line = next(lines for lines in page.pre if "0xfed1_c180" in lines).split("\n")
    assert line[0].startswith("32 |     - {type: EfiMemoryMappedIO")
    at = line[0].index("0xfed1_c180")
    assert line[1] == f"   |{' ' * (at - 4)}{'^' * 11}"
    assert any(href.endswith("/rules/uefi/misaligned-physical-start.html") for href in page.hrefs)
    assert "UEFI-MAP-001 (UEFI 2.10" in page.text
    at_zero_pages = next(name for name in page.articles if "no pages" in said(out, name))
    # The pill in the picture leads to it, and the row in the table of descriptors.
    assert page.hrefs.count(f"#{at_zero_pages}") == 2


def test_what_could_not_be_read_is_told_first(files: Path, run: Run) -> None:
    status, out, _ = run("lint", "wrong.yaml", "missing.yaml", "minimal.yaml", "--format", "html")
    assert status == 3
    page = Page(out)
    check(page)
    heads = [text for _, text in page.headings]
    assert heads[0] == (
        "nothing found in 1 input, but not everything was checked; 2 inputs could not be read"
    )
    assert heads[1] == "Not read or not judged"
    assert any("pagess" in lines and "^^^" in lines for lines in page.pre)
    assert page.text.count("missing.yaml: not read") == 1


def test_clean_needs_all_checks(files: Path, run: Run) -> None:
    status, out, _ = run("lint", "minimal.yaml", "--select", "uefi/zero-pages", "--format", "html")
    assert status == 0
    assert Page(out).headings[0] == ("h1", "clean: nothing found in 1 input")
    _, out, _ = run("lint", "minimal.yaml", "--format", "html")
    assert Page(out).headings[0][1].startswith("nothing found in 1 input, but not everything")


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "captures").glob("*.txt")), ids=str)
def test_the_page_of_a_real_capture_is_whole(path: Path, run: Run) -> None:
    _, out, err = run("lint", path, "--format", "html")
    assert err == ""
    check(Page(out))


def test_many_inputs_share_no_id_and_stay_within_60_kilobytes_each(files: Path, run: Run) -> None:
    captures = [str(ROOT / "tests" / "captures"), "broken.yaml"]
    _, out, _ = run("lint", *captures, "--format", "html")
    page = Page(out)
    check(page)
    inputs = sum(bool(re.fullmatch(r"i-\d+", name)) for name in page.ids)
    assert inputs > 30
    assert len(out) < 60_000 * inputs


@pytest.mark.parametrize("theme", [0, 1])
def test_ink_on_the_ground_of_source_lines_can_be_read(theme: int) -> None:
    ground = BASE["faint"][theme]
    inks = [
        BASE["ink"],
        BASE["mut"],
        *(SEVERITIES[name][0] for name in ("error", "warning", "info")),
    ]
    for ink in inks:
        assert contrast(ink[theme], ground) >= 4.5
