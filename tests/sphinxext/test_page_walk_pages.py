"""``efi:page-walk``, ``efi:findings`` and ``efi:extension`` on a page."""

from __future__ import annotations

import re

import pytest

from efipolicy.sphinxext.domain_names import KINDS
from efipolicy.sphinxext.extension_pages import option_told, told_of
from tests.conftest import MINIMAL
from tests.sphinxext.conftest import Build


def page_of(done) -> str:
    return (done.out / "index.html").read_text(encoding="utf-8")


def test_every_walk_of_a_physical_address_is_drawn_with_its_table(build: Build):
    done = build(
        ".. efi:page-walk:: ovmf-x86_64\n   :strategy: x86-topdown\n   :address: 0x7f5e_c123"
    )
    assert done.warnings == ""
    page = page_of(done)
    assert page.count('class="ep-fig"') == 2
    assert "Page walk of 0xffff_fffe_ff1e_c123" in page
    assert "Page walk of 0x7f5e_c123" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert len(list((done.out / "_images").glob("walk-ovmf-x86-64-*.svg"))) == 2


def test_walks_by_different_options_have_pictures_of_their_own(build: Build):
    walk = ".. efi:page-walk:: ovmf-x86_64\n   :strategy: x86-topdown\n   :address: 0x7f5ec123\n"
    done = build(f"{walk}\n{walk}   :option: gbpages=false\n")
    assert done.warnings == ""
    ids = re.findall(r'\bid="([^"]+)"', page_of(done))
    assert len(ids) == len(set(ids))
    assert len(list((done.out / "_images").glob("walk-ovmf-x86-64-*.svg"))) == 4


def test_a_text_builder_has_the_entries_and_the_end(build: Build):
    done = build(
        ".. efi:page-walk:: hp-rx8620-ia64\n"
        "   :strategy: ia64-region67\n"
        "   :address: 0xe0000040ff556010",
        builder="text",
    )
    text = (done.out / "index.txt").read_text(encoding="utf-8")
    assert "physical 0x0040_ff55_6010: read, write," in text


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("ovmf-x86_64", ":address: found `nothing`, expected one such as 0x7f5e_c000"),
        ("ovmf-x86_64\n   :address: here", ":address: found `here`"),
        ("ovmf-x86_64\n   :address: 0x10000000000000000", "expected one such as 0x7f5e_c000"),
        ("ovmf-x86_64\n   :address: -1", "expected one such as 0x7f5e_c000"),
        ("nowhere.yaml\n   :address: 0", "neither a file nor a reference platform"),
        ("ovmf-x86_64\n   :address: 0\n   :strategy: nope", "unknown strategy `nope`"),
        (
            "empty.yaml\n   :address: 0x1000\n   :strategy: identity",
            "identity maps nothing of minimal at 0x1000, and nothing is walked there",
        ),
    ],
)
def test_what_cannot_be_walked_is_told_with_its_place(build: Build, lines: str, words: str):
    done = build(f".. efi:page-walk:: {lines}", empty_yaml=MINIMAL)
    assert words in done.warnings
    assert "index.rst:4" in done.warnings


def test_findings_are_a_table_with_place_and_remedy(build: Build):
    page = page_of(build(".. efi:findings:: broken-x86_64"))
    rows = re.findall(r"<tr.*?</tr>", page, re.DOTALL)
    row = next(row for row in rows if "uefi/zero-pages" in row)
    assert "mem8" in row
    assert "Drop the entry." in row
    severities = re.findall(r"ep-c-(error|warning|info)", page)
    assert len(severities) > 5
    order = ["error", "warning", "info"]
    assert [order.index(one) for one in severities] == sorted(map(order.index, severities))


def test_where_nothing_is_found_what_was_checked_is_still_told(build: Build):
    page = page_of(build(".. efi:findings:: small.yaml", small_yaml=MINIMAL))
    assert "<table" not in page
    assert re.search(r"\d+ rules: \d+ passed, 0 failed, \d+ not checked", page)


def test_every_directive_says_how_it_is_written_and_every_option_what_it_does(build: Build):
    done = build(".. efi:extension:: directives")
    assert done.warnings == ""
    page = page_of(done)
    directives = done.app.env.get_domain("efi").directives
    assert len(directives) > 30
    for name, directive in directives.items():
        signature, *_ = told_of(directive, name)
        assert signature.startswith(f".. efi:{name}::")
        assert f'id="directive-efi-{name}"' in page
        for option in directive.option_spec or {}:
            assert option_told(directive, option)


def test_roles_and_settings_are_those_that_are_registered(build: Build):
    done = build(".. efi:extension:: roles\n\n.. efi:extension:: settings")
    page = page_of(done)
    roles = set(re.findall(r":efi:(\w+):", page))
    assert roles == {*KINDS, "attr"} - {"attribute"}
    assert roles <= set(done.app.env.get_domain("efi").roles)
    settings = {name for name in done.app.config.values if name.startswith("efipolicy_")}
    assert settings
    assert settings <= set(re.findall(r"efipolicy_\w+", page))


def test_a_part_that_there_is_not_is_told(build: Build):
    done = build(".. efi:extension:: words")
    assert "`words` is none of directives, roles, settings" in done.warnings
