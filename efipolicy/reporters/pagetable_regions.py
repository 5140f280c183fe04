"""What ``efipolicy pagetable`` prints for Itanium, which maps by granules and has no tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from efipolicy.engine.planned import Planned
from efipolicy.engine.table_problems import TablesJudged
from efipolicy.engine.whatif import refused_of, status_of, untranslated
from efipolicy.errors import EfipolicyError
from efipolicy.model.address import size_text
from efipolicy.model.efi import type_name
from efipolicy.paging.regions import GranuleRun, RegionTranslations, TranslationRegister
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.lint_json import JsonObject, dump, error_json, region_json
from efipolicy.reporters.lint_summary import counted
from efipolicy.reporters.pagetable import columns, endings, head, refusal_line, text_of
from efipolicy.reporters.pagetable_json import beginning, ending, refusal_json
from efipolicy.reporters.pagetable_ranges import size_name, what
from efipolicy.reporters.snippet import Style

_COLUMNS = ("virtual", "physical", "size", "granules", "access", "cache", "what")


def regions_text(
    made: Planned, translations: RegionTranslations, judged: TablesJudged, options: RenderOptions
) -> str:
    """The granules, what is pinned, and what is wrong. Quiet output has no ranges."""
    style = Style(options.color)
    granules = counted(translations.number_of_granules, "granule")
    lines = [head(made, status_of(made.plan, translations)), ""]
    lines.append("tables  0: each region translates from the address itself, granule by granule")
    lines.append(f"leaves  {granules} of {size_name(translations.granule)}")
    if not options.quiet:
        lines += ["", *_ranges(translations, style, verbose=options.verbose)]
    told = [_register(register, translations) for register in translations.registers]
    told += _untranslated(translations, verbose=options.verbose)
    mappings = translations.mappings
    for word, refusals in (
        ("refused", refused_of(translations)),
        ("not pinned", translations.unpinned),
    ):
        told += [refusal_line(word, one, mappings[one.mapping]) for one in refusals]
    for conflict in translations.conflicts:
        caches = " and as ".join(conflict.caches)
        told.append(f"conflict: {conflict.physical} is mapped as {caches}")
    told += endings(made, judged, options, style)
    return text_of(lines, told)


def _ranges(translations: RegionTranslations, style: Style, *, verbose: bool) -> Iterator[str]:
    if not translations.granules:
        yield "no granule is used"
        return
    mappings = translations.mappings
    rows = [
        (
            f"{run.virtual.start:#018x}",
            f"{run.physical_start:#018x}",
            size_text(run.virtual.size),
            f"{run.number_of_granules} x {size_name(run.granule)}",
            "RWX",
            run.cache,
            what((mappings[index] for index in run.mappings), verbose=verbose),
        )
        for run in translations.granules
    ]
    yield from columns([_COLUMNS, *rows], style)


def _untranslated(translations: RegionTranslations, *, verbose: bool) -> Iterator[str]:
    """What firmware is called at without any translation, in one line."""
    physical = untranslated(translations)
    if physical:
        label = what((translations.mappings[one.mapping] for one in physical), verbose=verbose)
        yield f"translation off: {counted(len(physical), 'mapping')} at physical addresses: {label}"


def _register(register: TranslationRegister, translations: RegionTranslations) -> str:
    label = what([translations.mappings[register.mapping]], verbose=True)
    return f"pinned: {register.virtual} in translation register {register.number}: {label}"


def regions_json(
    made: Planned,
    translations: RegionTranslations,
    judged: TablesJudged,
    errors: Iterable[EfipolicyError] = (),
) -> str:
    """One JSON object as of page tables; a range is neighbouring granules of one cache type."""
    size = translations.number_of_granules * translations.granule
    mappings = translations.mappings
    data: JsonObject = {
        **beginning(made, status_of(made.plan, translations)),
        "tables": {"total": 0},
        "table_bytes": 0,
        "leaves": {size_name(translations.granule): translations.number_of_granules},
        "access_bytes": {"R": 0, "RW": 0, "RX": 0, "RWX": size},
        "ranges": [_range(run, translations) for run in translations.granules],
        "overlaps": [],
        "refused": [refusal_json(one, mappings[one.mapping]) for one in refused_of(translations)],
        **ending(made, judged),
        "registers": [
            {
                "number": register.number,
                "virtual_start": f"{register.virtual.start:#x}",
                "virtual_end": f"{register.virtual.end:#x}",
                "physical_start": f"{register.physical_start:#x}",
                "cache": register.cache,
                "mapping": register.mapping,
            }
            for register in translations.registers
        ],
        "not_pinned": [refusal_json(one, mappings[one.mapping]) for one in translations.unpinned],
        "untranslated": [one.mapping for one in untranslated(translations)],
        "conflicts": [
            {"region": region_json(conflict.physical), "caches": list(conflict.caches)}
            for conflict in translations.conflicts
        ],
    }
    told = [error_json(error) for error in errors]
    return dump({**data, "errors": told} if told else data)


def _range(run: GranuleRun, translations: RegionTranslations) -> JsonObject:
    mappings = [translations.mappings[index] for index in run.mappings]
    first = mappings[0]
    descriptors = {index for mapping in mappings for index in mapping.descriptors}
    return {
        "virtual_start": f"{run.virtual.start:#x}",
        "virtual_end": f"{run.virtual.end:#x}",
        "physical_start": f"{run.physical_start:#x}",
        "leaf": size_name(run.granule),
        "leaves": run.number_of_granules,
        "access": "RWX",
        "cache": run.cache,
        "contiguous": False,
        "encrypted": False,
        "mapping": run.mappings[0],
        "type": type_name(first.type),
        "descriptors": sorted(descriptors),
        "why": first.why,
    }
