"""Pictures as Chromium shows them: texts, colours, hovering, what is drawn, and how large it is."""

from __future__ import annotations

import io
import re
from itertools import combinations
from math import dist
from pathlib import Path

import pytest

from efipolicy.drawing.memory_map import describe_memory_map, memory_map_svg
from efipolicy.drawing.stylesheet import page_stylesheet
from efipolicy.drawing.tokens import FAMILIES, tokens
from efipolicy.sphinxext.installed import report_on, shipped_platforms
from tests.browser.site import CROWD
from tests.drawing.maps import MALFORMED, WIDE

HERE = Path(__file__).parent
TEXTS, FACTS = (
    (HERE / name).read_text(encoding="utf-8").partition("() =>")
    for name in ("texts.js", "facts.js")
)
TEXTS, FACTS = "".join(TEXTS[1:]), "".join(FACTS[1:])

RUNTIME_CODE = {"light": "rgb(29, 102, 176)", "dark": "rgb(79, 160, 240)"}
BUDGETS = {"mm": 60, "mp": 20, "mo": 20, "pt": 30, "bits": 15, "crowd": 130}
"""Thousands of bytes of an inline picture, by the start of its id; those of a map of 500
descriptors. For what real machines need see ``tests/drawing/test_budgets.py``.
"""

TOO_LARGE = {
    # 500 made-up descriptors; 20 of them runtime, few beside another in both columns.
    "mp-crowd-": 60,
    "mo-crowd-": 60,
    # Twenty attributes of an entry, each with a link that repeats the long name of the picture.
    "bits-arm64-": 15.3,
}
"""What cannot keep its budget, by the start of its id, and what it has instead."""


def test_no_text_leaves_its_picture_or_meets_another_on_a_page(site, open_page, scripts):
    page = open_page("about:blank", scripts=scripts)
    drawn, wrong = 0, []
    for path in site.pages_with_pictures:
        page.goto(path.as_uri())
        found = page.evaluate(TEXTS)
        drawn += found["pictures"]
        wrong += found["wrong"]
    assert wrong == []
    assert drawn == len(site.inline)


def test_no_text_leaves_its_picture_or_meets_another_in_a_file(site, open_page):
    page = open_page("about:blank")
    wrong = []
    for path in site.files:
        page.goto(path.as_uri())
        wrong += page.evaluate(TEXTS)["wrong"]
    assert wrong == []
    assert site.files


@pytest.mark.parametrize("switch", ["auto", "light", "dark"])
def test_the_theme_of_the_system_counts_unless_the_page_is_switched(
    site, open_page, theme, switch, scripts
):
    page = open_page(site.uri("platforms/ovmf-x86_64.html"), theme=theme, scripts=scripts)
    if switch != "auto":
        page.evaluate("theme => { document.body.dataset.theme = theme }", switch)
    expected = theme if switch == "auto" else switch
    fill = "getComputedStyle(document.querySelector('a rect.ep-rtc')).fill"
    assert page.evaluate(fill) == RUNTIME_CODE[expected]
    assert page.evaluate("getComputedStyle(document.body).colorScheme") in ("normal", expected)


def test_every_colour_of_the_page_is_that_of_the_table(site, open_page, theme):
    page = open_page(site.uri("platforms/ovmf-x86_64.html"), theme=theme)
    read = "names => names.map(n => getComputedStyle(document.body).getPropertyValue('--ep-' + n))"
    names = list(tokens())
    shown = page.evaluate(read, names)
    assert shown == [getattr(tokens()[name], theme) for name in names]
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    expected = tokens()["bg"]
    red, green, blue = (int(part) for part in re.findall(r"\d+", background)[:3])
    assert f"#{red:02x}{green:02x}{blue:02x}" == getattr(expected, theme)


def test_a_pointer_on_any_shape_shows_the_exact_fact(site, open_page):
    page = open_page("about:blank")
    told, bare = 0, []
    for path in site.pages_with_pictures:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(path.as_uri())
        page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": 1440, "height": height})
        found = page.evaluate(FACTS)
        told += found["told"]
        bare += found["bare"]
    assert bare == []
    assert told > 1000


