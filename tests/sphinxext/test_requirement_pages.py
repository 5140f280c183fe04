"""The page of requirements."""

from __future__ import annotations

from tests.sphinxext.conftest import Build


def test_every_requirement_has_a_row_that_links_to_its_rules(build: Build) -> None:
    built = build(
        ".. efi:requirements::\n\n.. toctree::\n\n   rule",
        **{"rule.rst": "Rule\n====\n\n.. efi:rule:: uefi/zero-pages\n"},
    )
    page = (built.out / "index.html").read_text(encoding="utf-8")
    assert 'id="requirement-uefi-map-003"' in page
    assert 'href="rule.html"' in page
    assert page.count('id="requirement-') >= 167
    assert "not checkable: No plugin for loongarch64 is built in." in page
    told = {
        line for line in built.warnings.splitlines() if "reference target not found" not in line
    }
    assert told == set()
