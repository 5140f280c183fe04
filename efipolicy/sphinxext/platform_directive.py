"""What directives about one platform share."""

from __future__ import annotations

import os

from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from efipolicy.model.finding import InputReport
from efipolicy.sphinxext.installed import report_on, shipped_platforms


class PlatformDirective(SphinxDirective):
    """A directive whose argument is the name of a reference platform or the path of a file.

    ``:policy:`` is the policy that judges, ``recommended`` without it.
    """

    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"policy": directives.unchanged_required}  # noqa: RUF012 - docutils reads it so

    def linted(self) -> InputReport:
        """The report on the platform. The page is read again when the file changes."""
        name = self.arguments[0]
        path = shipped_platforms().get(name)
        if path is None:
            _, path = self.env.relfn2path(name)
        self.env.note_dependency(path)
        if not os.path.isfile(path):
            known = ", ".join(shipped_platforms())
            raise self.error(f"`{name}` is neither a file nor a reference platform ({known})")
        report = report_on(path, self.options.get("policy", "recommended"))
        if report.inputs and report.inputs[0].platform is not None:
            return report.inputs[0]
        raise self.error("; ".join(str(error) for error in report.errors))
