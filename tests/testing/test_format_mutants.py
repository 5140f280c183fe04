"""A wrong capture format breaks a promise of the suite, and the right one none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from efipolicy.plugin import MemoryMap
from efipolicy.testing import FormatConformance
from tests.testing import format_mutants as mutants
from tests.testing.format_mutants import changed, each, of, with_rows
from tests.testing.mutants import broken

READ = "test_a_sample_is_read"
PLACE = "test_every_descriptor_knows_its_place"
FOREIGN = "test_it_reads_nothing_of_foreign_texts"
NOISE = "test_noise_around_it_changes_nothing"
SPOILT = "test_a_spoilt_number_is_told"
PRINTED = "test_what_is_printed_is_read_back"


class Printing(FormatConformance):
    """The suite with the loader's printer."""

    samples = (mutants.SAMPLE,)

    def printed(self, memory_map: MemoryMap) -> str:
        return mutants.printed(memory_map)


def of_format(mutant: Any, only: str | None = None) -> set[str]:
    return broken(Printing.of([mutant]), only)


def test_a_right_format_breaks_no_promise() -> None:
    assert of_format(of(mutants.right)) == set()


@pytest.mark.parametrize(
    ("mutant", "test"),
    [
        pytest.param(each(mutants.wrapping), PRINTED, id="wraps-an-end"),
        pytest.param(each(mutants.narrow), PRINTED, id="pages-of-32-bits"),
        pytest.param(each(mutants.signed), PRINTED, id="addresses-with-a-sign"),
        pytest.param(
            each(lambda one: replace(one, attribute=0xF)), PRINTED, id="attributes-of-its-own"
        ),
        pytest.param(
            with_rows(lambda rows: tuple(row for row in rows if row.number_of_pages)),
            PRINTED,
            id="drops-empty-regions",
        ),
        pytest.param(
            with_rows(lambda rows: tuple({row.physical_start: row for row in rows}.values())),
            PRINTED,
            id="drops-the-same-twice",
        ),
        pytest.param(
            with_rows(lambda rows: tuple(sorted(rows, key=lambda row: row.physical_start))),
            PRINTED,
            id="sorts",
        ),
        pytest.param(changed(mutants.without_what_it_could_not_read), SPOILT, id="drops-a-line"),
        pytest.param(of(mutants.lenient), SPOILT, id="reads-half-a-number"),
        pytest.param(each(lambda one: replace(one, located=None)), PLACE, id="loses-places"),
        pytest.param(with_rows(mutants.one_place), PLACE, id="one-place-for-all"),
        pytest.param(each(mutants.shifted), PLACE, id="fields-elsewhere"),
        pytest.param(of(mutants.greedy), FOREIGN, id="takes-every-text"),
        pytest.param(of(mutants.inventive), FOREIGN, id="finds-regions-in-numbers"),
        pytest.param(of(mutants.raising), FOREIGN, id="raises"),
        pytest.param(of(mutants.proud), NOISE, id="understands-every-line"),
        pytest.param(of(mutants.from_the_start), NOISE, id="wants-the-banner-first"),
        pytest.param(
            of(mutants.line_by_line), "test_ends_of_lines_change_nothing", id="no-serial-console"
        ),
        pytest.param(
            of(mutants.with_a_last_row),
            "test_a_capture_that_ends_early_invents_nothing",
            id="invents-the-rest",
        ),
        pytest.param(of(lambda _: None), READ, id="reads-nothing"),
        pytest.param(of(mutants.right, dialects=("acme",)), READ, id="dialect-of-nobody"),
        pytest.param(mutants.counting(), READ, id="remembers"),
        pytest.param(with_rows(list), READ, id="descriptors-in-a-list"),
        pytest.param(each(lambda one: replace(one, index=0)), READ, id="all-are-the-first"),
        pytest.param(
            changed(lambda reading: reading._replace(understood=99)), READ, id="more-than-there-is"
        ),
        pytest.param(
            of(mutants.right, dialects=()), "test_it_has_a_name_and_dialects", id="no-dialects"
        ),
    ],
)
def test_a_wrong_format_breaks_the_promise(mutant: Any, test: str) -> None:
    assert of_format(mutant, test) == {test}


def test_what_is_dropped_is_told_with_the_place() -> None:
    suite = Printing.of([changed(mutants.without_what_it_could_not_read)])
    (sample,) = suite().cases("sample") or ()
    with pytest.raises(AssertionError) as told:
        suite().test_a_spoilt_number_is_told(sample)
    assert str(told.value).partition("\n")[0] == (
        "acme: `0x~` in line 2 of sample-1 is dropped in silence"
    )


def test_a_map_that_the_system_cannot_print_is_left_out() -> None:
    class Short(Printing):
        def printed(self, memory_map: MemoryMap) -> str | None:  # type: ignore[override]
            tall = any(one.physical.end > 1 << 64 for one in memory_map.descriptors)
            return None if tall else mutants.printed(memory_map)

    assert broken(Short.of([each(mutants.wrapping)]), PRINTED) == {PRINTED}
    assert broken(Short.of([of(mutants.right)]), PRINTED) == set()


def test_without_a_sample_nothing_is_tested_and_that_is_told() -> None:
    with pytest.raises(LookupError, match="samples is empty"):
        list(FormatConformance.of([of(mutants.right)]).all_samples())
