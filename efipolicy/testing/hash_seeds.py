"""Whether plans and findings depend on the seed of hashes: each seed is a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from types import ModuleType
from unittest import SkipTest

from efipolicy.testing.contributions import Kind, Source

HASH_SEEDS = ("0", "1", "4711")
"""Those that are tried."""

_SECONDS = 300
_CHILD = "efipolicy.testing.hashed_answers"


def digests_under(
    seeds: Iterable[str],
    kind: Kind,
    plugin: Source,
    architectures: Source | None = None,
    only: tuple[str, ...] = (),
) -> dict[str, tuple[str, ...]]:
    """A digest of all plans of each strategy, or findings of each rule, one under each seed.

    Raises `unittest.SkipTest`, which pytest understands, where another process could not find the
    contributions: they are given as values, or in a module that cannot be imported by its name.
    """
    request = {
        "kind": kind,
        "plugin": _reference(plugin),
        "architectures": None if architectures is None else _reference(architectures),
        "only": only,
    }
    found = [_asked(json.dumps(request), seed) for seed in seeds]
    return {name: tuple(one[name] for one in found) for name in found[0]}


def _reference(source: object) -> list[str]:
    """How another process finds a source."""
    if isinstance(source, str):
        return ["name", source]
    if isinstance(source, ModuleType) and _importable(source.__name__):
        return ["module", source.__name__]
    raise SkipTest("another process can only find an installed plugin or a module")


def _importable(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _asked(request: str, seed: str) -> dict[str, str]:
    """What a process with a hash seed finds."""
    environment = {
        **os.environ,
        "PYTHONHASHSEED": seed,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    done = subprocess.run(  # noqa: S603 - this module, by this interpreter
        [sys.executable, "-m", _CHILD],
        input=request,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"under PYTHONHASHSEED={seed}:\n{done.stderr}"
    digests: dict[str, str] = json.loads(done.stdout)
    return digests
