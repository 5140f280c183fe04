"""The pages a project gets."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from efipolicy.plugin.registry import Registry
from efipolicy.sphinxext import generated
from tests.conftest import MINIMAL, PLATFORMS
from tests.drawing.text_boxes import misplaced
from tests.sphinxext.conftest import ROOTS, build_project


class Links(HTMLParser):
    """The ids and the links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(given["id"])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])


def page(pages: SimpleNamespace, name: str) -> str:
    return (pages.out / f"{name}.html").read_text(encoding="utf-8")


def test_a_nitpicky_build_has_nothing_to_say(pages):
    assert pages.warnings == ""
    assert pages.status == 0


def test_every_rule_and_every_platform_has_a_page(pages, registry: Registry):
    written = {
        path.relative_to(pages.out / "rules") for path in (pages.out / "rules").rglob("*.html")
    }
    assert {Path(f"{rule}.html") for rule in registry.rules} <= written
    platforms = {path.stem for path in (pages.out / "platforms").glob("*.html")}
    assert platforms == {path.stem for path in PLATFORMS.glob("*.yaml")}


def test_every_link_within_the_site_leads_somewhere(pages):
    found = {path: Links(path.read_text(encoding="utf-8")) for path in pages.out.rglob("*.html")}
    broken = []
    for path, links in found.items():
        for link in links.links:
            target, _, anchor = link.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            other = (path.parent / target).resolve() if target else path
            if not other.exists() or (anchor and other in found and anchor not in found[other].ids):
                broken.append((path.name, link))
    assert broken == []


def test_ids_are_unique_on_every_page(pages):
    for path in pages.out.rglob("*.html"):
        ids = Links(path.read_text(encoding="utf-8")).ids
        assert len(ids) == len(set(ids)), path


def test_a_rule_page_has_facts_reason_examples_and_help(pages, registry: Registry):
    text = page(pages, "rules/uefi/overlapping-descriptors")
    rule = registry.rules["uefi/overlapping-descriptors"]
    parts = ("ep-facts", "Why it matters", "Fails", "Passes", "What to do", "Accept it", "Seen on")
    assert all(part in text for part in (rule.summary, *rule.requirements, *parts))
    assert "error[uefi/overlapping-descriptors]" in text
    assert "The linter says nothing of it." in text
    assert 'href="../../platforms/broken-x86_64.html"' in text
    assert "<svg" in text


def test_a_platform_page_has_pills_picture_findings_table_and_source(pages):
    text = page(pages, "platforms/broken-x86_64")
    assert text.index("ep-chip-error") < text.index('class="ep-figure"') < text.index("ep-data")
    assert 'href="../rules/uefi/overlapping-descriptors.html"' in text
    assert "efi-rule:" not in text
    assert "efipolicy lint broken-x86_64.yaml" in text
    assert "<code>0x0000_7000_0000</code>" in text


def test_pictures_on_pages_keep_their_texts_apart(pages):
    for path in pages.out.rglob("*.html"):
        for svg in re.findall(r"<svg xmlns.*?</svg>", path.read_text(encoding="utf-8"), re.DOTALL):
            assert misplaced(svg) == [], path


def test_rows_and_table_lead_to_each_other(pages):
    text = page(pages, "index")
    assert '<a href="#d-small-2" id="mm-small-2" tabindex="-1">' in text
    assert re.search(r'<tr[^>]* id="d-small-2"|<tr id="d-small-2"', text)
    assert 'href="#mm-small-2"' in text


def test_an_accepted_finding_is_shown_as_such(pages):
    text = page(pages, "index")
    assert "accepted by nobody: only a test" in text
    assert "A &lt;small&gt; platform" in text


def test_the_picture_is_a_file_as_well(pages):
    svg = (pages.out / "_images" / "mm-small.svg").read_text(encoding="utf-8")
    assert "prefers-color-scheme" in svg
    assert "<a " not in svg
    assert 'href="_images/mm-small.svg"' in page(pages, "index")


def test_the_stylesheet_is_shipped(pages):
    text = page(pages, "index")
    assert "_static/efipolicy.css" in text
    assert (pages.out / "_static" / "efipolicy.css").read_text().startswith("body{--ep-bg:")


def test_the_search_finds_types_and_codes(pages):
    index = (pages.out / "searchindex.js").read_text(encoding="utf-8").lower()
    assert "efiruntimeservicesdata" in index
    assert "zero-pages" in index
    assert "0x20000" in index
    assert 'index.html#d-small-2"' in page(pages, "genindex")


