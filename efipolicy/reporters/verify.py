"""What a prediction and an observation come to, as text and as version 1 of the JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from efipolicy.engine.verification import Explained, Mismatch, Verification
from efipolicy.model.address import EFI_PAGE_SIZE, size_text
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.lint_json import dump
from efipolicy.reporters.lint_summary import counted
from efipolicy.reporters.snippet import Style

_COLORS: Final = {"match": "1;32", "mismatch": "1;31", "nothing-to-compare": "1;33"}
_COLUMNS: Final = ("what", "virtual", "physical", "size", "predicted", "observed")
_MOST: Final = 40


def verify_text(found: Verification, strategy: str, options: RenderOptions) -> str:
    """The verdict, what differs region by region, and what differs for a reason.

    Quiet output is the verdict, verbose output has every difference.
    """
    return "\n".join(_lines(found, strategy, options)) + "\n"


def _lines(found: Verification, strategy: str, options: RenderOptions) -> Iterator[str]:
    verdict = Style(options.color).paint(found.status.replace("-", " "), _COLORS[found.status])
    yield f"{strategy}: {verdict}, {_counts(found)}"
    if options.quiet:
        return
    shown = found.mismatches if options.verbose else found.mismatches[:_MOST]
    if shown:
        yield ""
        yield from _table([_row(one) for one in shown])
    if hidden := len(found.mismatches) - len(shown):
        yield f"and {counted(hidden, 'more difference')} (-v shows each)"
    if found.explained:
        yield ""
    yield from _explained(found, verbose=options.verbose)
    if found.left_out:
        yield f"left out: {counted(found.left_out, 'page-table row')} of the kernel's own memory"


def _explained(found: Verification, *, verbose: bool) -> Iterator[str]:
    """A line for each reason, verbose one for each place."""
    reasons: dict[str, list[Explained]] = {}
    for one in found.explained:
        reasons.setdefault(f"{one.why} {one.virtual_start:#x}" if verbose else one.why, []).append(
            one
        )
    for places in reasons.values():
        size = size_text(sum(one.number_of_pages for one in places) * EFI_PAGE_SIZE)
        more = f" in {len(places)} places from" if len(places) > 1 else " at"
        yield f"explained: {size}{more} {places[0].virtual_start:#x}: {places[0].why}"


def _counts(found: Verification) -> str:
    kinds = [
        counted(found.compared.get("addresses", 0), "address", plural="addresses"),
        counted(found.compared.get("page-table rows", 0), "page-table row"),
    ]
    differing = len(found.mismatches)
    tail = f", {counted(differing, 'difference')}" if differing else ""
    return f"{' and '.join(kinds)} compared{tail}"


def _row(one: Mismatch) -> tuple[str, ...]:
    return (
        one.what,
        "" if one.virtual_start is None else f"{one.virtual_start:#018x}",
        "" if one.physical_start is None else f"{one.physical_start:#018x}",
        size_text(one.size),
        one.predicted or "not mapped",
        one.observed or "not mapped",
    )


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    table = [_COLUMNS, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(_COLUMNS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def verify_json(found: Verification, strategy: str) -> str:
    """One JSON object, indented, with a final line end."""
    return dump(
        {
            "version": 1,
            "strategy": strategy,
            "status": found.status,
            "compared": sum(found.compared.values()),
            "compared_by_kind": dict(found.compared),
            "mismatches": [
                {
                    "what": one.what,
                    "physical_start": _address(one.physical_start),
                    "virtual_start": _address(one.virtual_start),
                    "pages": -(-one.size // EFI_PAGE_SIZE),
                    "predicted": one.predicted,
                    "observed": one.observed,
                }
                for one in found.mismatches
            ],
            "explained": [
                {
                    "virtual_start": f"{one.virtual_start:#x}",
                    "pages": one.number_of_pages,
                    "why": one.why,
                }
                for one in found.explained
            ],
            "left_out": found.left_out,
        }
    )


def _address(address: int | None) -> str | None:
    return None if address is None else f"{address:#x}"
