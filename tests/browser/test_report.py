"""The page that ``lint --format html`` writes, as Chromium shows it."""

from __future__ import annotations

import io
from unicodedata import normalize

import pytest

from efipolicy.cli import main
from tests.conftest import PLATFORMS, ROOT
from tests.reporters.reports import HOSTILE

WIDTHS = (390, 736, 1100, 1440)
CAPTURES = ("03-huawei-d05-linux-arm64", "07-hp-rx8620-ia64-efishell-v1", "49-memattr-rwx-warnings")


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    """A page with errors, accepted findings, captures of three architectures and hostile names."""
    folder = tmp_path_factory.mktemp("report")
    broken = (PLATFORMS / "broken-x86_64.yaml").read_text()
    accepted = f"\naccept:\n  - {{rule: uefi/zero-pages, at: 0x700e0000, reason: {HOSTILE[0]!r}}}\n"
    (folder / "<img src=x onerror=alert(1)>.yaml").write_text(broken + accepted)
    (folder / "wrong.yaml").write_text("efipolicy: 1\n<script>alert(1)</script>: 2\n")
    captures = [ROOT / "tests" / "captures" / f"{name}.txt" for name in CAPTURES]
    page = folder / "report.html"
    inputs = [*sorted(folder.glob("*.yaml")), *captures]
    assert (
        main(["lint", *map(str, inputs), "--format", f"html={page}", "--today", "2026-01-01"]) == 3
    )
    return page.as_uri()


def test_axe_finds_no_violation(report, open_page, axe, theme):
    page = open_page(report, theme=theme)
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    page.evaluate(axe)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    told = [
        f"{violation['id']}: {node['html'][:160]}: {node['failureSummary'][:200]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
    assert told == []


def test_nothing_is_loaded_and_nothing_runs(report, open_page):
    page = open_page("about:blank")
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(report)
    assert asked == [report]
    assert said == []
    assert page.evaluate("document.scripts.length") == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_does_not_scroll_sideways(report, open_page, width):
    page = open_page(report, width=width, scripts=False)
    for fold in page.locator("details").all():
        fold.evaluate("fold => { fold.open = true }")
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [width] * 2


def test_a_pill_leads_to_its_finding_even_where_that_is_folded(report, open_page):
    page = open_page(report, scripts=False)
    pill = page.locator("svg.ep-fig a[href^='#f-']:has(.ep-accepted)").first
    finding = page.locator(pill.get_attribute("href"))
    assert not finding.is_visible()
    pill.focus()
    page.keyboard.press("Enter")
    finding.wait_for(state="visible")


def test_paper_has_light_colours_and_what_is_folded(report, open_page):
    from pypdf import PdfReader

    page = open_page(report, theme="dark")
    leaves = PdfReader(io.BytesIO(page.pdf(format="A4"))).pages
    text = normalize("NFKC", "".join("".join(leaf.extract_text() for leaf in leaves).split()))
    assert "EfiConventionalMemoryat0x700e0000hasnopages" in text
    assert "RUNTIMEUCWCWTWB" in text
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 36)"


def test_the_page_follows_the_theme(report, open_page, theme):
    page = open_page(report, theme=theme)
    ground = {"light": "rgb(255, 255, 255)", "dark": "rgb(19, 20, 22)"}[theme]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
