"""Whatever a row of a page-table dump went through, it is read right or reported."""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efipolicy.formats import marks
from efipolicy.source import SourceText
from tests.formats import printing
from tests.formats.page_table_texts import (
    DIALECTS,
    Dialect,
    Row,
    as_read,
    capture_of,
    dump_of,
    platform_of,
    ranges_of,
)

EACH = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.row.__name__)
SOME = settings(max_examples=25, deadline=None)


def assert_right_or_reported(text: str, rows: list[Row], dialect: Dialect) -> None:
    """Each range is one that was printed, in their order; where one is missing a line says so."""
    platform = platform_of(text)
    capture = platform.capture if platform else None
    expected = as_read(rows, dialect)
    left = iter(expected)
    found = ranges_of(capture)
    assert all(one in left for one in found)
    if capture and len(found) < len(expected):
        assert capture.unreadable


@EACH
@SOME
@given(data=st.data())
def test_what_is_printed_is_read_back(dialect: Dialect, data: st.DataObject) -> None:
    rows = data.draw(dialect.rows())
    capture = capture_of("\n".join(map(dialect.row, rows)))
    assert [line.what for line in capture.unreadable] == []
    assert ranges_of(capture) == as_read(rows, dialect)
    assert (capture.dialect, capture.skipped_lines) == (dialect.name, 0)
    assert len(capture.page_tables) == 1


@EACH
@SOME
@given(data=st.data())
def test_blanks_that_mail_compresses_change_nothing(dialect: Dialect, data: st.DataObject) -> None:
    rows = data.draw(dialect.rows())
    text = "\n".join(" ".join(dialect.row(row).split()) for row in rows)
    assert ranges_of(capture_of(text)) == as_read(rows, dialect)
    dump_of(text)


@EACH
@SOME
@given(data=st.data())
def test_prefixes_noise_copies_and_line_ends_change_nothing(
    dialect: Dialect, data: st.DataObject
) -> None:
    rows = data.draw(dialect.rows())
    prefix = data.draw(st.sampled_from(printing.PREFIXES))
    lines: list[str] = []
    for row in rows:
        lines += data.draw(st.lists(st.sampled_from(printing.NOISE), max_size=2))
        lines += [prefix + dialect.row(row)] * data.draw(st.sampled_from((1, 1, 2)))
    end = data.draw(st.sampled_from(("\n", "\r\n", " \n")))
    text = end.join(lines) + end
    assert ranges_of(capture_of(text)) == as_read(rows, dialect)
    dump_of(text)


@EACH
@SOME
@given(data=st.data())
def test_a_row_wrapped_at_a_blank_is_read_right_or_reported(
    dialect: Dialect, data: st.DataObject
) -> None:
    rows = data.draw(dialect.rows())
    text = data.draw(printing.damaged([dialect.row(row) for row in rows]))
    assert_right_or_reported(text, rows, dialect)


@EACH
@SOME
@given(data=st.data())
def test_a_row_cut_at_any_column_is_read_right_or_reported(
    dialect: Dialect, data: st.DataObject
) -> None:
    rows = data.draw(dialect.rows())
    width = data.draw(st.integers(20, 100))
    prefix = data.draw(st.sampled_from(("", "[    0.417898] ")))
    lines = [part for row in rows for part in printing.cut(prefix + dialect.row(row), width)]
    assert_right_or_reported("\n".join(lines), rows, dialect)


@EACH
@SOME
@given(data=st.data())
def test_a_wrapped_row_of_which_a_line_is_lost_is_never_read_wrong(
    dialect: Dialect, data: st.DataObject
) -> None:
    rows = data.draw(dialect.rows())
    width = data.draw(st.integers(36, 100))
    cutting = data.draw(st.booleans())
    lines: list[str] = []
    for row in rows:
        line = dialect.row(row)
        lines += printing.cut(line, width) if cutting else printing.wrapped(line, width, quote="")
    del lines[data.draw(st.integers(0, len(lines) - 1))]
    platform = platform_of("\n".join(lines))
    left = iter(_without_endings(as_read(rows, dialect)))
    found = ranges_of(platform.capture if platform else None)
    assert all(one in left for one in _without_endings(found))


