"""Builds: parallel, repeated, partial, and by builders that cannot show pictures."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest
from sphinx.search.en import SearchEnglish

from efipolicy.sphinxext import picture_conversion
from efipolicy.sphinxext.domain_search import extended, more_words, spellings
from efipolicy.sphinxext.picture_conversion import printed
from tests.conftest import MINIMAL, ROOT
from tests.sphinxext.conftest import ROOTS, build_project, restored, set_aside
from tests.sphinxext.test_domain import project

SMALL = (ROOTS / "pages" / "small.yaml").read_text(encoding="utf-8")
EVERYTHING = (ROOTS / "pages" / "index.rst").read_text(encoding="utf-8")


def small_project(folder: Path) -> Path:
    """Seven documents: enough for Sphinx to read them in parallel."""
    page = ".. efi:platform:: p{n}\n\n   Words.\n\n.. efi:memory-map:: p{n}.yaml"
    pages = {f"p{n}": page.format(n=n) for n in range(3)}
    rules = {
        "r0": ".. efi:rule:: uefi/zero-pages",
        "r1": ".. efi:rule:: a/b\n   :aliases: a/old\n\n   Text.",
        "t0": ".. efi:type:: EfiAcmeScratch",
    }
    text = ":efi:rule:`a/old` :efi:type:`EfiAcmeScratch` :efi:platform:`p1`"
    source = project(folder, index=text, **pages, **rules)
    for n in range(3):
        platform = SMALL.replace("name: small", f"name: p{n}")
        (source / f"p{n}.yaml").write_text(platform, encoding="utf-8")
    return source


def sphinx(source: Path, out: Path, *arguments: str, seed: str = "0") -> str:
    """Run `sphinx-build -W -n` and return what it said besides progress."""
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-n", "-q", *arguments, str(source), str(out)],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".doctrees" not in path.parts
    }


def stamps(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small project, built by one process."""
    folder = tmp_path_factory.mktemp("small")
    source = small_project(folder / "source")
    sphinx(source, folder / "out", "-b", "html", "-j", "1", seed="1")
    return set_aside(folder)


@pytest.fixture
def built(built_once: Path) -> SimpleNamespace:
    """The small project as it was after its first build; a test may change files."""
    return restored(built_once)


def test_two_processes_and_another_seed_write_the_same_bytes(built, tmp_path):
    sphinx(built.source, tmp_path / "out", "-b", "html", "-j", "2", seed="2")
    one, two = contents(built.out), contents(tmp_path / "out")
    assert sorted(one) == sorted(two)
    assert [name for name in one if one[name] != two[name]] == []


