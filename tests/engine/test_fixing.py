"""Fixing a platform file: what is changed, what is proven, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.engine import fixing
from efipolicy.engine.fix_comparison import Comparison
from efipolicy.engine.fix_targets import targets
from efipolicy.engine.fixing import MOST_ROUNDS, Fixing, fix, reported_fix
from efipolicy.formats.platform import read_platform
from efipolicy.model.efi import ATTRIBUTE_BITS, EFI_MEMORY_RUNTIME, MEMORY_TYPES
from efipolicy.model.finding import (
    Confidence,
    Edit,
    Finding,
    Fix,
    InputReport,
    ReportedFinding,
    Responsible,
    Severity,
)
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText
from efipolicy.source.document import Mapping, parse
from tests.conftest import FIXTURES

Find = Callable[[Platform], Iterable[Finding]]
HEAD = "efipolicy: 1\nplatform: {name: m, architecture: x86_64}\n"
MAP = f"{HEAD}memory_map:\n  descriptors:\n"
LINE = "    - {{type: 7, physical_start: 0x1000, pages: 1, {}}}\n"


def read(text: str) -> Platform:
    platform, errors = read_platform(SourceText("p.yaml", text))
    assert errors == []
    assert platform is not None
    return platform


def judge(find: Find) -> Callable[[Platform], InputReport]:
    """Lint with one rule."""

    def relint(platform: Platform) -> InputReport:
        reported = tuple(report(finding, platform) for finding in find(platform))
        return InputReport("p.yaml", "platform", "platform", platform, findings=reported)

    return relint


def report(finding: Finding, platform: Platform) -> ReportedFinding:
    located = finding.subject.located
    return ReportedFinding(
        finding=finding,
        rule="test/rule",
        severity=Severity.ERROR,
        confidence=Confidence.CERTAIN,
        responsible=Responsible.FIRMWARE,
        requirements=(),
        sources=(),
        help="",
        help_uri="",
        region=None,
        path="p.yaml",
        span=located.span if located else None,
        fingerprint="",
        fix=reported_fix(finding, platform),
    )


def fixed(text: str, find: Find, *, unsafe: bool = False) -> Fixing:
    relint = judge(find)
    return fix(relint(read(text)), relint, unsafe=unsafe)


Edits = Callable[[Platform], Sequence[Edit]]


def edited(text: str, edits: Edits) -> Fixing:
    """The outcome of one fix that is made once."""
    asked = iter([True])

    def find(platform: Platform) -> Iterable[Finding]:
        if next(asked, False):
            made = tuple(edits(platform))
            yield Finding(made[0].subject, "it is wrong", fix=Fix("safe", "do it", made))

    return fixed(text, find)


def of_first(field: str | None, value: int | str | None) -> Edits:
    return lambda platform: [Edit(platform.memory_map.descriptors[0], field, value)]


RT = EFI_MEMORY_RUNTIME
CHANGED: list[tuple[str, str, int | str, str]] = [
    # The bits of a word: by name, in the order and the quotes of the others, or as a number.
    ("attribute: [RUNTIME, WB]", "attribute", 0x8, "attribute: [WB]"),
    ("attribute: [RUNTIME]", "attribute", 0, "attribute: []"),
    ("attribute: []", "attribute", RT | 8, "attribute: [RUNTIME, WB]"),
    ("attribute: [WB]", "attribute", RT | 8, "attribute: [RUNTIME, WB]"),
    ("attribute: [WT, UC]", "attribute", 0xF, "attribute: [WC, WT, UC, WB]"),
    ("attribute: [WB, UC]", "attribute", RT | 0x4009, "attribute: [RUNTIME, XP, WB, UC]"),
    ("attribute: [WP, WB]", "attribute", 0x20008, "attribute: [RO, WB]"),
    ("attribute: ['RUNTIME', WB]", "attribute", 0x20008, "attribute: ['RO', WB]"),
    ('attribute: ["WB"]', "attribute", RT | 8, 'attribute: ["RUNTIME", "WB"]'),
    ("attribute: 0x8000_0000_0000_000F", "attribute", 0xF, "attribute: 0xF"),
    ("attribute: 0x0000_0000_0000_000f", "attribute", RT | 0xB, "attribute: 0x8000_0000_0000_000b"),
    ("attribute: '0x8'", "attribute", 9, "attribute: '0x9'"),
    ("attribute: 9223372036854775816", "attribute", 8, "attribute: 8"),
    # Numbers, and types with names.
    ("virtual_start: 0x2000_0800", "virtual_start", 0x2000_0000, "virtual_start: 0x2000_0000"),
    ("virtual_start: 2048", "virtual_start", 4096, "virtual_start: 4096"),
    ('virtual_start: "0x0000"', "virtual_start", 0x10, 'virtual_start: "0x0010"'),
    ("note: x", "note", "y z", "note: y z"),
    ("note: 'x'", "note", "it's: #y", "note: 'it''s: #y'"),
]


@pytest.mark.parametrize(("before", "field", "value", "after"), CHANGED)
@pytest.mark.parametrize("style", ["{}  # a comment\n", "{}\r\n", "{} \t# \N{SNOWMAN}\n", "{}"])
def test_a_field_changes_in_the_spelling_it_has(
    before: str, field: str, value: int | str, after: str, style: str
) -> None:
    line = style.format("    - {type: 7, physical_start: 0x1000, pages: 1, ITS }")
    text = MAP + "    # before\n" + line
    outcome = edited(text.replace("ITS", before), of_first(field, value))
    assert outcome.refusals == ()
    assert outcome.fixed == 1
    assert outcome.text == text.replace("ITS", after)


@pytest.mark.parametrize(("before", "field", "value", "after"), CHANGED)
def test_a_field_of_a_block_changes_in_the_spelling_it_has(
    before: str, field: str, value: int | str, after: str
) -> None:
    text = f"{MAP}    - type: 7\n      ITS # of it\n      physical_start: 1\n      pages: 1\n"
    outcome = edited(text.replace("ITS", before), of_first(field, value))
    assert outcome.text == text.replace("ITS", after)


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        ("EfiConventionalMemory", 6, "EfiRuntimeServicesData"),
        ("'EfiConventionalMemory'", 6, "'EfiRuntimeServicesData'"),
        ("EfiConventionalMemory", 0x70000001, "0x70000001"),
        ("7", 6, "6"),
        ("0x07", 6, "0x06"),
        ("0x7000_0001", 0, "0x0"),
    ],
)
def test_a_type_by_name_stays_a_name_and_a_number_a_number(old: str, value: int, new: str) -> None:
    text = MAP + "    - {type: ITS, physical_start: 0x1000, pages: 1}\n"
    assert edited(text.replace("ITS", old), of_first("type", value)).text == text.replace(
        "ITS", new
    )


def test_a_block_list_gains_and_loses_lines() -> None:
    text = (
        f"{MAP}    - type: 7\n      attribute:   # bits\n      - WB   # cached\n"
        "      # on the other\n      - UC\n      physical_start: 1\n      pages: 1\n"
    )
    assert edited(text, of_first("attribute", 1)).text == text.replace(
        "      - WB   # cached\n", ""
    )
    more = text.replace("      - WB ", "      - RUNTIME\n      - WB ")
    assert edited(text, of_first("attribute", RT | 9)).text == more
    more = text.replace("      - WB ", "      - WT\n      - WB ")
    assert edited(text, of_first("attribute", 0xD)).text == more
    text = text.replace("WB   # cached", "RUNTIME   # cached")
    more = text.replace("- UC\n", "- UC\n      - WT\n")
    assert edited(text, of_first("attribute", RT | 5)).text == more
    none = text.replace("attribute:   #", "attribute: []   #")
    none = none.replace("      - RUNTIME   # cached\n", "").replace("      - UC\n", "")
    assert edited(text, of_first("attribute", 0)).text == none


TABLE = """\
    - {type: 10, attribute: [RUNTIME, WB],         physical_start: 0x1000, pages: 1}      # first
    # between
    - {type: 10, attribute: 0x8000_0000_0000_0008, physical_start: 0x2000, pages: 0x1}    # second
    - {type: 10, attribute: [WB],                  physical_start: 0x3000, pages: 0x100}  # third
    - {type: 10, attribute: [], physical_start: 0x4000, pages: 1} # fourth