def _without_endings(found: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Ranges without the `-NC` of `MEM/NORMAL-NC`: nothing tells that such an end is lost."""
    return [
        (*rest, tuple(word.partition("-")[0] for word in flags))
        for *rest, flags in found
        if isinstance(flags, tuple)
    ]


@EACH
@SOME
@given(data=st.data())
def test_a_row_that_breaks_off_is_never_read_wrong(dialect: Dialect, data: st.DataObject) -> None:
    rows = data.draw(dialect.rows().filter(lambda found: len(found) > 1))
    place = data.draw(st.integers(0, len(rows) - 1))
    lines = [dialect.row(row).rstrip() for row in rows]
    lines[place] = lines[place][: data.draw(st.integers(0, len(lines[place]) - 1))]
    platform = platform_of("\n".join(lines))
    found = _without_endings(ranges_of(platform.capture if platform else None))
    expected = _without_endings(as_read(rows, dialect))
    broken = _without_endings(as_read(rows[place : place + 1], dialect))
    assert [one for one in found if one not in expected] == []
    assert [one for one in expected if one not in (*found, *broken)] == []


@EACH
@SOME
@given(data=st.data())
def test_quoted_printable_mail_is_read_right_or_reported(
    dialect: Dialect, data: st.DataObject
) -> None:
    rows = data.draw(dialect.rows())
    lines = [part for row in rows for part in printing.quoted_printable(dialect.row(row))]
    assert_right_or_reported("\n".join(lines), rows, dialect)


@EACH
@SOME
@given(data=st.data())
def test_forum_tags_change_nothing_and_spans_are_of_the_original(
    dialect: Dialect, data: st.DataObject
) -> None:
    rows = data.draw(dialect.rows())
    places = st.lists(st.integers(0, 200), max_size=4)
    text = "\n".join(printing.tagged(dialect.row(row), data.draw(places)) for row in rows)
    dump = dump_of(text)
    assert ranges_of(capture_of(text)) == as_read(rows, dialect)
    for one in dump.ranges:
        assert one.located.span.text in text


@EACH
@SOME
@given(data=st.data())
def test_a_size_that_is_not_that_of_the_range_is_reported(
    dialect: Dialect, data: st.DataObject
) -> None:
    rows = data.draw(dialect.rows())
    place = data.draw(st.integers(0, len(rows) - 1))
    lines = [dialect.row(row) for row in rows]
    lines[place] = re.sub(r"(?<= )\d+[KMGTPE](?= )", "12345K", lines[place], count=1)
    capture = capture_of("\n".join(lines))
    (refused,) = capture.unreadable
    assert refused.what == f"a size of 12345K for {rows[place].start:#x}-{rows[place].end:#x}"
    assert ranges_of(capture) == as_read(rows[:place] + rows[place + 1 :], dialect)


@EACH
def test_fields_stand_where_they_say(dialect: Dialect) -> None:
    entry = dialect.entries[dialect.page]
    physical_start = 0x1234000 if dialect.physical else None
    row = Row(entry, 3 * entry, dialect.page, dialect.plain(), physical_start)
    line = "[    0.417898] " + dialect.row(row)
    (found,) = dump_of("noise\n" + line).ranges
    spans = {
        name: found.located.span_of(name)
        for name in ("virtual_start", "virtual_end", "size", "level", "physical_start")
    }
    start, end = spans["virtual_start"], spans["virtual_end"]
    assert start
    assert end
    assert (int(start.text, 16), int(end.text, 16)) == found.virtual
    assert (start.line, start.column) == (2, line.index("0x") + 3)
    assert spans["level"]
    assert spans["level"].text == dialect.page
    physical = spans["physical_start"]
    assert (int(physical.text, 16) if physical else None) == row.physical_start


GROWING = {
    "rows": "{row}\n",
    "rows between parts": "---[ a ]---\n{row}\n",
    "rows between unreadable ones": "{row}\n{broken}\n",
    "rows that go back": "{row}\n{row}\n{first}\n",
    "rows cut at the first address": "{row}\n{broken:.12}\n",
    "rows on one line": "{row} ",
    "ranges on one line": "{broken:.37} ",
}


@EACH
@pytest.mark.parametrize("part", GROWING.values(), ids=GROWING)
def test_four_times_the_text_is_four_times_the_work(dialect: Dialect, part: str) -> None:
    small, large = (_work(dialect, part, size) for size in (100, 400))
    assert large < 5 * small


def _work(dialect: Dialect, part: str, size: int) -> int:
    """How many lines of Python run when a text of so many parts is read."""
    level, entry, flags = dialect.page, dialect.entries[dialect.page], dialect.plain()
    rows = [Row(at * entry, (at + 1) * entry, level, flags, 0) for at in range(size)]
    text = "".join(
        part.format(
            row=dialect.row(row),
            first=dialect.row(rows[0]),
            broken=dialect.row(row).replace(" 4K", " 8K"),
        )
        for row in rows
    )
    form = next(form for form in marks.FORMATS if form.name == dialect.name)
    form.read(SourceText("dump.txt", text[:100]))
    count = 0

    def counted(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return counted

    before = sys.gettrace()
    sys.settrace(counted)
    try:
        form.read(SourceText("dump.txt", text))
    finally:
        sys.settrace(before)
    return count


@EACH
@SOME
@given(data=st.data())
def test_neighbouring_rows_of_a_dump_never_overlap(dialect: Dialect, data: st.DataObject) -> None:
    rows = data.draw(dialect.rows())
    text = "\n".join(map(dialect.row, rows + rows))
    for dump in capture_of(text).page_tables:
        assert all(one.virtual.end <= two.virtual.start for one, two in pairwise(dump.ranges))