def of_ours(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """What a build wrote besides the files that Sphinx writes anew every time."""
    changed = {name for name in after if after[name] != before.get(name)}
    anew = r"genindex\.html|search\.html|efi-(rule)?index\.html|\.buildinfo|objects\.inv"
    anew += r"|searchindex\.js|_static/(?!efipolicy).*"
    return {name for name in changed if not re.fullmatch(anew, name)}


def test_a_second_build_touches_nothing_and_a_changed_platform_only_its_page(built):
    before, sources, bytes_ = stamps(built.out), stamps(built.source), contents(built.out)
    sphinx(built.source, built.out, "-b", "html")
    assert of_ours(before, stamps(built.out)) == set()
    again = contents(built.out)
    # Sphinx does not keep the search's index entries of pages it does not write again.
    assert {name for name in again if again[name] != bytes_[name]} <= {"searchindex.js"}
    assert stamps(built.source) == sources
    path = built.source / "p1.yaml"
    path.write_text(path.read_text().replace("0x20000", "0x30000"))
    sphinx(built.source, built.out, "-b", "html")
    changed = of_ours(before, stamps(built.out))
    environment = ".doctrees/environment.pickle"
    changed.discard("index.html")  # Sphinx 8 writes the pages again that lead to a changed one
    assert changed == {"p1.html", "_images/mm-p1.svg", ".doctrees/p1.doctree", environment}
    assert contents(built.out)["p0.html"] == bytes_["p0.html"]


def test_what_was_made_of_a_page_that_is_gone_goes_with_it(tmp_path):
    source = project(tmp_path / "s", 'efipolicy_rule_pages = "rules"', index="Text.")
    mine = source / "rules" / "acme"
    mine.mkdir(parents=True)
    (mine / "gone.rst").write_text(".. Written by efipolicy.sphinxext.\n\ngone\n====\n")
    out = tmp_path / "text"
    for kept in ("rules/acme/gone.txt", "elsewhere/gone.txt", "rules/uefi/zero-pages.txt"):
        (out / kept).parent.mkdir(parents=True, exist_ok=True)
        (out / kept).write_text("old")
    from efipolicy.sphinxext.generated import remove_output

    (source / "rules" / "uefi").mkdir()
    app = SimpleNamespace(
        outdir=out,
        builder=SimpleNamespace(out_suffix=".txt"),
        config=[SimpleNamespace(name="efipolicy_rule_pages", value="rules")],
    )
    remove_output(app, SimpleNamespace(found_docs={"rules/uefi/zero-pages"}))
    left = sorted(str(path.relative_to(out)) for path in out.rglob("*.txt"))
    assert left == ["elsewhere/gone.txt", "rules/uefi/zero-pages.txt"]


def test_pages_that_draw_one_platform_differently_share_no_file(tmp_path):
    drawing = ".. efi:memory-map:: small.yaml"
    other = f"{drawing}\n   :policy: strict"
    source = project(tmp_path / "s", a=drawing, b=other, c=drawing, index="Text.")
    (source / "small.yaml").write_text(MINIMAL)
    out = build_project(source, tmp_path).out
    named = [
        re.search(r'href="(_images/[^"]+\.svg)"', (out / f"{page}.html").read_text()).group(1)
        for page in "abc"
    ]
    assert named[0] == named[2]
    assert len({*named}) == len(list((out / "_images").glob("*.svg")))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that uses every directive that needs no arguments, and those of one page."""
    text = EVERYTHING.partition(".. toctree::")[0].replace(".. efi-", ".. efi:")
    text = "".join(text.partition(".. efi:memory-map")[1:])
    text = text.replace(".. efi:rules::\n", "")  # the same table once more, of all packs
    more = """

.. efi:requirements::

.. efi:policies::

.. efi:policy-format:: policy

.. efi:conformance:: small.yaml

.. efi:handovers::

.. efi:larger-page:: small.yaml
   :at: 0x20000

.. efi:platform:: small.yaml

.. efi:rule:: uefi/zero-pages

.. efi:strategy:: x86-topdown

.. efi:type:: EfiAcmeScratch

   Words.
"""
    conf = 'man_pages = [("index", "acme", "Acme", [], 7)]\nsuppress_warnings = ["efi.converter"]'
    source = project(tmp_path_factory.mktemp("everything"), conf, index=text + more)
    (source / "small.yaml").write_text(SMALL, encoding="utf-8")
    return source


@pytest.mark.parametrize("builder", ["text", "man", "latex"])
def test_builders_without_pictures_write_every_table(everything, builder):
    built = build_project(everything, everything / "_build", builder=builder, fresh=False)
    assert built.warnings == ""
    name = {"text": "index.txt", "man": "acme.7", "latex": "acme.tex"}[builder]
    text = (built.out / name).read_text(encoding="utf-8").replace("\\_", "_").replace("{}", "")
    named = "Memory map of A " if builder == "latex" else "Picture: Memory map of A "
    assert named in text
    assert "EfiRuntimeServicesData" in text
    assert "0x0002_0000" in text
    assert "small.yaml, 10 lines:" in text
    assert "<svg" not in text


def test_latex_has_pictures_as_pdf_where_they_can_be_converted(tmp_path, monkeypatch):
    tool = tmp_path / "bin" / "rsvg-convert"
    tool.parent.mkdir()
    tool.write_text(f"#!{sys.executable}\nimport sys\nopen(sys.argv[4], 'wb').write(b'%PDF-1.7')\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    picture_conversion.converter.cache_clear()
    source = project(tmp_path / "s", index=".. efi:memory-map:: small.yaml")
    (source / "small.yaml").write_text(SMALL)
    built = build_project(source, tmp_path, builder="latex")
    picture_conversion.converter.cache_clear()
    assert built.warnings == ""
    (pdf,) = built.out.glob("efi-*.pdf")
    assert pdf.read_bytes() == b"%PDF-1.7"
    text = (built.out / "acme.tex").read_text()
    assert re.search(rf"includegraphics\S*{{{{{pdf.stem}}}\.pdf}}", text)
    assert "caption{Memory map of A" in text


def test_the_printed_form_is_whole_and_needs_no_stylesheet(tmp_path):
    source = project(tmp_path / "s", index=".. efi:memory-map:: small.yaml")
    (source / "small.yaml").write_text(SMALL)
    svg = (build_project(source, tmp_path).out / "_images" / "mm-small.svg").read_text()
    made = printed(svg)
    ET.fromstring(made)
    assert "class=" not in made
    assert "var(" not in made
    assert "<style" not in made
    assert 'stroke="#' in made


def finds(index: dict, query: str) -> set[str]:
    """The documents that Sphinx's `searchtools.js` finds for one word: objects and text."""
    names = index["docnames"]
    word = query.lower()
    found = {
        names[entry[0]]
        for prefix, entries in index["objects"].items()
        for entry in entries
        if word in f"{prefix}.{entry[4]}".lower()
    }
    if word.isdigit():
        return found
    stem = SearchEnglish({}).stem(word)
    terms = index["terms"]
    matching = [stem] if stem in terms else [term for term in terms if stem in term]
    for term in matching:
        places = terms[term]
        found |= {names[place] for place in ([places] if isinstance(places, int) else places)}
    return found


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The search index of a few pages, some of which have the parts of names as words."""
    folder = tmp_path_factory.mktemp("search")
    source = project(
        folder / "s",
        index="Services at runtime, in memory. The number 20000.",
        bits="``EFI_MEMORY_RUNTIME`` is one.",
        types="``EfiRuntimeServicesData`` is one.",
        high="It starts at ``0xffff_fffe_ff00_0000``.",
        low="It starts at 0x20000.",
        log="mem 0x0000000070000000-0x000000007000ffff",
    )
    text = (build_project(source, folder).out / "searchindex.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))


@pytest.mark.parametrize(
    ("query", "document"),
    [
        *[(q, "bits") for q in ("EFI_MEMORY_RUNTIME", "RUNTIME", "memory_run", "MEMORY_RUNTIME")],
        *[(q, "types") for q in ("EfiRuntimeServicesData", "runtimeservices", "services", "Runti")],
        ("0xffff_fffe_ff00_0000", "high"),
        ("0xfffffffeff000000", "high"),
        ("FFFFFFFEFF000000", "high"),
        ("ffff_fffe_ff00_0000", "high"),
        ("0XFFFFFFFEFF000000", "high"),
        ("0x20000", "low"),
        ("0x2_0000", "low"),
        ("0x0002_0000", "low"),
        ("0x0000_0000_0002_0000", "low"),
        ("0x0000000000020000", "low"),
        ("0x00020000", "low"),
        ("0x70000000", "log"),
        ("0x7000_0000", "log"),
        ("7000ffff", "log"),
        ("0x7000FFFF", "log"),
    ],
)
def test_a_search_finds_parts_of_names_and_addresses_in_any_spelling(index, query, document):
    assert document in finds(index, query)


def test_a_search_for_an_address_finds_no_other(index):
    assert finds(index, "0x20000") == {"low"}


def test_words_without_parts_stay_alone():
    for word in ("runtime", "Runtime", "0x1f", "0x", "deadbeef", "ACPI", "it_is", "x86_64"):
        assert list(more_words(word)) == [], word
    assert "feff" not in {*spellings(0xFEFF_0000)}


def test_a_language_is_extended_once():
    once = extended(SearchEnglish)
    assert extended(once) is once
    assert once.lang == "en"
