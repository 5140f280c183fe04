"""Pages as Chromium shows them: for every reader, at every width, by keyboard, on paper."""

from __future__ import annotations

import io
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from tests.browser.site import build, write_sources

PAGES = (
    "platforms/ovmf-x86_64.html",
    "platforms/broken-x86_64.html",
    "rules/uefi/overlapping-descriptors.html",
    "rules/arm64/mixed-cacheability-in-64k-page.html",
    "strategies/x86-topdown.html",
    "architectures/arm64.html",
    "crowd.html",
    "words.html",
    "chains.html",
    "types.html",
    "index.html",
)
WIDTHS = (390, 736, 1100, 1120, 1320, 1350, 1440, 1920)


def without_scripts(route) -> None:
    """Serve a page as a browser has it that runs no scripts."""
    text = Path(unquote(urlsplit(route.request.url).path)).read_text(encoding="utf-8")
    route.fulfill(body=re.sub(r"(?s)<script.*?</script>", "", text), content_type="text/html")


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_violation(site, open_page, axe, name, theme, scripts):
    """axe-core is a script itself, so without scripts it gets a page that has none of its own."""
    page = open_page("about:blank", theme=theme)
    if not scripts:
        page.route(re.compile(r"\.html$"), without_scripts)
    page.goto(site.uri(name))
    page.evaluate(axe)
    found = page.evaluate("axe.run('article', { resultTypes: ['violations'] })")
    told = [
        f"{violation['id']}: {node['html'][:160]}: {node['failureSummary'][:200]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
    assert told == []


def test_no_page_scrolls_sideways(site, open_page, scripts):
    page = open_page("about:blank", scripts=scripts)
    wide = []
    for name in PAGES:
        page.goto(site.uri(name))
        page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            shown = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            if shown[0] != shown[1]:
                wide.append(f"{name} is {shown[0]} wide in {shown[1]}")
    assert wide == []


def test_every_link_leads_somewhere(site):
    anchors = {page: set(site.read(page).ids) for page in [*site.pages, *site.files]}
    dead = set()
    for page in anchors:
        for href in site.read(page).hrefs:
            address, fragment = urldefrag(href)
            if re.match(r"[a-z]+:", href):
                continue
            target = (page.parent / unquote(address)).resolve() if address else page
            if not target.is_file():
                dead.add(f"{page.relative_to(site.folder)}: {href}: no such page")
            elif fragment and target in anchors and unquote(fragment) not in anchors[target]:
                dead.add(f"{page.relative_to(site.folder)}: {href}: no such place")
    assert sorted(dead) == []


def test_ids_are_said_once_on_a_page(site):
    twice = []
    for page in site.pages:
        counts = Counter(site.read(page).ids)
        twice += [f"{page.relative_to(site.folder)}: {one}" for one in counts if counts[one] > 1]
    assert twice == []


@pytest.mark.parametrize("name", ["platforms/broken-x86_64.html", "crowd.html"])
def test_rows_of_a_map_and_of_its_table_lead_to_each_other(site, open_page, name):
    page = open_page(site.uri(name))
    found = page.evaluate(
        """() => {
          const svg = document.querySelector("svg[id^='mm-']"), wrong = [];
          const rows = [...svg.querySelectorAll("a[id][href^='#']")];
          for (const row of rows)
            if (!document.querySelector(`tr${CSS.escape ? row.getAttribute("href") : ""}`))
              wrong.push(row.id);
          const back = [...document.querySelectorAll("table.ep-data a[href^='#mm-']")];
          for (const link of back)
            if (!svg.querySelector(link.getAttribute("href"))) wrong.push(link.outerHTML);
          return { wrong, rows: rows.length, back: back.length,
                   body: document.querySelectorAll("table.ep-data tbody tr[id^='d-']").length };
        }"""
    )
    assert found["wrong"] == []
    assert found["rows"] > 5
    assert found["back"] == found["body"] > 5


def test_a_link_to_a_folded_row_opens_it(site, open_page):
    page = open_page(site.uri("crowd.html"))
    row = page.locator("table.ep-data tr").last
    assert not row.is_visible()
    page.goto(f"{site.uri('crowd.html')}#{row.get_attribute('id')}")
    assert row.is_visible()


def test_tab_goes_through_findings_only_and_enter_opens_the_rule(site, open_page, theme, scripts):
    from PIL import Image, ImageChops

    uri = site.uri("platforms/broken-x86_64.html")
    page = open_page(uri, theme=theme, scripts=scripts, height=2600)
    box = page.locator("div.ep-figure:has(svg[id^='mm-'])")
    pills = box.locator("a:not([tabindex='-1'])").count()
    assert pills > 3
    box.focus()
    leads = []
    for _ in range(pills):
        page.keyboard.press("Tab")
        told = page.evaluate(
            """() => {
              const at = document.activeElement, box = at.getBoundingClientRect();
              const frame = at.closest(".ep-figure")?.getBoundingClientRect();
              return { href: at.getAttribute("href"), title: at.querySelector("title")?.textContent,
                       inside: !!frame && box.left - 3 >= frame.left && box.right + 3 <= frame.right
                               && box.top - 3 >= frame.top && box.bottom + 3 <= frame.bottom,
                       style: getComputedStyle(at).outlineStyle,
                       clip: { x: box.x - 5, y: box.y - 5,
                               width: box.width + 10, height: box.height + 10 } };
            }"""
        )
        assert re.match(r"(error|warning|info|\+\d|\d+ more|another)", told["title"] or ""), told
        assert told["inside"], told
        assert told["style"] == "solid", told
        leads.append(told["href"])
    ringed = Image.open(io.BytesIO(page.screenshot(clip=told["clip"]))).convert("RGB")
    page.evaluate("document.activeElement.blur()")
    bare = Image.open(io.BytesIO(page.screenshot(clip=told["clip"]))).convert("RGB")
    changed = (
        ImageChops.difference(ringed, bare).convert("L").point(lambda level: 255 * (level > 40))
    )
    left, top, right, bottom = changed.getbbox()
    assert right - left >= told["clip"]["width"] - 6
    assert bottom - top >= told["clip"]["height"] - 6
    sides = [
        changed.crop((left, top, right, top + 2)),
        changed.crop((left, bottom - 2, right, bottom)),
        changed.crop((left, top, left + 2, bottom)),
        changed.crop((right - 2, top, right, bottom)),
    ]
    for side in sides:
        assert side.histogram()[255] >= 0.6 * side.width * side.height
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('svg[id^=\"mm-\"]')") is None
    box.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/rules/.*\.html$"))
    assert all(href and (href.startswith("#") or "rules/" in href) for href in leads)


@pytest.mark.parametrize("name", ["platforms/broken-x86_64.html", "crowd.html", "chains.html"])
def test_paper_has_the_pictures_in_light_colours_and_their_texts(site, open_page, name):
    from pypdf import PdfReader

    page = open_page(site.uri(name), theme="dark")
    texts = page.evaluate(
        "[...document.querySelectorAll('svg.ep-fig')]"
        ".filter(s => !s.closest('details:not([open])'))"
        ".map(s => [...s.querySelectorAll('text')].map(t => t.textContent)"
        ".filter(t => t.match(/^0x[0-9a-f_]+$/)))"
    )
    reader = PdfReader(io.BytesIO(page.pdf(format="A4")))
    printed = re.sub(r"\s", "", "".join(leaf.extract_text() for leaf in reader.pages))
    for addresses in texts:
        assert not addresses or any(address in printed for address in addresses)
    page.emulate_media(media="print", color_scheme="dark")
    ink = "getComputedStyle(document.querySelector('svg.ep-fig text.ep-h')).fill"
    assert page.evaluate(ink) == "rgb(27, 31, 36)"


def test_printed_pictures_have_hatching_and_no_black_box(site, open_page):
    from PIL import Image

    page = open_page(site.uri("platforms/broken-x86_64.html"), theme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    for picture in page.locator("svg.ep-fig:visible").all():
        image = Image.open(io.BytesIO(picture.screenshot())).convert("L")
        dark = sum(image.histogram()[:40]) / (image.width * image.height)
        assert dark < 0.1
    band = page.locator("svg[id^='mm-'] rect[fill^='url(#']").first
    levels = Image.open(io.BytesIO(band.screenshot())).convert("L").getextrema()
    assert levels[1] - levels[0] > 30


def test_pages_are_the_same_bytes_whatever_the_order_of_hashes(tmp_path):
    without = ("_pages",)
    made = []
    for seed in ("1", "4711"):
        source = write_sources(tmp_path / f"source{seed}", drop=without)
        (source / "types.rst").unlink()
        (source / "index.rst").write_text("Index\n=====\n\n.. toctree::\n   :glob:\n\n   *\n")
        build(source, tmp_path / f"html{seed}", seed=seed)
        folder = tmp_path / f"html{seed}"
        files = (path for path in folder.rglob("*") if path.suffix in (".html", ".svg", ".css"))
        made.append({path.relative_to(folder): path.read_bytes() for path in files})
    assert len(made[0]) > 10
    assert made[0] == made[1]
