"""The domain `efi`: what a document can describe and refer to."""

import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest

from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.sphinxext.domain import EfipolicyDomain
from efipolicy.sphinxext.domain_names import KINDS, canonical, likely, other_names, shortened
from tests.sphinxext.conftest import build_project

DESCRIBED = """\
.. efi:rule:: acme/slow-flash
   :aliases: acme/lazy-flash
   :codes: ACME-007
   :title: Flash is slow

   A rule of one vendor.

.. efi:type:: EfiAcmeScratch
.. efi:attribute:: EFI_MEMORY_ACME
.. efi:platform:: board-one
   :title: Board One

   A board.

.. efi:region:: board-one/mem2
   :aliases: board-one@0xffff_fffe_ff00_0000

.. efi:requirement:: ACME-007
.. efi:strategy:: acme-window

   How Acme maps.

.. efi:architecture:: acme64

   A processor.

.. efi:plugin:: acme

   Its plugin.
"""


def project(folder: Path, conf: str = "", **files: str) -> Path:
    """The source of a project with the extension; `a__b` is the document `a/b`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "conf.py").write_text(
        f'extensions = ["efipolicy.sphinxext"]\nproject = "acme"\nnitpicky = True\n{conf}\n'
    )
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.rst"
        path.parent.mkdir(parents=True, exist_ok=True)
        title = ":orphan:\n\n" if name != "index" else ""
        path.write_text(f"{title}{name}\n{'=' * len(name)}\n\n{text}\n")
    return folder


def html(built: SimpleNamespace, name: str) -> str:
    return (built.out / f"{name}.html").read_text(encoding="utf-8")


def links(text: str) -> dict[str, str]:
    """What the references of a page say and where they lead."""
    found = re.findall(r'<a class="reference (?:in|ex)ternal" href="([^"]+)"[^>]*>(.*?)</a>', text)
    return {unescape(re.sub(r"<[^>]+>", "", said)): target for target, said in found}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A project that describes one thing of every kind, and refers to all of them."""
    references = """\
:efi:rule:`acme/slow-flash` :efi:rule:`acme/lazy-flash` :efi:rule:`~acme/slow-flash`
:efi:rule:`slow <acme/slow-flash>` :efi:type:`EfiAcmeScratch` :efi:type:`AcmeScratch`
:efi:attr:`EFI_MEMORY_ACME` :efi:attribute:`~EFI_MEMORY_ACME` :efi:platform:`board-one`
:efi:region:`board-one/mem2` :efi:region:`board-one@fffffffeff000000`
:efi:requirement:`ACME-007` :efi:strategy:`acme-window` :efi:architecture:`acme64`
:efi:plugin:`acme` :any:`acme-window` :ref:`efi-ruleindex`
"""
    source = project(
        tmp_path_factory.mktemp("described") / "source", index=references, all=DESCRIBED
    )
    return build_project(source, source.parent / "build")


def test_one_of_every_kind_is_described_and_referred_to(described):
    assert described.warnings == ""
    domain = described.app.env.get_domain("efi")
    assert {kind for kind, _ in domain.targets} == {*KINDS}
    found = links(html(described, "index"))
    assert found["acme/slow-flash"] == "all.html#efi-rule-acme-slow-flash"
    assert found["EfiAcmeScratch"] == "all.html#efi-type-EfiAcmeScratch"
    assert found["board-one"] == "all.html#efi-platform-board-one"


def test_other_names_lead_to_the_same_place(described):
    found = links(html(described, "index"))
    rule = "all.html#efi-rule-acme-slow-flash"
    assert {found[name] for name in ("acme/lazy-flash", "slow-flash", "slow")} == {rule}
    assert found["AcmeScratch"] == found["EfiAcmeScratch"]
    assert found["ACME"] == found["EFI_MEMORY_ACME"]
    assert found["board-one@fffffffeff000000"] == found["board-one/mem2"]


