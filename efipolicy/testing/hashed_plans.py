"""Digests of the plans of strategies: what a process prints for `efipolicy.testing.hash_seeds`."""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from importlib import import_module

from efipolicy.testing.contributions import Source
from efipolicy.testing.mapping_strategies import StrategyConformance
from efipolicy.testing.memory_maps import edge_maps, random_maps
from efipolicy.testing.planned_answers import StrategyOnTables


def main() -> None:
    """Print the digests of the plans of the strategies that standard input names, as JSON."""
    request = json.load(sys.stdin)
    others = request["architectures"]
    suite = StrategyConformance.of(
        _source(*request["plugin"]),
        architectures=_source(*others) if others else None,
        only=tuple(request["only"]),
    )
    json.dump({str(on): _digest(on) for on in suite.on_tables()}, sys.stdout)


def _source(kind: str, name: str) -> Source:
    return import_module(name) if kind == "module" else name


def _digest(on: StrategyOnTables) -> str:
    """What all plans of a strategy come to."""
    plans = [on.answer(named.memory_map) for named in (*edge_maps(), *random_maps(str(on), 2))]
    text = "\n".join(repr(answer and answer.plan) for answer in plans)
    return sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