"""


def clear_runtime(platform: Platform) -> Iterable[Finding]:
    for descriptor in platform.memory_map.runtime:
        without = (descriptor.attribute or 0) & ~RT
        edit = Edit(descriptor, "attribute", without)
        yield Finding(descriptor, "no", fix=Fix("safe", "clear", (edit,)))


def test_the_columns_of_a_table_stay_where_they_are() -> None:
    text = fixed(MAP + TABLE, clear_runtime).text
    # The comment between them keeps the first two lines from being seen as neighbours.
    assert text == MAP + TABLE.replace("[RUNTIME, WB],         ", "[WB],         ").replace(
        "0x8000_0000_0000_0008, ", "0x8,                   "
    )


def test_a_line_that_is_no_part_of_a_table_is_not_padded() -> None:
    lines = TABLE.splitlines(keepends=True)
    lines[4] = lines[4].replace("[]", "[RUNTIME, WB]")
    text = fixed(MAP + lines[4], clear_runtime).text
    assert text == MAP + lines[4].replace("[RUNTIME, WB]", "[WB]")


def test_a_value_on_several_lines_moves_nothing_behind_it() -> None:
    text = (
        "    - {type: 10, attribute: [UC, RUNTIME,\n"
        "             WB],         physical_start: 0x1000, pages: 1}\n"
        "    - {attr_below: 0x8"
    )
    text = text[: text.index("    - {attr")] + "    #                     physical_start\n"
    changed = fixed(MAP + text, clear_runtime).text
    assert changed == MAP + text.replace("[UC, RUNTIME,", "[UC,")


def test_a_longer_value_takes_the_blanks_behind_it_but_for_one() -> None:
    def runtime(platform: Platform) -> Iterable[Finding]:
        for descriptor in platform.memory_map.descriptors:
            if not descriptor.runtime:
                edit = Edit(descriptor, "attribute", RT | (descriptor.attribute or 0))
                yield Finding(descriptor, "no", fix=Fix("safe", "set", (edit,)))

    text = (
        "    - {type: 5, attribute: [WB],     physical_start: 0x1000, pages: 1}          # a\n"
        "    - {type: 5, attribute: [UC, WB], physical_start: 0x2000, pages: 1, note: x} # b\n"
    )
    after = text.replace("[WB],     ", "[RUNTIME, WB], ").replace("[UC, WB]", "[RUNTIME, UC, WB]")
    for ending in ("\n", "\r\n"):
        outcome = fixed((MAP + text).replace("\n", ending), runtime)
        assert outcome.text == (MAP + after).replace("\n", ending)


@pytest.mark.parametrize(
    ("before", "field", "value", "after"),
    [
        ("pages: 1", "attribute", RT | 8, "pages: 1, attribute: [RUNTIME, WB]"),
        ("pages: 1", "attribute", 0x10_0000_0000, "pages: 1, attribute: 0x1000000000"),
        ("pages: 1", "virtual_start", 4096, "pages: 1, virtual_start: 0x1000"),
        ("pages: 1,", "virtual_start", 4096, "pages: 1, virtual_start: 0x1000,"),
        ("pages: 1", "note", "yes: no", 'pages: 1, note: "yes: no"'),
    ],
)
def test_an_absent_field_is_added_at_the_end(
    before: str, field: str, value: int | str, after: str
) -> None:
    text = MAP + "    - {type: 7, physical_start: 0x1000, ITS}  # it\n"
    outcome = edited(text.replace("ITS", before), of_first(field, value))
    assert outcome.text == text.replace("ITS", after)
    block = f"{MAP}    - type: 7\n      physical_start: 0x1000\n      pages: 1  # few\n"
    line = f"      {after.removeprefix('pages: 1,').strip().rstrip(',')}\n"
    assert edited(block, of_first(field, value)).text == block + line


def test_an_absent_field_of_json_is_json() -> None:
    text = (
        '{"efipolicy":1,"platform":{"name":"m","architecture":"x86_64"},"memory_map":{'
        '"descriptors":[{"type":"EfiConventionalMemory","physical_start":4096,"pages":1}]}}'
    )
    for field, value, added in (
        ("attribute", RT | 8, '"attribute":["RUNTIME", "WB"]'),
        ("virtual_start", 8192, '"virtual_start":8192'),
        ("note", "x", '"note":"x"'),
    ):
        outcome = edited(text, of_first(field, value))
        assert outcome.text == text.replace('"pages":1', f'"pages":1,{added}')


COMPLETE = (FIXTURES / "platforms" / "complete.yaml").read_text()


def test_fields_below_the_top_are_reached_by_a_path() -> None:
    platform = read(COMPLETE)
    root = platform.located
    assert isinstance(root, Mapping)

    def edits(found: Platform) -> list[Edit]:
        return [
            Edit(found, "platform.architecture", "arm64"),
            Edit(found, "platform.uefi", "2.9"),
            Edit(found, "runtime_properties.supported", 0x80),
            Edit(found, "handover.mmu", "off"),
            Edit(found, "mapping.0.page_size", 0x10000),
            Edit(found.memory_map, "origin", "kexec"),
        ]

    outcome = edited(COMPLETE, edits)
    assert outcome.refusals == ()
    found = read(outcome.text)
    assert (found.architecture, str(found.uefi)) == ("arm64", "2.9")
    assert found.handover
    assert found.handover.mmu is False
    assert found.runtime_properties
    assert found.runtime_properties.supported == 0x80
    assert found.mapping
    assert found.mapping[0].page_size == 0x10000
    assert found.memory_map.origin == "kexec"
    assert "page_size: 64K" in outcome.text
    old, new = COMPLETE.splitlines(), outcome.text.splitlines()
    assert len(old) == len(new)
    assert 0 < sum(1 for pair in zip(old, new, strict=True) if pair[0] != pair[1]) <= 6


def drop_empty(platform: Platform) -> Iterable[Finding]:
    for descriptor in platform.memory_map.descriptors:
        if descriptor.number_of_pages == 0:
            yield Finding(descriptor, "empty", fix=Fix("safe", "drop", (Edit(descriptor),)))


def test_entries_are_dropped_together_and_the_others_count_on() -> None:
    lines = [f"    - {{type: 7, physical_start: {n}, pages: {n % 3}}} # {n}\n" for n in range(99)]
    outcome = fixed(MAP + "".join(lines), drop_empty)
    assert outcome.fixed == 33
    assert outcome.text == MAP + "".join(line for n, line in enumerate(lines) if n % 3)
    assert [d.index for d in read(outcome.text).memory_map.descriptors] == list(range(66))


def test_a_list_that_is_left_empty_says_so() -> None:
    outcome = fixed(MAP + "    # none\n    - {type: 7, physical_start: 0, pages: 0}\n", drop_empty)
    assert outcome.text == MAP.rstrip("\n") + " []\n    # none\n"
    assert outcome.refusals == ()


def test_fixes_of_one_field_are_made_one_after_the_other() -> None:
    def clear(platform: Platform) -> Iterable[Finding]:
        for descriptor in platform.memory_map.descriptors:
            for bit in (1, 2, 4):
                if descriptor.has(bit):
                    edit = Edit(descriptor, "attribute", (descriptor.attribute or 0) & ~bit)
                    yield Finding(descriptor, "no", fix=Fix("safe", "clear", (edit,)))

    text = MAP + LINE.format("attribute: [UC, WC, WT, WB]") + LINE.format("attribute: 0x0f")
    outcome = fixed(text, clear)
    assert outcome.fixed == 6
    assert outcome.text == MAP + LINE.format("attribute: [WB]") + LINE.format("attribute: 0x08")


def test_what_is_dropped_is_not_edited_as_well() -> None:
    def find(platform: Platform) -> Iterable[Finding]:
        for descriptor in platform.memory_map.descriptors:
            if descriptor.runtime:
                edit = Edit(descriptor, "attribute", 0)
                yield Finding(descriptor, "bit", fix=Fix("safe", "clear", (edit,)))
        yield from drop_empty(platform)

    text = MAP + "    - {type: 7, physical_start: 0, pages: 0, attribute: [RUNTIME]}\n"
    for rule in (find, lambda platform: reversed(list(find(platform)))):
        outcome = fixed(text, rule)
        assert outcome.text == MAP.rstrip("\n") + " []\n"


def test_unsafe_fixes_and_accepted_findings_are_left_alone() -> None:
    def find(platform: Platform) -> Iterable[Finding]:
        for finding in clear_runtime(platform):
            assert finding.fix
            yield finding._replace(fix=finding.fix._replace(safety="unsafe"))

    text = MAP + LINE.format("attribute: [RUNTIME]")
    assert fixed(text, find).text == text
    assert fixed(text, find, unsafe=True).text == MAP + LINE.format("attribute: []")
    platform = read(text + "accept: [{rule: test/rule, reason: x}]\n")
    relint = judge(clear_runtime)
    whole = relint(platform)
    accepted = whole._replace(
        findings=tuple(item._replace(accepted=platform.accept[0]) for item in whole.findings)
    )
    assert fix(accepted, relint).fixed == 0


REFUSED: list[tuple[str, Edits, str]] = [
    (
        LINE.format("note: x"),
        of_first("attribute", 1 << 64),
        "0x10000000000000000 is not an unsigned 64-bit integer",
    ),
    (LINE.format("note: x"), of_first("virtual_start", 1 << 64), "is not an unsigned 64-bit"),
    (LINE.format("note: x"), of_first("virtual_start", -1), "is not an unsigned 64-bit"),
    (LINE.format("note: x"), of_first("type", 1 << 32), "0x100000000 is not a memory type"),
    (LINE.format("attribute: [WB]"), of_first("attribute", 1 << 52 | 8), "has no name to put into"),
    (LINE.format("attribute: [WB]"), of_first("attribute", "WB"), "`attribute` is a list"),
    (LINE.format("note: x"), of_first("nothing", 1), "there is no `nothing` in a mapping"),
    (LINE.format("note: x"), of_first("note", "a: b"), "`a: b` would need quotes"),
    (LINE.format("note: x"), of_first("note", None), "`note` is not an item of a list"),
    (LINE.format("note: x"), lambda p: [Edit(p)], "the whole file cannot be dropped"),
    (
        LINE.format("note: x"),
        lambda p: [Edit(p.memory_map, "origin", "nobody")],
        "`nobody` is not one of `firmware`",
    ),
    (
        LINE.format("note: x"),
        lambda p: [Edit(p, "handover.image.base", 1)],
        "there is no `handover`",
    ),
    (
        LINE.format("note: x"),
        lambda p: [Edit(p.memory_map.descriptors[0], "note", w) for w in ("a", "b")],
        "changes one field twice",
    ),
    (
        LINE.format("note: x"),
        lambda p: [Edit(replace(p.memory_map.descriptors[0], located=None), "note", "y")],
        "not written in the file",
    ),
    (
        LINE.format("note: x"),
        lambda p: [Edit(replace(p.memory_map.descriptors[0], located=p.memory_map.located))],
        "not written in the file",
    ),
    ("  missing: [[1, 2]]\n", of_first(None, None), "`missing` counts the indices"),
]


@pytest.mark.parametrize(("more", "edits", "why"), REFUSED, ids=[why for *_, why in REFUSED])
def test_a_fix_that_cannot_be_written_is_refused_with_the_reason(
    more: str, edits: Edits, why: str
) -> None:
    text = MAP + (LINE.format("note: x") if "missing" in more else "") + more

    def find(platform: Platform) -> Iterable[Finding]:
        made = tuple(edits(platform))
        yield Finding(platform.memory_map.descriptors[0], "no", fix=Fix("safe", "do", made))

    outcome = fixed(text, find)
    assert outcome.text == text
    assert outcome.fixed == 0
    assert outcome.report.findings[0].fix is None
    assert [why in refusal.why for refusal in outcome.refusals] == [True]
    assert str(outcome.refusals[0]).startswith("p.yaml:5:7: test/rule was not fixed: ")


def test_fixes_without_an_end_leave_the_file_as_it_was() -> None:
    def toggle(platform: Platform) -> Iterable[Finding]:
        one = platform.memory_map.descriptors[0]
        edit = Edit(one, "attribute", (one.attribute or 0) ^ RT)
        yield Finding(one, "no", fix=Fix("safe", "turn", (edit,)))

    text = MAP + LINE.format("attribute: [WB]")
    outcome = fixed(text, toggle)
    assert outcome.text == text
    assert outcome.fixed == 0
    assert outcome.refusals[0].why == f"there is no end to it after {MOST_ROUNDS} rounds"


def test_a_fix_that_changes_nothing_is_refused() -> None:
    def find(platform: Platform) -> Iterable[Finding]:
        one = platform.memory_map.descriptors[0]
        edit = Edit(one, "attribute", one.attribute)
        yield Finding(one, "no", fix=Fix("safe", "do", (edit,)))

    outcome = fixed(MAP + LINE.format("attribute: [WB]"), find)
    assert [refusal.why for refusal in outcome.refusals] == ["it changes nothing"]


def test_a_change_beside_the_edited_fields_is_refused_and_the_fix_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = fixing.apply_edits

    def careless(text: str, edits: Any) -> str:
        changed = honest(text, edits)
        return changed.replace("pages: 2", "pages: 3") if "[WT]" in changed else changed

    monkeypatch.setattr(fixing, "apply_edits", careless)
    bits = ("WB", "UC", "WT", "WC")
    text = MAP + "".join(LINE.format(f"attribute: [RUNTIME, {bit}]") for bit in bits)
    text += LINE.format("note: x").replace("pages: 1", "pages: 2")
    outcome = fixed(text, clear_runtime)
    assert outcome.text == text
    assert outcome.fixed == 0
    refusal = outcome.refusals[0]
    assert refusal.why == "it would also change `pages`"
    assert refusal.finding.finding.subject.attribute == RT | 4  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("after", "what"),
    [
        ("{a: 1, b: [x, y], c: {d: 2}}", "less than it should"),
        ("{a: 2, b: [x, y], c: {d: 2}}", "`a`"),
        ("{a: '1', b: [x, y], c: {d: 2}}", "`a`"),
        ("{b: [x, y], a: 1, c: {d: 2}}", "the file"),
        ("{a: 1, b: [x], c: {d: 2}}", "`b`"),
        ("{a: 1, b: [y, x], c: {d: 2}}", "`0`"),
        ("{a: 1, b: [x, y], c: {d: 3}}", "`d`"),
        ("{a: 1, b: [x, y], c: [d]}", "`c`"),
        ("{a: 1, b: [x, y], c: {d: 2}, e: 3}", "`e`"),
        ("{a: 1, b: [x, y]}", "the file"),
    ],
)
def test_every_difference_of_two_documents_is_seen(after: str, what: str) -> None:
    platform = read(MAP + LINE.format("note: x"))
    root = platform.located
    assert isinstance(root, Mapping)
    wanted = targets(of_first("note", "y")(platform), root)
    old, _ = parse(SourceText("", "{a: 1, b: [x, y], c: {d: 2}}"))
    new, _ = parse(SourceText("", after))
    assert isinstance(old, Mapping)
    assert isinstance(new, Mapping)
    assert Comparison(wanted).difference(old, new) == what


# Any platform file, in any of several styles: only what was edited differs.

FIELDS = {"type": "type", "pages": "number_of_pages", "attribute": "attribute"}
FIELDS |= {"virtual_start": "virtual_start", "physical_start": "physical_start"}
WORDS = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 8, RT, RT | 8, 0x7EC0_0000])
NAMED = st.lists(st.sampled_from(list(ATTRIBUTE_BITS)), unique=True)
NAMES = {number: name for name, number in MEMORY_TYPES.items()}


@st.composite
def numbers(draw: st.DrawFn) -> tuple[int, str]:
    value = draw(WORDS)
    spelled = draw(
        st.sampled_from(["{:#x}", "0x{:016X}", "0x{:_x}", "0x{:019_x}", "{}", "{:_}", "'{:#x}'"])
    )
    return value, spelled.format(value)


@st.composite
def words(draw: st.DrawFn, block: str) -> tuple[int, str]:
    if draw(st.booleans()):
        return draw(numbers())
    names = draw(NAMED)
    value = sum(ATTRIBUTE_BITS[name] for name in names)
    quote = draw(st.sampled_from(["", '"', "'"]))
    items = [f"{quote}{name}{quote}" for name in names]
    styles = ["[{}]", "[ {} ]", "[{},]"] if items else ["[]", "[ ]"]
    if items and block:
        return value, "".join(f"\n{block}- {item} # {n}" for n, item in enumerate(items))
    between = draw(st.sampled_from([", ", ",", " , ", ",  # why\n           "]))
    return value, draw(st.sampled_from(styles)).format(between.join(items))


@st.composite
def descriptors(draw: st.DrawFn, n: int) -> tuple[MemoryDescriptor, str]:
    block = draw(st.booleans())
    number, literal = draw(st.sampled_from([(5, "5"), (7, NAMES[7]), (10, f'"{NAMES[10]}"')]))
    start, pages = draw(numbers()), draw(numbers())
    cells = [("type", literal), ("physical_start", start[1]), ("pages", pages[1])]
    attribute = draw(st.none() | words("        " if block else ""))
    virtual = draw(st.none() | numbers())
    cells += [("attribute", attribute[1])] if attribute else []
    cells += [("virtual_start", virtual[1])] if virtual else []
    cells = draw(st.permutations(cells))
    comment = f"  # line {n}"
    if block:
        rows = [f"{key}:{text if text[0] == chr(10) else ' ' + text}" for key, text in cells]
        rows = [f"{row}{comment}" if row.startswith("type:") else row for row in rows]
        written = "    - " + "\n      ".join(rows) + "\n"
    else:
        wide = draw(st.sampled_from([", ", ",    ", ",\n        "]))
        written = f"    - {{{wide.join(f'{k}: {t}' for k, t in cells)}}}{comment}\n"
    made = MemoryDescriptor(
        index=n,
        type=number,
        physical_start=start[0],
        number_of_pages=pages[0],
        attribute=attribute[0] if attribute else None,
        virtual_start=virtual[0] if virtual else None,
    )
    return made, written


@given(st.data())
def test_only_the_edited_fields_differ_whatever_the_style(data: st.DataObject) -> None:
    drawn = [data.draw(descriptors(n)) for n in range(data.draw(st.integers(1, 4)))]
    ending = data.draw(st.sampled_from(["\n", "\r\n"]))
    text = MAP + "".join(written for _, written in drawn) + "# the end"
    text = text.replace("\n", ending)
    platform = read(text)
    assert list(platform.memory_map.descriptors) == [made for made, _ in drawn]
    changes: list[tuple[int, str | None, int | None]] = []
    for n in range(len(drawn)):
        field = data.draw(st.sampled_from([None, "drop", *FIELDS]))
        if field == "drop":
            changes.append((n, None, None))
        elif field == "attribute":
            names = data.draw(NAMED)
            changes.append((n, field, sum(ATTRIBUTE_BITS[name] for name in names)))
        elif field:
            values = st.integers(0, 15) if field == "type" else WORDS
            changes.append((n, field, data.draw(values)))
    expected: list[MemoryDescriptor] = [made for made, _ in drawn]
    for n, field, value in changes:
        if field:
            expected[n] = replace(expected[n], **{FIELDS[field]: value})
    gone = {n for n, field, _ in changes if field is None}
    expected = [made for n, made in enumerate(expected) if n not in gone]
    expected = [replace(made, index=n) for n, made in enumerate(expected)]
    asked = iter([True])

    def find(found: Platform) -> Iterable[Finding]:
        if next(asked, False):
            for n, field, value in changes:
                one = found.memory_map.descriptors[n]
                yield Finding(one, "no", fix=Fix("safe", "do", (Edit(one, field, value),)))

    outcome = fixed(text, find)
    if outcome.refusals:
        # The drawn value may be the one that is there already.
        assert [refusal.why for refusal in outcome.refusals] == ["it changes nothing"]
        assert outcome.text == text
        return
    assert list(read(outcome.text).memory_map.descriptors) == expected
    comments = [f"# line {n}" for n in range(len(drawn)) if n not in gone]
    assert [c for c in comments if c not in outcome.text] == []
    assert outcome.text.endswith(f"{ending}# the end")
    assert outcome.text.count("\r\n") == (outcome.text.count("\n") if ending != "\n" else 0)
    untouched = [w for n, (_, w) in enumerate(drawn) if n not in {c[0] for c in changes}]
    assert all(w.replace("\n", ending) in outcome.text for w in untouched)
