"""Findings new and fixed between two platforms, and whether a hibernated system may wake up."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from efipolicy.engine.differing import Boot, Difference, boots_in, difference, over_all
from efipolicy.engine.linting import lint
from efipolicy.model.changes import REUSED, outlives_boot
from efipolicy.model.platform import ArchitectureReason, Capture, Platform
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection
from efipolicy.source import SourceText, TextRecord
from efipolicy.testing import factories

FREE = "EfiConventionalMemory   0x100000    0x1000  WB"
CODE = "EfiRuntimeServicesCode  0x7f000000  0x100   WB RUNTIME"
DATA = "EfiRuntimeServicesData  0x7f100000  0x80    WB RUNTIME"
NVS = "EfiACPIMemoryNVS        0x7f180000  0x10    WB"
TABLES = "EfiACPIReclaimMemory  0x7f190000  0x10    WB"
KEPT = (FREE, CODE, DATA, NVS, TABLES)
FAR = "EfiRuntimeServicesData  0x7e100000  0x80    WB RUNTIME"


def boot(registry: Registry, platform: Platform, name: str, *rules: str) -> Boot:
    report, errors = lint(
        platform,
        [registry.rules[rule] for rule in rules],
        registry.architectures,
        Selection(()),
        path=name,
        today="2027-01-01",
    )
    assert not errors
    return Boot(name, report)


def differing(registry: Registry, old: Platform, new: Platform, *rules: str) -> Difference:
    before, after = boot(registry, old, "old", *rules), boot(registry, new, "new", *rules)
    return difference(before, after, registry.rules)


def verdict(registry: Registry, old: Platform, new: Platform) -> tuple[str, list[str]]:
    found = differing(registry, old, new).hibernation
    return found.verdict, [reason.message for reason in found.why]


def platform(*lines: str, **fields: Any) -> Platform:
    return factories.platform(*lines, **fields)


class TestHibernation:
    def test_is_safe_where_everything_that_outlives_the_boot_stays(
        self, registry: Registry
    ) -> None:
        new = platform(
            *KEPT[1:],
            "EfiConventionalMemory 0x100000 0xfff WB",
            "EfiBootServicesData 0x10ff000 1 WB",
        )
        assert verdict(registry, platform(*KEPT), new) == (
            "safe",
            ["all 4 regions of old that outlive the boot are where they were"],
        )

    @pytest.mark.parametrize(
        ("kept", "words"),
        [
            (0, "no region of old outlives the boot"),
            (1, "the one region of old that outlives the boot is where it was"),
            (2, "all 2 regions of old that outlive the boot are where they were"),
        ],
    )
    def test_counts_the_regions_of_the_old_boot_and_names_those_that_are_new(
        self, registry: Registry, kept: int, words: str
    ) -> None:
        lines = (FREE, *KEPT[1 : kept + 1])
        new = platform(*lines, "EfiReservedMemoryType 0xb0000000 0x10000 UC")
        old = platform(*lines, "EfiReservedMemoryType 0xa0000000 0 UC")
        assert verdict(registry, old, new) == (
            "safe",
            [words, "EfiReservedMemoryType 0xb0000000-0xc0000000 is new, where nothing was"],
        )

    def test_does_not_mind_a_region_without_pages(self, registry: Registry) -> None:
        for line in ("EfiReservedMemoryType 0x5000000 0 UC", "EfiPalCode 0x90000000 0 RUNTIME"):
            with_it, without_it = platform(*KEPT, line), platform(*KEPT)
            assert verdict(registry, with_it, without_it)[0] == "safe"
            assert verdict(registry, without_it, with_it)[0] == "safe"
        emptied = platform(FREE, CODE, DATA, NVS, TABLES.replace("0x10 ", "0 "))
        found = verdict(registry, platform(*KEPT), emptied)
        assert found == (
            "unsafe",
            ["EfiACPIReclaimMemory 0x7f190000-0x7f1a0000 has 0x0 pages (-16)"],
        )

    @pytest.mark.parametrize("fields", [{}, {"extent": "partial"}, {"origin": "kernel-edited"}])
    def test_does_not_mind_into_how_many_descriptors_a_region_is_split(
        self, registry: Registry, fields: dict[str, Any]
    ) -> None:
        halves = (
            "EfiRuntimeServicesCode  0x7f000000  0x60   WB RUNTIME",
            "EfiRuntimeServicesCode  0x7f060000  0xa0   WB RUNTIME RO",
        )
        one = platform(*KEPT, **fields)
        two = platform(FREE, *halves, DATA, NVS, TABLES, **fields)
        expected = "unknown" if fields.get("extent") else "safe"
        for old, new in ((one, two), (two, one)):
            assert differing(registry, old, new).regions
            assert verdict(registry, old, new)[0] == expected

    def test_sees_what_a_split_region_lost_or_gained(self, registry: Registry) -> None:
        halves = (
            "EfiRuntimeServicesCode  0x7f000000  0x60   WB RUNTIME",
            "EfiRuntimeServicesCode  0x7f060000  0x9f   WB RUNTIME",
        )
        one, two = platform(*KEPT), platform(FREE, *halves, DATA, NVS, TABLES)
        assert verdict(registry, one, two)[0] == "unsafe"
        assert verdict(registry, two, one)[0] == "unsafe"

    def test_tells_a_region_that_is_new_from_one_that_was_merged(self, registry: Registry) -> None:
        halves = ("EfiACPIMemoryNVS 0x7f180000 8 WB", "EfiACPIMemoryNVS 0x7f188000 8 WB")
        old = platform(FREE, CODE, DATA, *halves, TABLES)
        new = platform(*KEPT, "EfiACPIMemoryNVS 0xb0000000 8 WB")
        assert verdict(registry, old, new)[0] == "safe"
        runtime = "EfiRuntimeServicesData 0xb0000000 0x40 WB RUNTIME"
        halves = (DATA.replace("0x80 ", "0x40"), "EfiRuntimeServicesData 0x7f140000 0x40 RUNTIME")
        old = platform(FREE, CODE, *halves, NVS, TABLES)
        assert verdict(registry, old, platform(*KEPT, runtime)) == (
            "unsafe",
            ["EfiRuntimeServicesData 0xb0000000-0xb0040000 is new"],
        )

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            (FAR, "is at 0x7e100000 (0x1000000 bytes lower)"),
            ("EfiRuntimeServicesData 0x7f100000 0x7f WB RUNTIME", "has 0x7f pages (-1)"),
            ("EfiReservedMemoryType 0x7f100000 0x80 WB", "is EfiReservedMemoryType"),
            ("EfiConventionalMemory 0x7f100000 0x80 WB", "is EfiConventionalMemory"),
            ("EfiConventionalMemory 0x10000000 0x9 WB", "is not there"),
        ],
    )
    def test_is_unsafe_where_one_does_not(self, registry: Registry, line: str, why: str) -> None:
        new = platform(FREE, CODE, line, NVS, TABLES)
        found = differing(registry, platform(*KEPT), new).hibernation
        assert found.verdict == "unsafe"
        assert [reason.message for reason in found.why] == [
            f"EfiRuntimeServicesData 0x7f100000-0x7f180000 {why}"
        ]
        change = found.why[0].change
        assert change
        assert change.old
        assert change.old.physical_start == 0x7F100000

    @pytest.mark.parametrize(
        "kind",
        [
            "EfiReservedMemoryType",
            "EfiACPIMemoryNVS",
            "EfiACPIReclaimMemory",
            "EfiPalCode",
            "EfiRuntimeServicesCode",
        ],
    )
    def test_is_about_every_type_that_is_to_be_left_alone(
        self, registry: Registry, kind: str
    ) -> None:
        old, new = (platform(*KEPT, f"{kind} {at:#x} 4 WB") for at in (1 << 33, 1 << 34))
        assert verdict(registry, old, new)[0] == "unsafe"

    def test_does_not_mind_boot_services_loaders_free_memory(self, registry: Registry) -> None:
        old = platform(*KEPT, "EfiBootServicesCode 0x5000000 4 WB", "EfiLoaderData 0x5004000 1 WB")
        new = platform(*KEPT, "EfiConventionalMemory 0x5000000 5 WB")
        assert verdict(registry, old, new)[0] == "safe"

    def test_is_unsafe_where_memory_went_away(self, registry: Registry) -> None:
        new = platform(*KEPT[1:], "EfiConventionalMemory 0x100000 0xf00 WB")
        assert verdict(registry, platform(*KEPT), new) == (
            "unsafe",
            ["0x1000000-0x1100000 (1 MiB) is no memory any more"],
        )
        assert verdict(registry, new, platform(*KEPT))[0] == "safe"

    def test_a_new_region_hurts_where_memory_was(self, registry: Registry) -> None:
        taken = "EfiACPIMemoryNVS 0x10ff000 1 WB"
        new = platform(*KEPT[1:], "EfiConventionalMemory 0x100000 0xfff WB", taken)
        assert verdict(registry, platform(*KEPT), new) == (
            "unsafe",
            ["EfiACPIMemoryNVS 0x10ff000-0x1100000 is new"],
        )
        aside = platform(*KEPT, "EfiReservedMemoryType 0xb0000000 0x10000 UC")
        assert verdict(registry, platform(*KEPT), aside)[0] == "safe"

    @pytest.mark.parametrize(
        ("fields", "why"),
        [
            ({"extent": "partial"}, "the map of new is partial"),
            ({"extent": "unknown"}, "nothing says whether the map of new is whole"),
            (
                {"origin": "kernel-edited"},
                "the maps are of different origins: firmware in old, kernel-edited in new",
            ),
        ],
    )
    def test_is_unknown_where_a_map_does_not_tell_everything(
        self, registry: Registry, fields: dict[str, Any], why: str
    ) -> None:
        for lines in (KEPT, (FREE, CODE, NVS, TABLES), (FREE, CODE, FAR, NVS, TABLES)):
            found = verdict(registry, platform(*KEPT), platform(*lines, **fields))
            assert found == ("unknown", [why])

    @pytest.mark.parametrize("fields", [{"extent": "partial"}, {"origin": "kernel-edited"}])
    @pytest.mark.parametrize(
        "line",
        [
            "EfiReservedMemoryType 0x7f100000 0x80 WB",
            "EfiConventionalMemory 0x7f000000 0x200 WB",
            "EfiRuntimeServicesCode 0x7f100000 0x10 WB RUNTIME",
        ],
    )
    def test_a_contradiction_is_proof_in_part_of_a_map(
        self, registry: Registry, line: str, fields: dict[str, Any]
    ) -> None:
        found = verdict(registry, platform(*KEPT), platform(FREE, line, **fields))
        assert found[0] == "unsafe"
        assert any("EfiRuntimeServicesData 0x7f100000" in message for message in found[1])

    def test_a_size_is_proof_in_part_of_a_map_where_all_of_the_smaller_one_is_known(
        self, registry: Registry
    ) -> None:
        smaller = "EfiRuntimeServicesData 0x7f100000 0x7f WB RUNTIME"
        larger = "EfiRuntimeServicesData 0x7f100000 0x81 WB RUNTIME"
        whole = platform(FREE, CODE, DATA)
        assert verdict(registry, whole, platform(larger, extent="partial"))[0] == "unsafe"
        assert verdict(registry, platform(larger, extent="partial"), whole)[0] == "unsafe"
        assert verdict(registry, whole, platform(smaller, extent="partial"))[0] == "unknown"
        for size in (smaller, larger):
            edited = platform(size, origin="kernel-edited")
            assert verdict(registry, whole, edited)[0] == "unknown"

    def test_is_unknown_without_a_map(self, registry: Registry) -> None:
        found = differing(registry, platform(*KEPT), platform())
        assert found.regions == ()
        assert found.hibernation.verdict == "unknown"
        assert found.hibernation.why[0].message == "new holds no memory map"

    def test_over_all_is_as_bad_as_the_worst(self, registry: Registry) -> None:
        boots = [
            boot(registry, one, f"boot{number}")
            for number, one in enumerate(
                [
                    platform(*KEPT),
                    platform(*KEPT),
                    platform(*KEPT, extent="partial"),
                    platform(FREE, CODE, FAR, NVS, TABLES, extent="partial"),
                    platform(FREE, "EfiReservedMemoryType 0x7e100000 0x80 WB", extent="partial"),
                ]
            )
        ]
        pairs = [difference(*two, registry.rules) for two in pairwise(boots)]
        verdicts = [one.hibernation.verdict for one in pairs]
        assert verdicts == ["safe", "unknown", "unknown", "unsafe"]
        assert over_all(pairs[:1]).verdict == "safe"
        assert over_all(pairs[:3]).verdict == "unknown"
        worst = over_all(pairs)
        assert worst.verdict == "unsafe"
        assert worst.why[0].message.startswith("boot3 -> boot4: EfiRuntimeServicesData 0x7e100000")


ZERO = "uefi/zero-pages"
NO_PAGES = "EfiBootServicesData 0x{:x}000 0 WB"


class TestArchitectures:
    def test_that_differ_are_a_difference_and_nothing_wakes_up(self, registry: Registry) -> None:
        old, new = platform(*KEPT, architecture="arm64"), platform(*KEPT, architecture="x86_64")
        found = differing(registry, old, new)
        assert (bool(found), found.regions, found.architectures) == (True, (), ("arm64", "x86_64"))
        assert verdict(registry, old, new) == ("unsafe", ["old is of arm64, new of x86_64"])

    def test_are_told_before_the_regions_that_moved(self, registry: Registry) -> None:
        old = platform(*KEPT, architecture="arm64")
        new = platform(FREE, CODE, FAR, NVS, TABLES, architecture="x86_64")
        judged, why = verdict(registry, old, new)
        assert (judged, why[0]) == ("unsafe", "old is of arm64, new of x86_64")
        assert "0x7f100000" in why[1]

    def test_that_only_a_style_suggests_leave_it_open(self, registry: Registry) -> None:
        old, new = platform(*KEPT, architecture="arm64"), platform(*KEPT, architecture="x86_64")
        guessed = replace(new, architecture_reason=ArchitectureReason("dialect", "cells"))
        assert verdict(registry, old, guessed) == ("unknown", ["old is of arm64, new of x86_64"])

    def test_of_which_one_is_not_known_are_no_difference(self, registry: Registry) -> None:
        new = platform(*KEPT, architecture="x86_64")
        assert not differing(registry, platform(*KEPT), new)
        assert verdict(registry, platform(*KEPT), new)[0] == "safe"


class TestFindings:
    def names(self, findings: tuple[Any, ...]) -> list[str]:
        return [item.finding.message.split()[2] for item in findings]

    def test_are_new_or_fixed_by_what_they_are_about(self, registry: Registry) -> None:
        old = platform(FREE, NO_PAGES.format(0x9000))
        new = platform(FREE, "EfiLoaderData 0x9900000 0 WB")
        found = differing(registry, old, new, ZERO)
        assert self.names(found.fixed) == ["0x9000000"]
        assert self.names(found.new_findings) == ["0x9900000"]

    def test_stay_the_same_when_their_region_moves(self, registry: Registry) -> None:
        old, new = (platform(FREE, NO_PAGES.format(at)) for at in (0x9000, 0x9900))
        found = differing(registry, old, new, ZERO)
        assert (found.new_findings, found.fixed) == ((), ())

    def test_are_counted_when_others_come_before_them(self, registry: Registry) -> None:
        old = platform(FREE, *(NO_PAGES.format(at) for at in (0x9000, 0x9001)))
        new = platform(FREE, *(NO_PAGES.format(at) for at in (0x8000, 0x9000, 0x9001)))
        found = differing(registry, old, new, ZERO)
        assert len(found.new_findings) == 1
        assert found.fixed == ()

    def test_do_not_depend_on_the_name_of_the_platform(self, registry: Registry) -> None:
        old, new = (platform(FREE, NO_PAGES.format(0x9000), name=name) for name in ("one", "two"))
        assert not differing(registry, old, new, ZERO)

    def test_that_nothing_could_judge_are_not_fixed(self, registry: Registry) -> None:
        rule = "uefi/overlapping-mat-entries"
        entries = [CODE, "EfiRuntimeServicesCode 0x7f0ff000 2 WB RUNTIME RO"]
        old = platform(*KEPT, memory_attributes_table=entries)
        found = differing(registry, old, platform(*KEPT), rule)
        assert found.fixed == ()
        assert [item.rule for item in found.unjudged] == [rule]

    def test_about_what_part_of_a_map_lacks_are_not_fixed(self, registry: Registry) -> None:
        old = platform(FREE, NO_PAGES.format(0x9000))
        gone = differing(registry, old, platform(FREE), ZERO)
        assert (len(gone.fixed), len(gone.unjudged)) == (1, 0)
        partial = differing(registry, old, platform(FREE, extent="partial"), ZERO)
        assert (len(partial.fixed), len(partial.unjudged)) == (0, 1)

    def test_that_are_accepted_are_neither_new_nor_fixed(self, registry: Registry) -> None:
        lines = (FREE, NO_PAGES.format(0x9000))
        sections = f"accept: [{{rule: {ZERO}, at: 0x9000000, reason: known}}]"
        accepted = platform(*lines, sections=sections)
        assert differing(registry, platform(FREE), accepted, ZERO).new_findings == ()
        assert not differing(registry, platform(*lines), accepted, ZERO)
        assert len(differing(registry, accepted, platform(*lines), ZERO).new_findings) == 1


def test_a_text_of_several_boots_is_as_many_platforms() -> None:
    text = SourceText("log.txt", "boot one\nboot two\n")
    maps = [
        factories.memory_map(line, located=TextRecord(text, start, start + 8))
        for line, start in ((CODE, 9), (DATA, 0))
    ]
    runtime = factories.memory_map(NVS, origin="kernel-edited")
    capture = Capture(dialect="linux-log", other_maps=(runtime, maps[1]))
    whole = replace(platform(), memory_map=maps[0], memory_attributes_table=None, capture=capture)
    assert [one.memory_map for one in boots_in(whole)] == [maps[1], maps[0]]
    assert boots_in(replace(whole, capture=replace(capture, other_maps=(runtime,)))) != ()
    assert boots_in(platform(CODE)) == (platform(CODE),)


def test_memory_is_either_reused_or_outlives_the_boot() -> None:
    lines = [f"{kind} 0 1 WB RUNTIME" for kind in range(15)]
    assert all(
        outlives_boot(one) is not (one.type in REUSED) for one in map(factories.descriptor, lines)
    )
