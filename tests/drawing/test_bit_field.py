"""The picture of a word, bit by bit."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from efipolicy.drawing.bit_field import bit_field_svg, bit_field_told, describe_bit_field, rows_of
from efipolicy.drawing.bit_field_cells import BitWord, WordField, hex_text, word_of
from efipolicy.drawing.bit_field_labels import labels_of
from efipolicy.drawing.bit_field_words import attribute_word, entry_word
from efipolicy.model.efi import ATTRIBUTE_BITS
from efipolicy.paging.entries import AddressPart, BitField, EntryFormat
from efipolicy.sphinxext.bit_fields import entry_kinds
from efipolicy_ia64.entries import translation
from tests.drawing.text_boxes import SVG, misplaced

PTE_FIELDS = (
    WordField(63, 63, "NX", "no execute", emphasised=True),
    WordField(62, 59, "PKEY", "protection key"),
    WordField(58, 52, "AVL", "ignored by hardware"),
    WordField(51, 12, "PFN", "physical address bits 51\N{EN DASH}12", address=True),
    WordField(11, 9, "AVL", "software"),
    WordField(8, 8, "G", "global"),
    WordField(7, 7, "PAT", "memory type"),
    WordField(6, 6, "D", "dirty"),
    WordField(5, 5, "A", "accessed"),
    WordField(4, 4, "PCD", "cache disable"),
    WordField(3, 3, "PWT", "write-through"),
    WordField(2, 2, "US", "user"),
    WordField(1, 1, "RW", "writable", emphasised=True),
    WordField(0, 0, "P", "present"),
)
PTE = word_of(64, PTE_FIELDS, 0x8000_0000_7FFE_0163)
ATTRIBUTE = attribute_word(0x8000_0000_0000_400F)
WRONG = attribute_word(0x9000_0100_0070_0A0F)
"""The reserved bits 60, 40, 22, 21, 11 and 9 are set."""
CLASSIC = word_of(
    32,
    (
        WordField(31, 12, "address", "physical address bits 31\N{EN DASH}12", address=True),
        WordField(11, 9, "software", "for software"),
        WordField(8, 0, "flags"),
    ),
)


def drawn(word: BitWord, **more) -> str:
    return bit_field_svg(word, **{"figure_id": "bits", "title": "A word", **more})


def texts(svg: str) -> set[tuple[float, float, str]]:
    return {
        (float(each.get("x", 0)), float(each.get("y", 0)), "".join(each.itertext()))
        for each in ET.fromstring(svg).iter(f"{SVG}text")
    }


def digits(svg: str) -> list[str]:
    return [text for *_, text in texts(svg) if text in "01" or text.startswith("0x")]


def height(svg: str) -> float:
    return float(ET.fromstring(svg).attrib["height"])


def in_row(y: float, *columns: tuple[float, str]) -> set[tuple[float, float, str]]:
    return {(x, y, text) for x, text in columns}


def test_an_x86_entry_is_drawn_as_designed():
    svg = drawn(PTE, title="x86_64 page-table entry, 4 KiB page")
    assert height(svg) == 347
    set_bits = {"8": 552.5, "6": 598.5, "5": 621.5, "1": 713.5, "0": 736.5}
    assert texts(svg) == {
        (0, 15, "x86_64 page-table entry, 4 KiB page"),
        (760, 15, "0x8000_0000_7ffe_0163"),
        *in_row(40, (23.5, "63"), (37, "62"), (125, "59"), (129, "58"), (286, "52")),
        *in_row(40, (290, "51"), (746, "32")),
        (23.5, 61.5, "1"),
        *in_row(61, (81, "PKEY 0x0"), (207.5, "AVL 0x00"), (518, "PFN 0x0_0000")),
        (35.5, 90, "NX no execute"),
        *in_row(121, (14, "31"), (470, "12"), (474, "11"), (539, "9")),
        *((552.5 + 23 * place, 121, str(8 - place)) for place in range(9)),
        (242, 142, "PFN 0x7_ffe0"),
        *in_row(142.5, *((x, "1") for x in set_bits.values())),
        *in_row(142.5, *((x, "0") for x in (483.5, 506.5, 529.5, 575.5, 644.5, 667.5, 690.5))),
        (494.5, 171, "AVL software"),
        (540.5, 188, "G global"),
        (563.5, 205, "PAT memory type"),
        (586.5, 222, "D dirty"),
        (609.5, 239, "A accessed"),
        (632.5, 256, "PCD cache disable"),
        (655.5, 273, "PWT write-through"),
        (678.5, 290, "US user"),
        (701.5, 307, "RW writable"),
        (724.5, 324, "P present"),
    }


def test_the_attribute_is_drawn_as_designed():
    svg = drawn(ATTRIBUTE, title="EFI_MEMORY_DESCRIPTOR.Attribute")
    assert height(svg) == 347
    found = texts(svg)
    labels = {
        (58.5, 90, "ISA_VALID bits 59\N{EN DASH}44 are valid"),
        (35.5, 107, "RUNTIME must be mapped for runtime services"),
        (264.5, 188, "HOT_PLUGGABLE may be removed"),
        (287.5, 205, "CPU_CRYPTO can be encrypted by the CPU"),
        (310.5, 222, "SP specific purpose"),
        (333.5, 239, "RO read only"),
        (356.5, 256, "MORE_RELIABLE mirrored"),
        (379.5, 273, "NV non-volatile"),
        (402.5, 290, "XP no execute"),
        (425.5, 307, "RP no read"),
        (448.5, 324, "WP write-protected cacheable"),
        (632.5, 188, "UCE uncached, exported"),
        (655.5, 205, "WB write-back"),
        (678.5, 222, "WT write-through"),
        (701.5, 239, "WC write-combining"),
        (724.5, 256, "UC uncached"),
    }
    assert labels == {each for each in found if re.match("[A-Z]{2}.* ", each[2])} - {
        (288, 61, "ISA_MASK 0x0000")
    }
    assert (288, 61, "ISA_MASK 0x0000") in found
    assert {(x, y) for x, y, text in found if text == "reserved"} == {
        (610, 61),
        (138.5, 159),
        (552.5, 159),
    }
    assert {(x, y) for x, y, text in found if text == "1" and y in (61.5, 159.5)} == {
        (23.5, 61.5),
        (414.5, 159.5),
        *((667.5 + 23 * place, 159.5) for place in range(4)),
    }


def test_the_stems_of_set_bits_are_blue_and_the_others_are_hairlines():
    svg = drawn(PTE)
    blue = set(re.findall(r'<path d="(M\S+) [^"]*" class="ep-p-rtc-s"', svg))
    assert blue == {"M23.5", "M552.5", "M598.5", "M621.5", "M713.5", "M736.5"}


def test_a_set_reserved_bit_is_an_error_with_a_marker_and_a_label():
    svg = drawn(WRONG)
    cells = re.findall(r'<rect x="([\d.]+)" y="\d+" width="23" height="26" class="ep-error"/>', svg)
    assert len(cells) == 6
    assert WRONG.reserved_bits_set == [60, 40, 22, 21, 11, 9]
    wrong = {text for *_, text in texts(svg) if text.endswith("must be clear")}
    names = ("60", "40", "22\N{EN DASH}21", "11", "9")
    assert wrong == {f"{name} must be clear" for name in names}
    assert svg.count('class="ep-error-x"') == 5
    assert "Reserved, but set: bit 60, bit 40, bit 22" in bit_field_told(WRONG)


def test_a_clear_reserved_bit_is_no_error():
    assert "error" not in drawn(ATTRIBUTE)
    assert not ATTRIBUTE.reserved_bits_set


def test_a_word_of_32_bits_is_one_row():
    assert len(rows_of(CLASSIC)) == 1
    svg = drawn(CLASSIC)
    assert (14, 40, "31") in texts(svg)
    assert svg.count('class="ep-axis"') == 2  # the ticks, and one stem


def test_without_a_value_there_are_no_digits_and_no_stem_is_blue():
    for word in (attribute_word(), CLASSIC, PTE._replace(value=None)):
        svg = drawn(word, facts=f"{word.bits} bits")
        assert set(digits(svg)) <= {"0", "1"}
        assert all(y in (40, 121, 138, 125) or y % 1 == 0 for _, y, _ in texts(svg))
        assert not [text for _, y, text in texts(svg) if y % 1 and text in "01"]
        assert "ep-p-rtc-s" not in svg
        assert 'class="ep-rtc"' not in svg


def test_ticks_stand_every_four_bits():
    ticks = re.search(r'<path d="((?:M[\d.]+ 70v4)+)"', drawn(PTE))
    assert ticks is not None
    places = [float(x) for x in re.findall(r"M([\d.]+) ", ticks.group(1))]
    assert places == [748 - 92 * place for place in range(9)]


def test_only_protection_is_framed_in_ink():
    assert drawn(PTE).count('class="ep-set"') == 2
    assert drawn(ATTRIBUTE).count('class="ep-set"') == 3


def test_what_is_drawn_can_be_listed():
    assert describe_bit_field(CLASSIC) == (
        "32 bits\n"
        "row 31\N{EN DASH}0\n"
        "  31\N{EN DASH}12 address inside\n"
        "  11\N{EN DASH}9 software\n"
        "  8\N{EN DASH}0 flags inside\n"
        "    line 0 left: software for software"
    )
    told = describe_bit_field(PTE)
    assert "  63 NX = 0x1\n" in told
    assert "line 0 right: NX no execute, set" in told


def test_every_cell_tells_the_complete_fact():
    svg = drawn(PTE)
    assert "<title>bits 62\N{EN DASH}59 PKEY = 0x0: protection key</title>" in svg
    assert "<title>bit 63 NX = 0x1: no execute</title>" in svg
    assert svg.count("PFN: physical address bits 51\N{EN DASH}12</title>") == 2


def test_fields_are_links_for_the_mouse_only():
    linked = attribute_word(href=lambda low: f"#a-{low}")
    svg = drawn(linked)
    root = ET.fromstring(svg)
    assert root.attrib["role"] == "group"
    links = list(root.iter(f"{SVG}a"))
    assert {link.attrib["href"] for link in links} >= {"#a-63", "#a-44", "#a-0"}
    assert {link.attrib["tabindex"] for link in links} == {"-1"}
    assert ET.fromstring(drawn(attribute_word())).attrib["role"] == "img"
    assert "<a " not in drawn(linked, form="print")


@pytest.mark.parametrize("form", ["inline", "standalone", "print"])
def test_bytes_do_not_change(form):
    svg = drawn(PTE, form=form)
    assert svg == drawn(PTE, form=form)
    ET.fromstring(svg)
    assert ("class=" in svg) == (form != "print")
    assert ("var(" in svg) == (form == "standalone")


def test_a_picture_is_small():
    assert all(len(drawn(word)) < 16 * 1024 for word in (PTE, ATTRIBUTE, WRONG))


@pytest.mark.parametrize(
    "word", [PTE, ATTRIBUTE, WRONG, CLASSIC], ids=["pte", "attr", "wrong", "32"]
)
def test_texts_are_inside_and_apart(word):
    assert misplaced(drawn(word)) == []
    for row in rows_of(word):
        for label in labels_of(row):
            assert label.start >= 0
            assert label.end <= 760


def all_kinds(registry):
    return [kind for each in registry.architectures.values() for kind in entry_kinds(each)]


def test_every_kind_of_entry_can_be_drawn(registry):
    for kind in all_kinds(registry):
        for value in (None, 0, (1 << kind.bits) - 1):
            svg = drawn(kind.word(value), title=kind.title)
            assert misplaced(svg) == [], kind.full_name
            assert "not described" not in svg, kind.full_name
            assert "\N{HORIZONTAL ELLIPSIS}<" not in svg or value is None, kind.full_name


def test_a_value_says_what_it_means(registry):
    x86 = registry.architectures["x86_64"]
    pte = next(kind for kind in entry_kinds(x86) if kind.name == "pte-leaf")
    told = bit_field_told(pte.word(0x7FFE_0163))
    assert "bit 63 NX = 0x0: executable" in told
    assert "bit 1 RW = 0x1: writable" in told
    assert "bit 63 NX: 0 executable, 1 not executable" in bit_field_told(pte.word())


def test_scattered_addresses_say_which_bits_they_hold(registry):
    arm = registry.architectures["arm64"]
    leaf = next(kind for kind in entry_kinds(arm) if kind.full_name == "arm64-64k-48/l3-leaf")
    told = bit_field_told(leaf.word())
    assert "bits 47\N{EN DASH}16 address: physical address bits 47\N{EN DASH}16" in told
    assert "bits 15\N{EN DASH}12 address: physical address bits 51\N{EN DASH}48" in told


def test_bits_below_a_large_page_are_no_address(registry):
    x86 = registry.architectures["x86_64"]
    pmd = next(kind for kind in entry_kinds(x86) if kind.name == "pmd-leaf")
    told = bit_field_told(pmd.word())
    assert "bits 51\N{EN DASH}21 address: physical address bits 51\N{EN DASH}21" in told
    assert "bits 20\N{EN DASH}13 reserved: must be clear" in told


def test_an_itanium_translation_can_be_drawn():
    word = entry_word(translation(16 << 20), bits=64, value=0x10_0000_0100_0661 | 2)
    assert word.reserved_bits_set == [1]
    assert misplaced(drawn(word)) == []
    assert "bits 11\N{EN DASH}9 AR = 0x3: read, write, execute" in bit_field_told(word)


def test_bits_that_no_part_of_a_format_describes_are_told():
    strange = EntryFormat(1, 1, (AddressPart(12, 4, 12),), (BitField("V", 0, values={1: "valid"}),))
    told = bit_field_told(entry_word(strange, bits=32))
    assert "bits 31\N{EN DASH}16 ?: not described" in told
    assert "bits 11\N{EN DASH}1 ?: not described" in told


def test_every_attribute_bit_is_in_the_word():
    named = {field.name: field for field in attribute_word().fields if not field.reserved}
    assert named.keys() == {*ATTRIBUTE_BITS, "ISA_MASK"}
    assert all(1 << named[name].low == bit for name, bit in ATTRIBUTE_BITS.items())


@pytest.mark.parametrize(
    ("fields", "value", "words"),
    [
        ((WordField(31, 16, "a"), WordField(16, 0, "b")), None, "found a field of bits 16"),
        ((WordField(31, 16, "a"), WordField(14, 0, "b")), None, "expected bit 15 next"),
        ((WordField(31, 1, "a"),), None, "bit 0 are in no field"),
        ((WordField(32, 0, "a"),), None, "expected bit 31 next"),
        ((WordField(31, 0, "a"),), 1 << 32, "0x100000000 does not fit 32 bits"),
        ((WordField(31, 0, "a"),), -1, "does not fit"),
    ],
)
def test_a_word_that_does_not_add_up_is_refused(fields, value, words):
    with pytest.raises(ValueError, match=words):
        word_of(32, fields, value)


def test_numbers_have_as_many_digits_as_the_bits_need():
    assert hex_text(0x7FFE0, 20) == "0x7_ffe0"
    assert hex_text(0, 1) == "0x0"
    assert hex_text(0, 7) == "0x00"
    assert hex_text(5, 64) == "0x0000_0000_0000_0005"


@st.composite
def words(draw):
    bits = draw(st.sampled_from([16, 32, 64]))
    cuts = draw(st.sets(st.integers(1, bits - 1)))
    edges = [bits, *sorted(cuts, reverse=True), 0]
    fields = []
    for high, low in pairwise(edges):
        name = draw(st.sampled_from(["", "P", "HOT_PLUGGABLE", "a <name> & more", "W" * 80]))
        phrase = draw(st.sampled_from(["", "set", "what no label has room for " * 9]))
        reserved = draw(st.integers(0, 3)) == 0
        fields.append(WordField(high - 1, low, name, phrase, reserved=reserved))
    value = draw(st.none() | st.integers(0, (1 << bits) - 1))
    return word_of(bits, tuple(fields), value)


CROWDED = word_of(
    32,
    (
        WordField(31, 7, "W" * 80),
        WordField(6, 4, reserved=True),
        WordField(3, 1, reserved=True),
        WordField(0, 0, reserved=True),
    ),
    1,
)


@given(words())
@example(CROWDED)
def test_whatever_the_fields_no_text_is_lost_or_covered(word):
    svg = drawn(word)
    assert misplaced(svg) == []
    shown = [piece for row in rows_of(word) for piece in row]
    assert sum(piece.bits for piece in shown) == word.bits
    for row in rows_of(word):
        labels = labels_of(row)
        assert len({(label.line, label.x) for label in labels}) == len(labels)
        for label in labels:
            assert label.start >= -1
            assert label.end <= 761
            for other in labels:
                crossed = label.start < other.x < label.end and other.line >= label.line
                assert not crossed, (label, other)
