"""The pages of rules: pictures of larger pages, folded diagnostics, what a rule needs."""

import re

import pytest

from efipolicy.plugin.registry import Registry
from efipolicy.sphinxext import installed
from efipolicy.sphinxext.diagnostics import folded
from efipolicy.sphinxext.larger_pages import larger_page_of
from efipolicy.sphinxext.rule_pages import SUBJECTS
from tests.sphinxext.conftest import Build
from tests.sphinxext.test_pages import page


def test_a_rule_is_about_larger_pages_when_moving_memory_within_one_changes_its_verdict():
    rules = installed.registry().rules
    about = {id: larger_page_of(rule) for id, rule in rules.items()}
    cited = {code for id, size in about.items() if size for code in rules[id].requirements}
    assert cited == {"ARM64-001", "ARM64-002", "ARM64-003"}
    assert set(filter(None, about.values())) == {0x10000}
    for id in ("mixed-cacheability", "differing-cacheability"):
        assert about[f"arm64/{id}-in-64k-page"]


def test_rules_about_larger_pages_show_a_failing_and_a_passing_page(pages):
    text = page(pages, "rules/arm64/mixed-cacheability-in-64k-page")
    assert "What arm64/mixed-cacheability-in-64k-page finds" in text
    assert "What arm64/mixed-cacheability-in-64k-page lets pass" in text
    assert text.index("none fits") < text.index("Why it matters")
    other = page(pages, "rules/uefi/overlapping-descriptors")
    assert "64 KiB kernel" not in other


def test_a_kernel_with_small_pages_has_no_larger_page_to_draw(pages):
    text = page(pages, "rules/arm64/larger-page-with-mixed-cacheability")
    passes = text[text.index("<h2>Passes") : text.index("more that pass")]
    assert "<svg" not in passes


def test_sections_of_a_rule_page_are_in_their_order(pages):
    text = page(pages, "rules/arm64/mixed-cacheability-in-64k-page")
    heads = re.findall(r"<h2>([^<]+)<", text)
    assert heads == [
        "Why it matters",
        "Where it is written",
        "What it needs",
        "Fails",
        "Passes",
        "What to do",
        "Accept it",
        "Related rules",
        "Requirements",
    ]


def test_a_rule_page_says_what_it_judges_and_what_it_needs(pages, registry: Registry):
    for rule in registry.rules.values():
        assert SUBJECTS[rule.subject] in page(pages, f"rules/{rule.id}")
    text = page(pages, "rules/arm64/mixed-cacheability-in-64k-page")
    assert "memory_map.descriptors[].attribute" in text
    assert "not checked" in text


def test_an_acceptance_is_shown_at_the_address_of_the_example(pages):
    text = page(pages, "rules/arm64/mixed-cacheability-in-64k-page")
    accepted = re.sub(r"<[^>]+>", "", text[text.index("Accept it") :])
    assert "at: 0x80000000" in accepted
    assert "0x7ec00000" not in accepted


def test_requirement_codes_lead_to_their_rows_where_there_are_any(build: Build):
    files = {
        "rule.rst": "Rule\n====\n\n.. efi:rule:: uefi/zero-pages\n",
        "codes.rst": "Codes\n=====\n\n.. efi:requirements::\n",
    }
    toctree = ".. toctree::\n\n   rule\n"
    with_rows = build(f"{toctree}   codes\n", **files)
    text = (with_rows.out / "rule.html").read_text(encoding="utf-8")
    assert 'href="codes.html#requirement-uefi-map-003"' in text


def test_requirement_codes_are_plain_text_where_nothing_lists_them(build: Build):
    built = build(".. efi:rule:: uefi/zero-pages")
    text = (built.out / "index.html").read_text(encoding="utf-8")
    assert "UEFI-MAP-003" in text
    assert "UEFI-MAP-003" not in built.warnings


def test_the_index_has_packs_and_what_policies_make_of_their_rules(build: Build):
    text = (build(".. efi:rules::").out / "index.html").read_text(encoding="utf-8")
    for head in ("recommended", "uefi", "strict", "declared"):
        assert f">{head}</th>" in text
    assert 'id="pack-arm64"' in text
    assert text.index("arm64/mixed-cacheability-in-64k-page") < text.index('id="pack-linux"')


def test_a_directive_draws_lines_with_the_findings_about_them(build: Build):
    built = build(
        ".. efi:larger-page::\n   :title: Four\n\n"
        "   EfiRuntimeServicesData  0x80000000  8  RUNTIME WB\n"
        "   EfiMemoryMappedIO       0x80008000  8  RUNTIME UC\n"
    )
    text = (built.out / "index.html").read_text(encoding="utf-8")
    assert "No cache type is offered by all of it." in text
    assert "ARM64-001" in text
    assert "The same as a table" in text
    assert (built.out / "_images" / "lp-index-0.svg").is_file()


def test_a_directive_draws_pages_of_a_platform_and_of_16_kib(build: Build):
    built = build(".. efi:larger-page:: aavmf-arm64\n   :page-size: 16K\n   :at: 0x40000000\n")
    text = (built.out / "index.html").read_text(encoding="utf-8")
    assert "1 page of 16 KiB, 4 cells of 4 KiB each" in text
    assert "64 KiB kernel" not in text


@pytest.mark.parametrize(
    ("directive", "told"),
    [
        (".. efi:larger-page:: missing.yaml", "neither a file nor a reference platform"),
        (".. efi:larger-page::\n\n   EfiNothing 0x0 1 WB", "is not a memory type"),
        (".. efi:larger-page:: aavmf-arm64\n   :at: here", "in `:at:`"),
        (".. efi:larger-page:: aavmf-arm64\n   :page-size: 5K", "page-size"),
    ],
)
def test_a_mistake_in_the_directive_is_told(build: Build, directive, told):
    assert told in build(directive).warnings


def test_text_has_the_table_of_larger_pages(build: Build):
    built = build(".. efi:larger-page::\n\n   EfiReservedMemoryType 0x0 8 WC", builder="text")
    text = (built.out / "index.txt").read_text(encoding="utf-8")
    assert "EfiReservedMemoryType" in text
    assert "WC fits all of it." in text


def test_long_lines_of_a_diagnostic_are_folded_and_source_lines_are_not():
    source = "8 |     - {type: EfiRuntimeServicesData, attribute: [RUNTIME, WB]}"
    label = "  |       ------- a label of which there is more than fits into the column"
    text = "\n".join(
        [
            "error[uefi/rule]: a message of which there is more than fits into the column",
            source,
            label,
            "  = help: an advice of which there is more than fits into the column",
        ]
    )
    assert folded(text, 50).splitlines() == [
        "error[uefi/rule]: a message of which there is",
        "  more than fits into the column",
        source,
        "  |       -------",
        "  |       a label of which there is more than fits",
        "  |       into the column",
        "  = help: an advice of which there is more than",
        "          fits into the column",
    ]


def test_short_diagnostics_stay_as_they_are():
    text = "error[uefi/rule]: short\n --> example.yaml:8:5\n  |\n8 | short\n  | ^^^^^ label"
    assert folded(text) == text
