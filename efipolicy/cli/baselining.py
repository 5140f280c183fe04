"""``lint --baseline`` and ``--write-baseline``: only what is new counts."""

from __future__ import annotations

import os

from efipolicy.api import open_source
from efipolicy.cli import options as cli_options
from efipolicy.cli.running import tell
from efipolicy.engine.baseline import (
    Baseline,
    apply_baseline,
    baseline_of,
    baseline_text,
    read_baseline,
)
from efipolicy.errors import UsageError
from efipolicy.model.finding import Report
from efipolicy.plugin.registry import Registry
from efipolicy.reporters.lint_summary import counted
from efipolicy.source import InputError


def compared(report: Report, path: str, registry: Registry) -> Report:
    """The report with what the baseline at a path knows accepted."""
    return apply_baseline(report, _read(path), _names(registry))


def write(report: Report, path: str, registry: Registry, *, quiet: bool) -> None:
    """Write what was found as the new baseline, and tell what that changed.

    What an earlier baseline in the file says of platforms that were not linted, and of rules that
    were not judged, stays.
    """
    before = _read(path) if os.path.exists(path) else None
    entries = baseline_of(report, before, _names(registry))
    cli_options.write(baseline_text(entries), path)
    if not quiet:
        old = {entry.fingerprint for entry in before.entries} if before else set()
        new = {entry.fingerprint for entry in entries}
        tell(
            f"{path}: {counted(len(new), 'known finding')} "
            f"({len(new - old)} added, {len(old - new)} fixed and dropped)"
        )


def _names(registry: Registry) -> dict[str, str]:
    """The present ids of rules by those they had before."""
    return {alias: rule.id for rule in registry.rules.values() for alias in rule.aliases}


def _read(path: str) -> Baseline:
    try:
        return read_baseline(open_source(path))
    except InputError as problem:
        raise UsageError(f"baseline {problem}") from problem