def test_a_reference_shows_the_title_to_a_pointer(described):
    assert 'title="Flash is slow"' in html(described, "index")


def test_rules_are_indexed_by_pack_and_by_code(described):
    text = html(described, "efi-ruleindex")
    assert not re.search(r' id="[^"]* ', text)
    text = text.replace("\N{NO-BREAK SPACE}", " ")
    assert "<strong>acme</strong>" in text
    assert "codes ACME" in text
    assert 'href="all.html#efi-rule-acme-slow-flash"' in text


def test_everything_but_regions_is_indexed_by_kind(described):
    text = html(described, "efi-index")
    assert not re.search(r' id="[^"]* ', text)
    text = text.replace("\N{NO-BREAK SPACE}", " ")
    assert all(
        f"<strong>{words}</strong>" in text for kind, words in KINDS.items() if kind != "region"
    )
    assert "board-one/mem2" not in text


def test_a_thing_described_twice_is_told_at_both_places(tmp_path):
    twice = ".. efi:type:: EfiAcmeScratch"
    built = build_project(
        project(tmp_path / "s", index=twice, other=f"{twice}\n\n{twice}\n   :no-index:"), tmp_path
    )
    (told,) = built.warnings.splitlines()
    assert "other.rst:6: " in told
    assert "the memory type `EfiAcmeScratch` is described twice" in told
    assert re.search(r"the first time in \S+index\.rst:4", told)


def test_two_pages_of_one_rule_are_told_at_both_places(tmp_path):
    page = ".. efi:rule:: uefi/zero-pages"
    source = project(tmp_path / "s", index=page, other=page, silent=f"{page}\n   :no-index:")
    (told,) = build_project(source, tmp_path, builder="dummy").warnings.splitlines()
    assert "other.rst:6: " in told
    assert re.search(r"`uefi/zero-pages` .* first time in \S+index\.rst:4", told)


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (":efi:rule:`acme/slow-flsh`", "rule `acme/slow-flsh`; did you mean `acme/slow-flash`?"),
        (":efi:rule:`uefi/slow-flash`", "did you mean `acme/slow-flash`?"),
        (
            ":efi:rule:`acme-window`",
            "there is a strategy of that name: :efi:strategy:`acme-window`",
        ),
        (
            ":efi:rule:`EFI_MEMORY_ACME`",
            "memory attribute of that name: :efi:attr:`EFI_MEMORY_ACME`",
        ),
        (":efi:attr:`efi_memory_acme`", "did you mean `EFI_MEMORY_ACME`?"),
        (":efi:platform:`quite-different`", "no page describes the platform `quite-different`"),
        (":efi:region:`board-one@zz`", "no page describes the region `board-one@zz`"),
    ],
)
def test_a_reference_to_nothing_says_what_may_have_been_meant(described, reference, told):
    from docutils import nodes
    from sphinx.addnodes import pending_xref

    from efipolicy.sphinxext import domain as module

    role, name = re.fullmatch(r":efi:(\w+):`(.*)`", reference).groups()
    said = []
    node = pending_xref("", nodes.Text(""), refdomain="efi", reftype=role, reftarget=name)
    domain = described.app.env.get_domain("efi")
    patched = pytest.MonkeyPatch()
    patched.setattr(module.logger, "warning", lambda text, *values, **_: said.append(text % values))
    assert module.warn_of_missing(described.app, domain, node) is True
    patched.undo()
    assert told in said[0]


def test_the_warning_has_a_place(tmp_path):
    built = build_project(project(tmp_path / "s", index=":efi:rule:`no/body`"), tmp_path)
    assert re.search(r"index\.rst:4: .*no page describes the rule `no/body`", built.warnings)


def test_a_page_of_ours_needs_no_pages_of_what_it_names(tmp_path):
    source = project(tmp_path / "s", index=".. efi:rule:: uefi/zero-pages")
    assert build_project(source, tmp_path, builder="dummy").warnings == ""