def test_commands_show_what_they_print_and_how_they_end(pages):
    text = page(pages, "index")
    assert "$ efipolicy lint --select uefi/zero-pages small.yaml" in text
    assert "1 accepted" in text
    assert "no findings in 1 input" in text


def test_the_reference_has_every_key_hook_architecture_and_strategy(pages, registry: Registry):
    from efipolicy.formats.platform import PLATFORM_FILE
    from efipolicy.sphinxext.reference_pages import format_anchor, hooks, records

    text = page(pages, "index")
    for path, record in records(PLATFORM_FILE):
        assert f'id="{format_anchor(path)}"' in text
        assert all(f">{name}<" in text for name in record.fields)
    for name, _ in hooks():
        assert f">{name}<" in text
    for name in (*registry.architectures, *registry.strategies):
        assert f">{name}<" in text


@pytest.fixture
def few(tmp_path, monkeypatch, registry: Registry) -> Path:
    """The source of the project where two rules, two strategies and a platform are installed."""
    installed = SimpleNamespace(
        rules={
            name: registry.rules[name]
            for name in ("uefi/zero-pages", "kexec/inherited-layout-changed")
        },
        strategies={name: registry.strategies[name] for name in ("identity", "x86-topdown")},
    )
    platform = "broken-x86_64"
    monkeypatch.setattr(generated, "registry", lambda: installed)
    monkeypatch.setattr(
        generated, "shipped_platforms", lambda: {platform: str(PLATFORMS / f"{platform}.yaml")}
    )
    shutil.copytree(ROOTS / "pages", tmp_path / "source")
    return tmp_path / "source"


def test_a_parallel_build_writes_the_same_pages_and_a_second_one_reads_nothing(few, tmp_path):
    one = build_project(few, tmp_path / "one")
    read = {**one.app.env.all_docs}
    written = {path: path.stat().st_mtime_ns for path in few.rglob("*.rst")}
    assert {"rules/uefi/zero-pages", "strategies/identity", "platforms/broken-x86_64"} <= {*read}
    again = build_project(few, tmp_path / "one", fresh=False)
    assert again.app.env.all_docs == read
    assert {path: path.stat().st_mtime_ns for path in few.rglob("*.rst")} == written
    other = build_project(few, tmp_path / "two", parallel=2)
    for name in read:
        assert page(other, name) == page(one, name)


def test_a_page_whose_rule_is_gone_goes_and_other_files_stay(few, tmp_path):
    folder = few / "rules" / "acme"
    folder.mkdir(parents=True)
    (folder / "gone.rst").write_text(".. Written by efipolicy.sphinxext.\n\ngone\n====\n")
    (folder / "mine.rst").write_text("mine\n====\n")
    (few / "index.rst").write_text("Pages\n=====\n")
    build_project(few, tmp_path / "build", builder="dummy")
    assert [path.name for path in folder.iterdir()] == ["mine.rst"]


def test_text_has_the_table_instead_of_the_picture(build):
    built = build(".. efi:memory-map:: broken-x86_64", builder="text")
    text = (built.out / "index.txt").read_text(encoding="utf-8")
    assert "EfiRuntimeServicesData" in text
    assert "<svg" not in text


@pytest.mark.parametrize(
    ("directive", "told"),
    [
        (".. efi:rule:: uefi/no-such", "no installed rule is called `uefi/no-such`"),
        (".. efi:rules:: nobody", "no rule is installed in this pack"),
        (".. efi:memory-map:: missing.yaml", "neither a file nor a reference platform"),
        (".. efi:memory-map:: bad.yaml", "the unknown key `platfrom`"),
        (".. efi:command:: lint x.yaml\n   :with: x.yaml", "neither a file nor a reference"),
        (
            ".. efi:command:: lint good.yaml\n   :with: good.yaml\n   :replace: no => yes",
            "not in the first file exactly once",
        ),
    ],
)
def test_a_mistake_in_a_document_is_told_with_its_place(build, directive, told):
    built = build(directive, bad_yaml=MINIMAL.replace("platform:", "platfrom:"), good_yaml=MINIMAL)
    assert told in built.warnings
    assert "index.rst:4" in built.warnings


def test_a_rule_nobody_has_is_a_warning(build):
    built = build(":efi:rule:`uefi/nobody`")
    assert "uefi/nobody" in built.warnings
