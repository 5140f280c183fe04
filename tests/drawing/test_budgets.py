"""How large pictures of real machines are: every capture, every recorded boot, every platform.

The budgets are those of the design, in bytes of the inline form. What cannot keep one is named
here with the reason, which is looked at too; a picture that has become smaller leaves the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from efipolicy.api import ReadingOptions, lint_paths, selection_of
from efipolicy.drawing.findings import DrawnFinding, pill_codes
from efipolicy.drawing.mapping import describe_mapping, mapping_svg
from efipolicy.drawing.mapping_ribbons import MOST_RIBBONS
from efipolicy.drawing.memory_map import memory_map_svg
from efipolicy.drawing.page_table_boxes import describe_page_tables
from efipolicy.drawing.page_table_budget import LIMITS
from efipolicy.drawing.page_table_regions import regions_svg
from efipolicy.drawing.page_tables import page_tables_svg
from efipolicy.drawing.stylesheet import page_stylesheet
from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.engine.whatif import region_translations
from efipolicy.errors import EfipolicyError
from efipolicy.model.platform import Platform
from efipolicy.plugin.registry import Registry
from tests.conftest import PLATFORMS, ROOT

MEMORY_MAP, MAPPING, PAGE_TABLES, STYLESHEET = 60_000, 20_000, 30_000, 12_000

SCATTERED = {
    # Regions that are neighbours in no column, and each of which is to be seen.
    "03-huawei-d05-linux-arm64": {"arm64-separate-random"},
    "01-hp-superdome2-linux-x86-v1": {"x86-fixed-window", "x86-ioremap-svam"},
    "11-baytrail-xen414-crash": {"windows-virtual"},
    # The map the second kernel is handed is in no order, and neither is what it makes of it.
    "x64-pc-2g-kexec-load/second-kernel": {"x86-dense-from-4g", "x86-topdown"},
}
"""Mappings with more ribbons than any other."""

WRITABLE_AND_EXECUTABLE = {
    # Runs of these turn up in most tables, between others, and are never folded away.
    "01-hp-superdome2-linux-x86-v1": {"x86-dense-from-4g", "xen-x86-directmap"},
    "11-baytrail-xen414-crash": {"xen-x86-directmap"},
    "qemu-q35-1g-linux-x86-kexec": {"x86-topdown"},
    "x64-pc-1g-k612": {"x86-topdown"},
    "x64-pc-2g-kexec-load": {"x86-topdown"},
    "x64-q35-1g-kexec-file": {"x86-topdown"},
    "x64-q35-1g-la57": {"x86-topdown"},
    "x64-q35-2g-k61": {"x86-topdown"},
    "x64-q35-2g-rig-ptdump": {"x86-topdown"},
}
"""Page tables with memory that is writable and executable in more tables than fold."""


def inputs() -> Iterator[tuple[str, Path]]:
    """Every real input that has a memory map, by a short name."""
    for folder in (ROOT / "docs" / "captures", ROOT / "tests" / "captures"):
        yield from ((path.stem, path) for path in sorted(folder.glob("*.txt")))
    recorded = ROOT / "tests" / "recorded"
    for path in sorted(recorded.rglob("log.txt")):
        yield path.parent.relative_to(recorded).as_posix(), path
    yield from ((path.stem, path) for path in sorted(PLATFORMS.glob("*.yaml")))


INPUTS = dict(inputs())


def read(name: str, registry: Registry) -> tuple[Platform | None, list[DrawnFinding]]:
    """A platform with what the recommended policy finds; x86-64 where the input does not say."""
    rules = selection_of(registry, policies=["recommended"])
    codes = pill_codes((name, rule.requirements) for name, rule in registry.rules.items())
    for architecture in (None, "x86_64"):
        report = lint_paths(
            [str(INPUTS[name])],
            registry,
            rules,
            today="2026-01-01",
            options=ReadingOptions(architecture, None),
        )
        found = report.inputs[0] if report.inputs else None
        if found and found.platform and found.platform.memory_map.descriptors:
            return found.platform, [
                DrawnFinding(
                    severity=one.severity,
                    rule=one.rule,
                    code=codes[one.rule],
                    message=one.finding.message,
                    index=getattr(one.finding.subject, "index", None),
                    href=f"../rules/{one.rule}.html",
                )
                for one in found.findings
            ]
    return None, []


def plans(platform: Platform, registry: Registry) -> Iterator[tuple[Planned, bool]]:
    """What each strategy makes of a platform, and whether it is the platform's own."""
    try:
        native = planned(platform, registry, PlanChoice())
        yield native, True
    except EfipolicyError:
        native = None
    for name, strategy in sorted(registry.strategies.items()):
        if native is not None and native.plan.strategy == name:
            continue
        if not strategy.architectures or platform.architecture in strategy.architectures:
            try:
                yield planned(platform, registry, PlanChoice(strategy=name)), False
            except EfipolicyError:
                continue


def page_tables_of(made: Planned, name: str) -> str:
    """The picture of its page tables, or of its regions; empty where it has neither."""
    tables = made.page_tables()
    if tables is not None:
        return page_tables_svg(tables, figure_id=f"pt-{name}", title=name) if tables.runs else ""
    regions = region_translations(made)
    if regions is None or not regions.granules:
        return ""
    return regions_svg(regions, figure_id=f"pt-{name}", title=name)


@pytest.mark.parametrize("name", INPUTS)
def test_pictures_of_real_machines_keep_their_budgets(name: str, registry: Registry):
    platform, findings = read(name, registry)
    if platform is None:
        return  # page tables, raw memory and the like
    title = platform.title or platform.name
    svg = memory_map_svg(
        platform.memory_map,
        figure_id=f"mm-{platform.name}",
        title=title,
        findings=findings,
        memory_attributes_table=platform.memory_attributes_table,
        table_id=f"d-{platform.name}",
    )
    assert len(svg.encode()) <= MEMORY_MAP
    scattered, grave = set(), set()
    for made, own in plans(platform, registry):
        strategy = made.plan.strategy
        svg = mapping_svg(
            made.plan,
            platform.memory_map,
            figure_id=f"mp-{platform.name}-{strategy}",
            title=title,
            findings=findings if own else (),
            table_id=f"v-{platform.name}-{strategy}" if own else None,
        )
        if len(svg.encode()) > MAPPING:
            scattered.add(strategy)
            ribbons = describe_mapping(made.plan, platform.memory_map).ribbons
            assert len(ribbons) >= MOST_RIBBONS
        if len(page_tables_of(made, platform.name).encode()) > PAGE_TABLES:
            grave.add(strategy)
            tables = made.page_tables()
            assert tables is not None
            boxes = describe_page_tables(tables)
            assert sum("RWX" in str(box) for box in boxes) >= LIMITS[-1].boxes
    assert scattered == SCATTERED.get(name, set())
    assert grave == WRITABLE_AND_EXECUTABLE.get(name, set())


def test_every_exception_is_about_an_input_there_is():
    assert SCATTERED.keys() | WRITABLE_AND_EXECUTABLE.keys() <= INPUTS.keys()


def test_the_stylesheet_keeps_its_budget():
    assert len(page_stylesheet().encode()) <= STYLESHEET
