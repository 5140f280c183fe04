"""Colours can be told apart and read."""

import pytest

from efipolicy.drawing.stylesheet import (
    CLASSES,
    PATTERN_CLASSES,
    page_stylesheet,
    standalone_stylesheet,
)
from efipolicy.drawing.tokens import BASE, FAMILIES, SEVERITIES, STRONG, contrast, tokens

EVERYTHING = "".join(f'<a class="ep-{name}"/>' for name in (*CLASSES, *PATTERN_CLASSES))
"""A picture with an element of each class, and with links."""

THEMES = pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])


def test_contrast_is_that_of_wcag():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@THEMES
@pytest.mark.parametrize("name", ["ink", "mut", "link"])
def test_text_can_be_read_on_the_page(name, theme):
    assert contrast(BASE[name][theme], BASE["bg"][theme]) >= 4.5
    assert contrast(BASE[name][theme], BASE["hov"][theme]) >= 4.5


@THEMES
@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_severity_can_be_read_and_so_can_its_sign(severity, theme):
    colour, sign = SEVERITIES[severity]
    assert contrast(colour[theme], BASE["bg"][theme]) >= 4.5
    assert contrast(colour[theme], BASE["hov"][theme]) >= 4.5
    assert contrast(sign[theme], colour[theme]) >= 4.5


@THEMES
@pytest.mark.parametrize("family", FAMILIES)
def test_a_band_has_an_outline_and_takes_text(family, theme):
    fill, outline = FAMILIES[family]
    assert contrast(outline[theme], BASE["bg"][theme]) >= 3
    text = BASE["on-strong" if family in STRONG else "ink"]
    if family not in ("pmem",):  # nothing is ever written on it
        assert contrast(text[theme], fill[theme]) >= 4.5


@pytest.mark.parametrize("text", [page_stylesheet(), standalone_stylesheet(EVERYTHING)])
def test_a_stylesheet_has_every_colour_it_uses_and_stays_small(text):
    for name in tokens():
        assert text.count(f"--ep-{name}:") >= 2
    used = {part.split(")")[0] for part in text.split("var(--ep-")[1:]}
    assert used <= set(tokens())
    assert len(text) < 12_000


def test_the_switch_on_the_page_wins_over_the_system():
    text = page_stylesheet()
    assert 'body[data-theme="dark"]' in text
    assert 'body:not([data-theme="light"])' in text
    assert text.index("body{") < text.index("@media not print")


def test_a_picture_of_its_own_carries_only_the_rules_it_needs():
    text = standalone_stylesheet('<rect class="ep-rtd ep-rib"/><path class="ep-break"/>')
    assert ".ep-rtd{" in text
    assert ".ep-fig{font-family" in text
    assert "--ep-rtd-s:" in text
    assert ".ep-fig g:hover>.ep-rib{" in text
    assert ".ep-fig .ep-break{fill:none}" in text.replace(",.ep-fig .ep-axis", "")
    for absent in (".ep-rtc", "--ep-nvs", "a:hover", "a:focus", ".ep-axis"):
        assert absent not in text
    assert text.count("{") == text.count("}")
    linked = standalone_stylesheet('<a href="#d"><rect class="ep-hit"/></a>')
    assert ".ep-fig a:hover>.ep-hit" in linked
