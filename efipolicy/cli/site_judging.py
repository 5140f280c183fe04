"""How ``efipolicy docs`` judges: by the configuration that ``lint`` would use, the same way."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from efipolicy.api import ReadingOptions, configuration_of, lint_paths, selection_of
from efipolicy.cli import baselining
from efipolicy.cli import options as cli_options
from efipolicy.cli.site_inputs import JudgedInputs
from efipolicy.errors import UsageError
from efipolicy.model.finding import Report
from efipolicy.plugin.registry import Registry
from efipolicy.policy.choosing import DEFAULT_POLICY

if TYPE_CHECKING:
    from efipolicy.policy.configuration import Configuration


class Judging:
    """The policy and the configuration of a site, from the command line.

    ``root`` is the folder of the sources that Sphinx reads. Raises `UsageError` for what is wrong
    with the configuration.
    """

    def __init__(self, options: argparse.Namespace, root: Path) -> None:
        if options.config and options.isolated:
            raise UsageError("--config names a configuration and --isolated wants none")
        found = None if options.isolated else configuration_of(options.config)
        self.configuration: Configuration | None = found
        self.policy: str | None = options.policy
        self.day: str | None = options.today
        self.root = root

    @property
    def told(self) -> str:
        """The policies, as a sentence names them."""
        configured = self.configuration.policies if self.configuration else ()
        return self.policy or ", ".join(configured) or DEFAULT_POLICY

    def linted(
        self,
        paths: list[str],
        registry: Registry,
        reading: ReadingOptions,
        inputs: JudgedInputs,
        *,
        left_out: Callable[[str], bool],
        progress: Callable[[int, int], None] | None,
    ) -> Report:
        """What linting comes to, which ``inputs`` know afterwards; a walk passes what is left out.

        Raises `UsageError` for a policy, a setting or a baseline that means nothing.
        """
        given = self.configuration
        report = lint_paths(
            paths,
            registry,
            selection_of(
                registry, policies=[self.policy] if self.policy else [], configuration=given
            ),
            today=cli_options.today(self.day),
            options=reading,
            progress=progress,
            fixer=inputs,
            acceptances=given.accept if given else (),
            configuration=given.path if given else None,
            exclude=lambda path: left_out(path) or bool(given and given.excludes(path)),
        )
        if given and given.baseline:
            report = baselining.compared(report, given.baseline, registry)
        inputs.settle(report)
        return report

    def page_options(self, today: str, *, once: bool) -> dict[str, str]:
        """What tells the page of a platform to judge likewise, as options of its directive.

        ``once`` says that no other day will see the page built again of these sources.
        """
        options = {"policy": self.policy} if self.policy else {}
        if self.configuration:
            folder = os.path.realpath(self.configuration.folder)
            path = os.path.join(folder, os.path.basename(self.configuration.path))
            within = os.path.relpath(path, os.path.realpath(self.root))
            options["config"] = f"/{within.replace(os.sep, '/')}"
            if self.configuration.accept and once:
                options["today"] = today
        return options
