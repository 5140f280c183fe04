"""Whatever a text went through, an entry is read right, or its line is reported."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.plugin.types import CaptureReading
from efipolicy.source import InputError, SourceText
from tests.formats import printing
from tests.formats.reading import reading_of

DIALECTS = pytest.mark.parametrize("dialect", printing.PRINTERS)
Map = tuple[MemoryDescriptor, ...]


def read(text: str) -> CaptureReading:
    return reading_of(SourceText("log.txt", text))


def printer(dialect: str) -> Callable[[MemoryDescriptor], str]:
    return printing.PRINTERS[dialect]


def maps_of(dialect: str) -> st.SearchStrategy[Map]:
    # Kernels of the half-open era know fewer types, and a shell prints OEM types in eight digits.
    return printing.maps()


@DIALECTS
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_printed_is_read_back(dialect: str, data: st.DataObject) -> None:
    descriptors = data.draw(maps_of(dialect))
    platform = read("\n".join(map(printer(dialect), descriptors))).platform
    assert platform.memory_map.descriptors == descriptors
    assert platform.capture
    assert platform.capture.dialect == dialect
    assert platform.capture.unreadable == ()
    assert platform.capture.skipped_lines == 0


@DIALECTS
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_prefixes_noise_wraps_copies_and_line_ends_change_nothing(
    dialect: str, data: st.DataObject
) -> None:
    descriptors = data.draw(maps_of(dialect))
    lines = [printer(dialect)(one) for one in descriptors]
    platform = read(data.draw(printing.damaged(lines))).platform
    assert platform.memory_map.descriptors == descriptors
    assert platform.capture
    assert platform.capture.unreadable == ()


@DIALECTS
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_forum_tags_change_nothing_and_spans_are_of_the_original(
    dialect: str, data: st.DataObject
) -> None:
    descriptors = data.draw(maps_of(dialect))
    places = st.lists(st.integers(0, 200), max_size=4)
    lines = [printing.tagged(printer(dialect)(one), data.draw(places)) for one in descriptors]
    platform = read("\n".join(lines)).platform
    assert platform.memory_map.descriptors == descriptors
    for one, line in zip(platform.memory_map.descriptors, lines, strict=True):
        assert one.located
        assert one.located.span.text in line


@pytest.mark.parametrize(
    "dialect", [name for name in printing.PRINTERS if name.startswith("linux-x86")]
)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_quoted_printable_mail_changes_nothing(dialect: str, data: st.DataObject) -> None:
    descriptors = data.draw(maps_of(dialect))
    lines = [
        part
        for one in descriptors
        for part in printing.quoted_printable("[    0.000000] " + printer(dialect)(one))
    ]
    platform = read("\n".join(lines)).platform
    assert platform.memory_map.descriptors == descriptors


@DIALECTS
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_line_cut_at_any_column_is_read_right_or_reported(
    dialect: str, data: st.DataObject
) -> None:
    descriptors = data.draw(maps_of(dialect))
    broken = data.draw(st.integers(0, len(descriptors) - 1))
    lines: list[str] = []
    for number, one in enumerate(descriptors):
        line = "[    0.000000] " + printer(dialect)(one)
        if number == broken:
            lines += printing.cut(line, data.draw(st.integers(30, len(line))))
        else:
            lines.append(line)
    judge(descriptors, broken, "\n".join(lines))


@DIALECTS
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_shortened_line_is_read_right_or_reported(dialect: str, data: st.DataObject) -> None:
    descriptors = data.draw(maps_of(dialect))
    broken = data.draw(st.integers(0, len(descriptors) - 1))
    lines = ["[    0.000000] " + printer(dialect)(one) for one in descriptors]
    lines[broken] = lines[broken][: data.draw(st.integers(48, len(lines[broken])))]
    judge(descriptors, broken, "\n".join(lines))


def judge(descriptors: Map, broken: int, text: str) -> None:
    """All entries but one are there; that one is there as well, or a line is reported."""
    try:
        platform = read(text).platform
    except InputError:
        assert len(descriptors) == 1
        return
    assert platform.capture
    found = [value(one) for one in platform.memory_map.descriptors]
    expected = [value(one) for one in descriptors]
    if found != expected:
        assert found == expected[:broken] + expected[broken + 1 :]
        assert platform.capture.unreadable
    if len(descriptors) == 1 and not found:
        assert platform.capture.unreadable


def value(one: MemoryDescriptor) -> tuple[object, ...]:
    return one.type, one.physical_start, one.number_of_pages, one.attribute
