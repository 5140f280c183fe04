"""What the linter says of one input of a site, as ``efipolicy lint`` says it of all of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from docutils.parsers.rst import directives
from sphinx.environment import BuildEnvironment

from efipolicy.api import ReadingOptions, configuration_of, lint_paths, open_source, selection_of
from efipolicy.engine.baseline import apply_baseline, read_baseline
from efipolicy.model.finding import Report
from efipolicy.sphinxext.installed import registry, today

if TYPE_CHECKING:
    from efipolicy.policy.configuration import Configuration

JUDGING_OPTIONS: Final = dict.fromkeys(
    ("policy", "config", "architecture", "from", "today"), directives.unchanged_required
)
"""What a page says of how its platform is judged, as options of its directive."""


def judged(env: BuildEnvironment, path: str, options: Mapping[str, str]) -> Report:
    """The report on one input, by the policy and the configuration that the options name.

    The page is read again when the input, the policy, the configuration or its baseline changes.
    Raises `EfipolicyError` where one of them cannot be read.
    """
    configuration = _configuration(env, options)
    policies = [options["policy"]] if "policy" in options else []
    for named in (path, *policies, *(configuration.policies if configuration else ())):
        if os.path.isfile(named):
            env.note_dependency(os.path.abspath(named))
    installed = registry()
    report = lint_paths(
        [path],
        installed,
        selection_of(installed, policies=policies, configuration=configuration),
        today=options.get("today") or today(),
        options=ReadingOptions(options.get("architecture"), options.get("from")),
        acceptances=configuration.accept if configuration else (),
    )
    if configuration is None or configuration.baseline is None:
        return report
    env.note_dependency(os.path.abspath(configuration.baseline))
    names = {alias: rule.id for rule in installed.rules.values() for alias in rule.aliases}
    return apply_baseline(report, read_baseline(open_source(configuration.baseline)), names)


def _configuration(env: BuildEnvironment, options: Mapping[str, str]) -> Configuration | None:
    """The configuration, whose path starts with ``/`` when it is from the root of the sources."""
    if "config" not in options:
        return None
    _, path = env.relfn2path(options["config"])
    env.note_dependency(path)
    return configuration_of(path)
