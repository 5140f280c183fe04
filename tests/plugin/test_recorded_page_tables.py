"""Predicted page tables against those of recorded boots, leaf by leaf."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from efipolicy.engine.planning import PlanChoice
from efipolicy.model.address import AddressRange
from efipolicy.model.evidence import PageTableDump
from efipolicy.model.platform import Platform
from tests.plugin.plans import choice, planned_as, read, tables

RECORDED = Path(__file__).parents[1] / "recorded"
EFI = AddressRange(2**64 - (68 << 30), 2**64 - (4 << 30))


class Leaves(NamedTuple):
    """Neighbouring leaves that are alike."""

    start: int
    end: int
    physical: int | None
    leaf_size: int | None
    access: str | None
    cache: str | None
    contiguous: bool


def debug(strategy: str = "x86-topdown", **options: str) -> PlanChoice:
    return choice(strategy, efi_debug="true", **options)


def virtmap(bits: int, page: int = 0x1000, **options: str) -> PlanChoice:
    return choice("arm64-stub-virtmap", page_size=page, bits=bits, **options)


def novamap(page: int = 0x1000) -> PlanChoice:
    return choice("arm64-novamap", page_size=page)


BOOTS = {
    "x64-pc-1g-k612": debug(),
    "x64-q35-1g-la57": debug()._replace(virtual_address_bits=57),
    "x64-q35-2g-k61": debug(kernel="6.1"),
    "x64-q35-2g-rig-ptdump": debug(),
    "a64-1g-4k-va39-rig-ptdump": virtmap(39),
    "a64-1g-altra-k612": virtmap(48, needs_svam="true"),
    "a64-1g-novamap-k612": novamap(),
    "a64-2g-64k-rig-ptdump": novamap(0x10000),
    "a64-4g-64k-va42-rig-ptdump": virtmap(42, 0x10000),
    "a64-uboot-1g-16k-k612": virtmap(47, 0x4000),
    "a64-uboot-1g-k612": novamap(),
}


def merged(leaves: Iterable[Leaves], dump: PageTableDump) -> list[Leaves]:
    """Rows as a dump could print them: what it does not tell is left out, equal ones are joined."""
    physical = any(row.physical_start is not None for row in dump.ranges)
    sizes = all(row.leaf_size is not None for row in dump.ranges)
    rows: list[Leaves] = []
    for one in sorted(leaves):
        leaf = one._replace(
            physical=one.physical if physical else None, leaf_size=one.leaf_size if sizes else None
        )
        last = rows[-1] if rows else None
        if last and last.end == leaf.start and last[3:] == leaf[3:] and _follows(last, leaf):
            rows[-1] = last._replace(end=leaf.end)
        else:
            rows.append(leaf)
    return rows


def _follows(last: Leaves, leaf: Leaves) -> bool:
    if last.physical is None or leaf.physical is None:
        return last.physical == leaf.physical
    return last.physical + last.end - last.start == leaf.physical


def observed(dump: PageTableDump) -> list[Leaves]:
    """The rows of a dump that are firmware's: the kernel's own share the table on x86."""
    return merged(
        (
            Leaves(
                *row.virtual,
                row.physical_start,
                row.leaf_size,
                row.access,
                row.cache,
                bool({"CON", "CONT"} & set(row.flags)),
            )
            for row in dump.ranges
            if row.virtual.start < 1 << 63 or EFI.covers(row.virtual)
        ),
        dump,
    )


DUMPS = [
    (boot, text)
    for boot in BOOTS
    for text in ("walked-page-tables.txt", "page-tables.txt")  # not every kernel prints its own
    if (RECORDED / boot / text).exists()
]


@pytest.mark.parametrize(("boot", "text"), DUMPS)
def test_every_leaf_of_a_recorded_boot_is_predicted(boot: str, text: str) -> None:
    platform = replace(read(RECORDED / boot / "log.txt"), mapping=None)
    assert platform.memory_attributes_table or "uboot" in boot
    assert_predicted(platform, BOOTS[boot], RECORDED / boot / text)


def test_a_boot_that_is_not_debugged_has_no_boot_services_in_its_page_tables() -> None:
    """The log of such a boot does not print the map; both tables are from the guest's memory."""
    folder = RECORDED / "x64-q35-2g-nodebug"
    platform = replace(
        read(folder / "memory-map.hex"),
        architecture="x86_64",
        memory_attributes_table=read(
            folder / "memory-attributes-table.hex"
        ).memory_attributes_table,
    )
    assert_predicted(platform, choice("x86-topdown"), folder / "walked-page-tables.txt")


def assert_predicted(platform: Platform, chosen: PlanChoice, dump_path: Path) -> None:
    capture = read(dump_path).capture
    assert capture is not None
    (dump,) = capture.page_tables
    made = planned_as(platform, chosen)
    assert made.plan.status == "ok"
    predicted = merged(
        (
            Leaves(
                run.start,
                run.end,
                run.physical,
                run.leaf_size,
                run.access,
                run.cache,
                run.contiguous,
            )
            for run in tables(made).runs
        ),
        dump,
    )
    found = observed(dump)
    assert [leaf for leaf in predicted if leaf not in found] == []
    unforeseen = [leaf for leaf in found if leaf not in predicted]
    if platform.architecture == "arm64":
        assert unforeseen == []
    else:
        # The list for SetVirtualAddressMap: nobody knows beforehand where that lies.
        ((start, end, physical, *flags),) = unforeseen
        assert (end - start, flags) == (0x4000, [0x1000, "RW", "WB", False])
        assert physical in (start, None)