def test_runtime_regions_can_be_counted_without_colours(site, open_page):
    """Only their bands reach left of the others: dark runs in that column, seen in grey."""
    from PIL import Image

    page = open_page(site.uri("crowd.html"))
    picture = page.locator("svg#mm-crowd")
    top, bottom = page.evaluate(
        "() => { const s = document.querySelector('svg#mm-crowd');"
        " s.style.minWidth = s.style.maxWidth = '760px';"
        " const rows = [...s.querySelectorAll('.ep-hit')].map(r => r.getBBox());"
        " return [rows[0].y, rows.at(-1).y + rows.at(-1).height] }"
    )
    image = Image.open(io.BytesIO(picture.screenshot())).convert("L")
    assert image.width == 760
    column = [image.getpixel((155, y)) for y in range(int(top), int(bottom))]
    dark = "".join("#" if level < 200 else " " for level in column)
    runs = len(re.findall("#{6,}", dark))  # a boundary is a line of a pixel or two
    assert runs == len(CROWD.runtime) == 20


def test_a_picture_of_500_descriptors_is_no_tower():
    svg = memory_map_svg(CROWD, figure_id="mm", title="crowd")
    height = float(re.search(r'viewBox="0 0 760 ([\d.]+)"', svg)[1])
    assert height <= 2200
    rows = describe_memory_map(CROWD)
    alone = {row.descriptors[0].index for row in rows if row.kind == "region"}
    assert {row.index for row in CROWD.runtime} <= alone


def drawn_maps():
    """The map of 500 descriptors, those that tests draw, and the reference platforms."""
    maps = {"crowd": CROWD, "malformed": MALFORMED, "wide": WIDE}
    for name, path in shipped_platforms().items():
        maps[name] = report_on(path, "recommended").inputs[0].platform.memory_map
    return maps


@pytest.mark.parametrize("name", sorted(drawn_maps()))
def test_every_descriptor_is_drawn_once_and_the_sizes_add_up(name):
    memory_map = drawn_maps()[name]
    rows = describe_memory_map(memory_map)
    drawn = sorted(one.index for row in rows if row.kind != "overlap" for one in row.descriptors)
    expected = sorted(one.index for one in memory_map.descriptors)
    assert drawn == expected
    sign = {"region": 1, "run": 1, "hole": 1, "overlap": -1}
    total = sum(sign.get(row.kind, 0) * row.size + row.gaps for row in rows)
    start = min(one.physical_start for one in memory_map.descriptors)
    end = max(min(one.physical.end, 1 << 64) for one in memory_map.descriptors)
    assert total == end - start


def test_pictures_keep_their_budgets(site):
    heavy = []
    for page, picture in site.inline:
        name = re.search(r' id="([^"]+)"', picture)[1]
        kind, size = name.partition("-")[0], len(picture.encode())
        kind = "crowd" if name == "mm-crowd" else kind
        larger = (most for start, most in TOO_LARGE.items() if name.startswith(start))
        if kind in BUDGETS and size > next(larger, BUDGETS[kind]) * 1000:
            heavy.append(f"{page.relative_to(site.folder)}: {name} has {size} bytes")
    assert heavy == []
    assert len(page_stylesheet().encode()) <= 12_000


def test_colours_can_be_told_apart_however_they_are_seen():
    """Owners of memory are six apart, permissions 23, for every way of seeing but in greys."""
    owners = [name for name in FAMILIES if name not in ("ro", "rwx")]
    close = []
    for theme in ("light", "dark"):
        for kind, matrix in SEEN.items():
            seen = {name: lab(getattr(pair[0], theme), matrix) for name, pair in FAMILIES.items()}
            for one, other in combinations(owners, 2):
                apart = dist(seen[one], seen[other])
                if round(apart, 1) < 6:
                    close.append(f"{theme}, {kind}: {one} and {other}: {apart:.1f}")
            permissions = [seen[name] for name in ("rtc", "rtd", "ro", "rwx")]
            for first, second in combinations(permissions, 2):
                apart = dist(first, second)
                assert apart >= 23, (theme, kind, apart)
    assert close == []


SEEN = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
"""Linear sRGB as it is seen at full severity (Machado, Oliveira, Fernandes 2009, table 1)."""


def lab(colour: str, matrix) -> tuple[float, float, float]:
    """CIE L*a*b* (D65) of ``#rrggbb`` after a matrix over linear sRGB."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    red, green, blue = (
        min(1, max(0, sum(a * b for a, b in zip(row, linear, strict=True)))) for row in matrix
    )
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (c ** (1 / 3) if c > 0.008856 else 7.787 * c + 16 / 116 for c in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)
