"""The pages of memory types and of memory attributes."""

from __future__ import annotations

import re
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest

from efipolicy.drawing.bit_field_words import ATTRIBUTE_PHRASES
from efipolicy.drawing.notation import TYPE_STYLES
from efipolicy.model.efi import ATTRIBUTE_BITS, EfiMemoryType
from efipolicy.sphinxext.type_facts import ATTRIBUTES, RANGES, TYPES
from efipolicy.sphinxext.type_pages import rules_about, swatch_svg, type_anchor

REFERENCES = (
    ":efi:type:`EfiPalCode` :efi:attr:`EFI_MEMORY_RO` :efi:attr:`SP`\n\n.. toctree::\n\n   t\n   a"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    from tests.sphinxext.conftest import build_project

    folder = tmp_path_factory.mktemp("types")
    source = folder / "source"
    source.mkdir()
    (source / "conf.py").write_text('extensions = ["efipolicy.sphinxext"]\nnitpicky = True\n')
    (source / "index.rst").write_text(f"Index\n=====\n\n{REFERENCES}\n")
    (source / "t.rst").write_text("Types\n=====\n\n.. efi:types::\n")
    (source / "a.rst").write_text("Attributes\n==========\n\n.. efi:attributes::\n")
    return build_project(source, folder / "build")


def read(made: SimpleNamespace, name: str) -> str:
    return (made.out / f"{name}.html").read_text(encoding="utf-8")


def test_every_type_and_every_attribute_has_its_facts() -> None:
    assert TYPES.keys() == {int(each) for each in EfiMemoryType} == TYPE_STYLES.keys()
    assert ATTRIBUTES.keys() == {*ATTRIBUTE_BITS, "ISA_MASK"} == ATTRIBUTE_PHRASES.keys()


def test_the_ranges_cover_all_other_types() -> None:
    assert [each.first for each in RANGES] == [16, 0x7000_0000, 0x8000_0000]
    assert [each.last + 1 for each in RANGES] == [0x7000_0000, 0x8000_0000, 1 << 32]


def test_every_type_has_a_row_a_section_and_a_swatch(made) -> None:
    assert made.warnings == ""
    text = read(made, "t")
    for each in EfiMemoryType:
        assert f'href="#{type_anchor(each.name)}"' in text
        assert f'<section id="{type_anchor(each.name)}">' in text
        assert TYPES[each].meaning.split("'")[0] in text
    assert text.count("ep-swatch") == 2 * len(TYPES) + len(RANGES)
    assert "0x70000000 to 0x7fffffff" in text


def test_every_attribute_has_a_row_a_section_and_its_place_in_the_picture(made) -> None:
    text = read(made, "a")
    for name in ATTRIBUTES:
        anchor = type_anchor(f"EFI_MEMORY_{name}")
        assert f'<section id="{anchor}">' in text
        assert len(re.findall(f'href="#{anchor}" tabindex="-1"', text)) >= 1
    assert 'id="bits-attribute"' in text


def test_ids_are_unique_and_links_within_a_page_lead_somewhere(made) -> None:
    for name in ("t", "a"):
        text = read(made, name)
        ids = re.findall(r'\sid="([^"]+)"', text)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'href="#([^"]+)"', text)) <= {*ids, ""}


def test_references_lead_to_the_sections(made) -> None:
    text = read(made, "index")
    assert 'href="t.html#efipalcode"' in text
    assert 'href="a.html#efi-memory-ro"' in text
    assert 'href="a.html#efi-memory-sp"' in text


def test_rules_are_about_what_their_page_or_check_names() -> None:
    about = {rule.id for rule in rules_about("EfiACPIReclaimMemory")}
    assert "uefi/runtime-bit-on-acpi-memory" in about  # by a constant of its module
    assert "uefi/zero-pages" not in about
    assert "uefi/isa-mask-without-isa-valid" in {
        rule.id for rule in rules_about("EFI_MEMORY_ISA_MASK")
    }
    ports = {rule.id for rule in rules_about("EfiMemoryMappedIOPortSpace")}
    assert "ia64/several-io-port-spaces" in ports
    assert "uefi/mmio-without-runtime-bit" not in ports
    assert all(rules_about(f"EFI_MEMORY_{name}") for name in ("RUNTIME", "XP", "RO", "WB"))


def test_a_swatch_is_drawn_in_the_colour_and_texture_of_its_type() -> None:
    svg = swatch_svg(int(EfiMemoryType.EfiRuntimeServicesCode), "x")
    ET.fromstring(svg)
    assert 'class="ep-rtc"' in svg
    assert "url(#x-diagonal-rtc)" in svg
    assert "pattern" not in swatch_svg(int(EfiMemoryType.EfiConventionalMemory), "x")
    assert 'class="ep-oem"' in swatch_svg(0x7000_0000, "x")


@pytest.mark.parametrize("builder", ["text", "man", "latex"])
def test_builders_without_pictures_have_the_tables(made, builder: str) -> None:
    from tests.sphinxext.conftest import build_project

    again = build_project(made.app.srcdir, made.out.parent, builder=builder, fresh=False)
    written = [path for end in ("txt", "1", "tex") for path in again.out.glob(f"*.{end}")]
    told = "".join(path.read_text(encoding="utf-8") for path in written)
    assert "EfiPalCode" in told
    assert "swatch" not in told
