"""Digests of plans and findings: what a process prints for `efipolicy.testing.hash_seeds`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from importlib import import_module
from typing import Any

from efipolicy.testing.contributions import Source
from efipolicy.testing.examples import RuleCase
from efipolicy.testing.finding_promises import told
from efipolicy.testing.mapping_strategies import StrategyConformance
from efipolicy.testing.memory_maps import edge_maps, random_maps
from efipolicy.testing.planned_answers import Answer, StrategyOnTables
from efipolicy.testing.rules import RuleConformance


def main() -> None:
    """Print the digests of the answers of what standard input names, as JSON."""
    request = json.load(sys.stdin)
    others = request["architectures"]
    named: dict[str, Any] = {
        "plugin": _source(*request["plugin"]),
        "architectures": _source(*others) if others else None,
        "only": tuple(request["only"]),
    }
    if request["kind"] == "rules":
        cases = RuleConformance.of(**named).examples()
        found = {str(case): _of_case(case) for case in cases}
    else:
        strategies = StrategyConformance.of(**named).on_tables()
        found = {str(on): _of_plans(on) for on in strategies}
    json.dump(found, sys.stdout)


def _source(kind: str, name: str) -> Source:
    return import_module(name) if kind == "module" else name


def _of_plans(on: StrategyOnTables) -> str:
    """What all plans of a strategy come to."""
    maps = (*edge_maps(), *random_maps(str(on), 2))
    return _digest([_said(partial(on.answer, one.memory_map)) for one in maps])


def _of_case(case: RuleCase) -> str:
    """What a rule says of an example, in the order in which it says it."""
    return _digest([_said(lambda: told(case.judged()))])


def _said(ask: Callable[[], object]) -> str:
    """An answer, or what stands in its place: that it is none is another test's business."""
    try:
        answer = ask()
    except Exception as problem:  # noqa: BLE001 - a stranger's code may raise anything
        return type(problem).__name__
    return repr(answer.plan if isinstance(answer, Answer) else answer)


def _digest(texts: list[str]) -> str:
    return sha256("\n".join(texts).encode()).hexdigest()


if __name__ == "__main__":
    main()
