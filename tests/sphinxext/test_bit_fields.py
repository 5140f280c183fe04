"""Words bit by bit on a page."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from efipolicy.model.address import size_text
from efipolicy.paging import RadixGeometry
from efipolicy.paging.entries import EntryFormats
from efipolicy.plugin.registry import Registry
from efipolicy.sphinxext.bit_fields import entry_kinds, kind_named
from efipolicy_ia64 import IA64
from efipolicy_ia64.entries import translation_formats


def test_a_kind_of_entry_is_named_by_level_and_by_geometry(registry: Registry) -> None:
    kinds = entry_kinds(registry.architectures["x86_64"])
    names = [kind.name for kind in kinds]
    assert names == ["pte-leaf", "pmd-leaf", "pud-leaf", "pmd-table", "pgd-table"]
    assert kind_named("x86_64/pte-leaf") is not None
    five = kind_named("x86_64/x86_64-5level/p4d-table")
    assert five.format == kind_named("x86_64/PGD-table").format
    assert kind_named("arm64/l2-leaf").level.entry_size == 2 << 20
    assert kind_named("arm64/arm64-64k-42/l2-leaf").level.entry_size == 512 << 20


def test_what_looks_the_same_is_drawn_once(registry: Registry) -> None:
    for architecture in registry.architectures.values():
        kinds = entry_kinds(architecture)
        looks = [(kind.kind, kind.format, kind.bits) for kind in kinds]
        assert all(looks.count(look) == 1 for look in looks)
        everything = [name for kind in kinds for name in (kind.full_name, *kind.also)]
        assert len(everything) == len(set(everything))


def test_every_level_of_every_geometry_is_some_kind(registry: Registry) -> None:
    for architecture in registry.architectures.values():
        if architecture.entry_formats is None:
            continue
        known = {
            name for kind in entry_kinds(architecture) for name in (kind.full_name, *kind.also)
        }
        for geometries in architecture.geometries.values():
            for geometry in geometries:
                if isinstance(geometry, RadixGeometry):
                    leaves = {
                        f"{geometry.name}/{level.name.lower()}-leaf"
                        for level in geometry.levels
                        if level.leaf
                    }
                    assert leaves <= known


def test_granules_are_kinds_of_entries_where_they_are_laid_out() -> None:
    def laid_out(geometry: RadixGeometry) -> EntryFormats:
        return translation_formats(geometry.page_size)

    kinds = entry_kinds(replace(IA64, entry_formats=laid_out))
    assert [kind.name for kind in kinds] == ["granule-16m-leaf", "granule-64m-leaf"]
    assert [kind.title for kind in kinds] == [
        f"Translation that maps {size_text(size << 20)}" for size in (16, 64)
    ]


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("nonsense", "`nonsense` is no word that can be drawn; there are attribute, arm64/KIND"),
        ("x86_64/pte", "x86_64 has no kind of entry `pte`; it has pte-leaf"),
        ("x86_64", "x86_64 has no kind of entry ``"),
    ],
)
def test_a_word_there_is_not_is_answered_with_those_there_are(argument: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        kind_named(argument)


def test_a_word_is_a_picture_and_a_table_that_its_cells_lead_to(build) -> None:
    made = build(".. efi:bit-field:: attribute\n   :value: 0x8000_0000_0000_400f")
    assert made.warnings == ""
    text = (made.out / "index.html").read_text(encoding="utf-8")
    figure = "bits-attribute-800000000000400f"
    assert f'id="{figure}"' in text
    for low in (63, 14, 0):
        assert f'href="#{figure}-{low}"' in text
        assert f'id="{figure}-{low}"' in text
    standalone = (made.out / "_images" / f"{figure}.svg").read_text(encoding="utf-8")
    assert "<a " not in standalone
    assert "0x8000_0000_0000_400f" in standalone


def test_a_set_reserved_bit_is_told_in_the_table_as_well(build) -> None:
    made = build(".. efi:bit-field:: attribute\n   :value: 0x200000")
    text = (made.out / "index.html").read_text(encoding="utf-8")
    assert "but must be clear" in text
    assert 'class="ep-error"' in text


def test_one_word_twice_on_a_page_has_two_ids(build) -> None:
    made = build(".. efi:bit-field:: x86_64/pte-leaf\n\n.. efi:bit-field:: x86_64/pte-leaf")
    assert made.warnings == ""
    ids = re.findall(r' id="([^"]+)"', (made.out / "index.html").read_text(encoding="utf-8"))
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (".. efi:bit-field:: arm64/none", "arm64 has no kind of entry `none`"),
        (".. efi:bit-field:: attribute\n   :value: lots", "found `lots`, expected a number"),
        (".. efi:bit-field:: attribute\n   :value: 0x1_0000_0000_0000_0000", "does not fit 64"),
        (".. efi:bit-field:: attribute\n   :value: -1", "does not fit 64 bits"),
    ],
)
def test_a_mistake_is_told_with_its_line(build, text: str, words: str) -> None:
    made = build(text)
    assert words in made.warnings
    assert "index.rst:4" in made.warnings


@pytest.mark.parametrize("builder", ["text", "man", "latex"])
def test_builders_without_pictures_have_the_table(build, builder: str) -> None:
    made = build(".. efi:bit-field:: x86_64/pte-leaf", builder=builder)
    written = [path for end in ("txt", "1", "tex") for path in made.out.glob(f"*.{end}")]
    told = "".join(path.read_text(encoding="utf-8") for path in written)
    assert "not executable" in told