def test_projects_link_to_each_other_without_a_network(tmp_path, described):
    inventory = described.out / "objects.inv"
    mapping = f'intersphinx_mapping = {{"them": ("https://acme.invalid/", {str(inventory)!r})}}'
    conf = f'extensions.append("sphinx.ext.intersphinx")\n{mapping}'
    text = ":efi:rule:`acme/lazy-flash` :efi:attr:`x <EFI_MEMORY_ACME>` :efi:type:`EfiOther`"
    other = f"{text}\n\n.. efi:type:: EfiOther"
    built = build_project(project(tmp_path / "s", conf, index=other), tmp_path)
    assert built.warnings == ""
    found = links(html(built, "index"))
    assert found["acme/slow-flash"] == "https://acme.invalid/all.html#efi-rule-acme-slow-flash"
    assert found["x"] == "https://acme.invalid/all.html#efi-attribute-EFI_MEMORY_ACME"
    back = mapping.replace(str(inventory), str(built.out / "objects.inv"))
    conf = f'extensions.append("sphinx.ext.intersphinx")\n{back}'
    again = build_project(
        project(tmp_path / "b", conf, index=":efi:type:`EfiOther`"), tmp_path / "o"
    )
    assert again.warnings == ""
    target = "https://acme.invalid/index.html#efi-type-EfiOther"
    assert links(html(again, "index"))["EfiOther"] == target


def domain_of(described: SimpleNamespace) -> EfipolicyDomain:
    """An empty domain in the environment of a built project."""
    env = described.app.env
    kept = env.domaindata.pop("efi")
    made = EfipolicyDomain(env)
    env.domaindata["efi"] = kept
    return made


def test_a_document_read_again_or_elsewhere_replaces_what_it_described(described, monkeypatch):
    domain = domain_of(described)
    env = described.app.env
    for docname, name in (("all", "a/one"), ("index", "a/two")):
        monkeypatch.setattr(type(env), "docname", docname, raising=False)
        domain.note("rule", name, anchor="x", title="")
    domain.clear_doc("all")
    assert [name for _, name in domain.targets] == ["a/two"]
    other = domain_of(described)
    monkeypatch.setattr(type(env), "docname", "all", raising=False)
    other.note("rule", "a/three", anchor="x", title="")
    domain.merge_domaindata({"all"}, other.data)
    assert sorted(name for _, name in domain.targets) == ["a/three", "a/two"]
    domain.merge_domaindata(set(), domain_of(described).data)
    assert len(domain.targets) == 2


def test_regions_are_found_by_index_and_by_an_address_of_their_own(described, monkeypatch):
    domain = domain_of(described)
    monkeypatch.setattr(type(described.app.env), "docname", "all", raising=False)
    starts = (0x1000, 0x2_0000, 0x2_0000)
    descriptors = [
        MemoryDescriptor(index=index, type=7, physical_start=start, number_of_pages=1)
        for index, start in enumerate(starts)
    ]
    domain.note_regions("small", [*descriptors, descriptors[0]], "d-small")
    assert domain.find("region", "small/mem1").anchor == "d-small-1"
    assert domain.find("region", "small@0X0000_1000").anchor == "d-small-0"
    assert domain.find("region", "small@0x20000") is None
    assert len(domain.targets) == 3


def test_names_of_installed_rules_have_their_code_as_another_name():
    assert "RT-001" in other_names("rule", "linux/runtime-code-without-runtime-bit")
    assert other_names("rule", "acme/not-installed") == ()
    assert other_names("type", "EfiLoaderCode") == ("LoaderCode",)


def test_names_are_shortened_and_compared():
    assert shortened("rule", "uefi/zero-pages") == "zero-pages"
    assert shortened("type", "Efi") == "Efi"
    assert canonical("region", "a@b@0x1_0000") == "a@b@0x10000"
    assert canonical("region", "a@_") == "a@_"
    assert canonical("rule", "a@10") == "a@10"
    assert likely("", []) is None
