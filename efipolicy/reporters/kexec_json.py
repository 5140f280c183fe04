"""Version 1 of the JSON of ``efipolicy kexec``."""

from __future__ import annotations

from collections.abc import Iterable

from efipolicy.engine.kexec_matrix import Matrix
from efipolicy.errors import EfipolicyError
from efipolicy.model.chain import ChainHop, ChainReport, CounterExample
from efipolicy.reporters.lint_json import JsonObject, dump, error_json, region_json


def chain_json(report: ChainReport) -> str:
    """One JSON object for a chain, indented, with a final line end."""
    return dump(
        {
            "version": 1,
            "verdict": report.verdict,
            "hops": [_hop_json(hop) for hop in report.hops],
            "assumptions": list(report.assumptions),
        }
    )


def _hop_json(hop: ChainHop) -> JsonObject:
    carried = hop.carried
    return {
        "from": hop.first,
        "to": hop.second,
        "kind": hop.kind,
        "verdict": hop.verdict,
        "carried": {
            "channel": carried.channel,
            "system_table": _word(carried.system_table),
            "map_entries": carried.map_entries,
            "descriptor_size": carried.descriptor_size,
        },
        "counter_example": _example_json(hop.counter_example),
    }


def _example_json(example: CounterExample | None) -> JsonObject | None:
    if example is None:
        return None
    return {
        "region": region_json(example.region),
        "pointer": example.pointer,
        "expected": _word(example.expected),
        "found": _word(example.found),
        "sentence": example.sentence,
    }


def _word(value: int | None) -> str | None:
    return None if value is None else f"{value:#x}"


def matrix_json(made: Matrix, errors: Iterable[EfipolicyError] = ()) -> str:
    """One JSON object for the compatibility matrix, indented, with a final line end."""
    cells = [
        {
            "first": cell.first,
            "second": cell.second,
            "cases": [{"when": case.when, "verdict": case.verdict} for case in cell.cases],
        }
        for cell in made.cells
    ]
    data: JsonObject = {"version": 1, "matrix": cells}
    if made.assumptions:
        data["assumptions"] = list(made.assumptions)
    if made.left_out:
        data["not_judged"] = list(made.left_out)
    told = [error_json(error) for error in errors]
    return dump({**data, "errors": told} if told else data)
