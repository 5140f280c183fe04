"""A wrong rule breaks a promise of the suite, and the right one none."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from efipolicy.plugin import AddressRange, Bad, Good, Option
from efipolicy.testing import RuleConformance
from tests.conftest import ROOT
from tests.testing import rule_mutants as mutants
from tests.testing.mutants import broken
from tests.testing.rule_mutants import EXAMPLES, LIMIT, changed, found, mended, of, stated

IS_TRUE = "test_an_example_is_true"
EVERY_MAP = "test_it_judges_every_map"
PAGE = "test_its_page_is_whole"
BAD = (Bad("EfiPersistentMemory  0x100000000  16  WB NV"),)
GOOD = (Good("EfiReservedMemoryType  0x100000000  16  WB"),)


def of_rule(mutant: Any, only: str | None = None) -> set[str]:
    return broken(RuleConformance.of([mutant], random_maps=2), only)


def test_a_right_rule_breaks_no_promise() -> None:
    assert of_rule(mutants.RIGHT) == set()
    assert of_rule(mended("safe")) == set()


@pytest.mark.parametrize(
    ("mutant", "test"),
    [
        pytest.param(of(mutants.never), IS_TRUE, id="never-fires"),
        pytest.param(of(mutants.always), IS_TRUE, id="fires-at-everything"),
        pytest.param(of(mutants.of_the_whole_list), IS_TRUE, id="reports-the-list"),
        pytest.param(of(mutants.plain_words), IS_TRUE, id="yields-words"),
        pytest.param(of(mutants.unable), IS_TRUE, id="could-never-judge"),
        pytest.param(of(mutants.twice), IS_TRUE, id="says-it-twice"),
        pytest.param(of(mutants.sorting_in_place), IS_TRUE, id="sorts-in-place"),
        pytest.param(of(mutants.retyping), IS_TRUE, id="repairs-what-it-reports"),
        pytest.param(mutants.counting(), IS_TRUE, id="remembers"),
        pytest.param(mutants.moving(), IS_TRUE, id="remembers-places"),
        pytest.param(found(message=" "), IS_TRUE, id="speechless"),
        pytest.param(found(message="one\ntwo"), IS_TRUE, id="two-lines"),
        pytest.param(found(field="kind"), IS_TRUE, id="field-of-nobody"),
        pytest.param(changed(mutants.copied), IS_TRUE, id="subject-is-a-copy"),
        pytest.param(changed(mutants.beside), IS_TRUE, id="relates-what-it-made-up"),
        pytest.param(changed(mutants.elsewhere), IS_TRUE, id="region-elsewhere"),
        pytest.param(
            found(region=AddressRange(0xDEAD_0000, 0xDEAD_1000)), IS_TRUE, id="region-of-nobody"
        ),
        pytest.param(
            of(
                mutants.of_nowhere,
                examples=(Bad("EfiPersistentMemory  0x100000000  16  WB", at=0), *GOOD),
            ),
            IS_TRUE,
            id="region-not-in-the-map",
        ),
        pytest.param(mended("unsafe"), IS_TRUE, id="fix-less-safe-than-said"),
        pytest.param(mended("safe", says="none"), IS_TRUE, id="fix-that-is-not-announced"),
        pytest.param(mended("safe", edits=False), IS_TRUE, id="fix-that-changes-nothing"),
        pytest.param(of(mutants.asking_attributes), EVERY_MAP, id="unknown-attributes"),
        pytest.param(of(mutants.highest_first), EVERY_MAP, id="no-descriptors"),
        pytest.param(of(mutants.following), EVERY_MAP, id="nothing-follows-the-last"),
        pytest.param(
            of(mutants.of_nothing),
            "test_it_finds_nothing_on_an_empty_platform",
            id="complains-of-nothing",
        ),
        pytest.param(stated(examples=BAD), "test_it_has_examples_of_both_kinds", id="only-bad"),
        pytest.param(stated(examples=GOOD), "test_it_has_examples_of_both_kinds", id="only-good"),
        pytest.param(
            stated(examples=(Bad("EfiPersistentMemory 0x1000 1", at=2), *GOOD)),
            IS_TRUE,
            id="example-points-elsewhere",
        ),
        pytest.param(
            stated(examples=(*EXAMPLES, Good("EfiPersistentMemory 0x1000 1"))),
            IS_TRUE,
            id="good-example-that-is-bad",
        ),
        pytest.param(stated(id="acme/Persistent"), "test_its_id_is_pack_and_name", id="upper-case"),
        pytest.param(stated(id="persistent"), "test_its_id_is_pack_and_name", id="no-pack"),
        pytest.param(stated(id="uefi/persistent"), "test_its_pack_is_its_own", id="pack-of-others"),
        pytest.param(stated(help=" "), PAGE, id="no-help"),
        pytest.param(stated(sources=("",)), PAGE, id="no-source"),
        pytest.param(stated(requirements=(" ",)), PAGE, id="empty-requirement"),
        pytest.param(
            stated(architectures=("aarch64",)),
            "test_its_architectures_are_spelt_as_they_are_known",
            id="architecture-misspelt",
        ),
        pytest.param(
            stated(unless=("uefi/no-such-rule",)),
            "test_what_it_gives_way_to_is_there",
            id="gives-way-to-nobody",
        ),
        pytest.param(
            of(mutants.limited, options=(LIMIT,)),
            "test_its_options_are_sound",
            id="option-that-nobody-reads",
        ),
        pytest.param(
            of(
                mutants.keeping,
                options=(Option(name="limit", kind="pages", default="many", doc="x"),),
            ),
            "test_its_options_are_sound",
            id="default-that-is-none",
        ),
    ],
)
def test_a_wrong_rule_breaks_the_promise(mutant: Any, test: str) -> None:
    assert of_rule(mutant, test) == {test}


def test_a_page_without_a_sentence_is_found() -> None:
    mutants.limited.__doc__ = "persistent memory\nis bad"
    assert of_rule(of(mutants.limited), PAGE) == {PAGE}


def test_what_breaks_a_promise_is_told_with_the_least_map() -> None:
    suite = RuleConformance.of([of(mutants.asking_attributes)])
    (first,) = suite().cases("first") or ()
    with pytest.raises(AssertionError) as told:
        suite().test_it_judges_every_map(first)
    assert str(told.value) == (
        "acme/persistent-memory: it raised TypeError: unsupported operand type(s) for &: "
        "'NoneType' and 'int'\n"
        "  with the memory map (unknown attributes):\n"
        "    EfiRuntimeServicesCode 0x7e000000 4 ?"
    )


def test_findings_in_the_order_of_a_set_of_words_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = (ROOT / "docs" / "reference" / "hooks" / "rules.py").read_text(encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name, listed in (("acme_in_order", "sorted"), ("acme_by_hash", "list")):
        words = f'WORDS = {listed}({{"persists", "survives", "remains", "lasts", "stays"}})'
        text = example.replace("EFIPOLICY_API = 1", f"EFIPOLICY_API = 1\n{words}")
        text = text.replace("{descriptor} is persistent", "it {WORDS[0]}")
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    RuleConformance.of(import_module("acme_in_order"))().test_hash_seeds_change_nothing()
    wrong = RuleConformance.of(import_module("acme_by_hash"))
    with pytest.raises(AssertionError, match="says other"):
        wrong().test_hash_seeds_change_nothing()
