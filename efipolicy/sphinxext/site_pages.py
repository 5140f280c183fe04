"""``efi:site-platform``: the page of a platform in a site about a vendor's platforms.

Also the role ``efi:severity``, a severity with its shape: ``:efi:severity:`3 errors <error>```.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from docutils import nodes
from docutils.parsers.rst import DirectiveError, directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole

from efipolicy.errors import EfipolicyError, PluginError
from efipolicy.model.finding import InputReport, Severity
from efipolicy.model.platform import UNKNOWN_ARCHITECTURE, Platform
from efipolicy.plugin.elsewhere import not_installed
from efipolicy.sphinxext import site_matrix
from efipolicy.sphinxext.domain import EfipolicyDomain
from efipolicy.sphinxext.elements import severity_mark
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.parts import fact_line, literal, paragraph, pill_line, quoted
from efipolicy.sphinxext.platform_pages import EfiPlatform, memory_map_nodes
from efipolicy.sphinxext.site_judging import JUDGING_OPTIONS, judged
from efipolicy.sphinxext.site_matrix import note_stands
from efipolicy.sphinxext.ticks import tick

logger = logging.getLogger(__name__)


class EfiSitePlatform(EfiPlatform):
    """``.. efi:site-platform:: path``: the page of a platform file or capture.

    ``:name:`` replaces the name it has, ``:architecture:`` is that of a capture that does not tell,
    ``:from:`` the format to read it as, ``:today:`` the day its acceptances are looked at,
    ``:config:`` a configuration, of which ``:policy:`` replaces the policies. What cannot be
    worked out is told on the page, with a warning, and the rest is still shown.
    """

    option_spec = {  # noqa: RUF012 - docutils reads it so
        **EfiPlatform.option_spec,
        **JUDGING_OPTIONS,
        "name": directives.unchanged_required,
    }

    def linted(self) -> InputReport:
        """The report on the file, under the name the platform has in this site."""
        _, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(path)
        try:
            report = judged(self.env, path, self.options)
        except EfipolicyError as problem:
            raise self.error(str(problem)) from problem
        if not report.inputs or report.inputs[0].platform is None:
            raise self.error("; ".join(str(error) for error in report.errors))
        read = report.inputs[0]
        name = self.options.get("name", read.platform.name)  # type: ignore[union-attr]
        return read._replace(platform=replace(cast(Platform, read.platform), name=name))

    def run(self) -> list[nodes.Node]:
        """The page; of a capture the text is a file beside it, which may have megabytes."""
        report = self.linted()
        try:
            made = super().run()
        except DirectiveError as problem:
            made = self._rest(report, problem.msg, _kind_of(problem.__cause__))
        except Exception as problem:  # noqa: BLE001 - a strange map must not cost the other pages
            made = self._rest(report, f"{type(problem).__name__}: {problem}", "page")
        note_stands(self.env, made)
        made[:0] = _not_installed(cast(Platform, report.platform).architecture)
        if report.kind != "platform":
            made = [node for node in made if "reproduce" not in _values(node, "ids")]
            made.append(self._captured(report))
        for dump in (block for node in made for block in node.findall(nodes.literal_block)):
            if dump.get("language") == "yaml":
                dump["language"] = "text"  # colours would be the largest part of the page
        return made

    def _rest(self, report: InputReport, problem: str, kind: str) -> list[nodes.Node]:
        """What is left of a page of which something could not be worked out.

        The page is read again by every build, so that each of them tells it.
        """
        self.env.note_reread()
        domain = cast(EfipolicyDomain, self.env.get_domain("efi"))
        platform = cast(Platform, report.platform)
        logger.warning(
            "not everything about %s could be worked out: %s",
            platform.name,
            problem,
            location=self.get_location(),
            type="efi",
            subtype=kind,
        )
        described = domain.described.get(self.env.docname, ())
        if not any(kind == "platform" for kind, *_ in described):
            domain.note("platform", platform.name, anchor="", title=platform.title or platform.name)
        told = severity_mark(Severity.ERROR, f"Not everything could be worked out: {problem}")
        descriptors = str(len(platform.memory_map.descriptors))
        rest: list[nodes.Node] = [
            paragraph([told]),
            pill_line(report.findings),
            fact_line(("architecture", platform.architecture), ("descriptors", descriptors)),
        ]
        try:
            rest += memory_map_nodes(report)
        except Exception as failure:  # noqa: BLE001 - the picture may be what failed
            rest.append(paragraph(f"Its memory map could not be drawn: {failure}."))
        return rest

    def _captured(self, report: InputReport) -> nodes.section:
        """The command, and the text it is about as a file."""
        file = self.arguments[0].rpartition("/")[2]
        extra = "".join(
            f" {option} {self.options[name]}"
            for name, option in (("architecture", "--arch"), ("from", "--from"))
            if name in self.options
        )
        command = f"efipolicy lint {file}{extra}"
        link = addnodes.download_reference(
            "", "", literal(file), reftarget=self.arguments[0], refdoc=self.env.docname
        )
        title = "Reproduce"
        return nodes.section(
            "",
            nodes.title(title, title),
            paragraph([nodes.Text("Save "), link, nodes.Text(", and:")]),
            nodes.literal_block(command, command, language="console"),
            ids=["reproduce"],
            names=["reproduce"],
        )


def _not_installed(architecture: str) -> list[nodes.Node]:
    """Why so little is said of a platform, where its architecture is of no installed plugin."""
    installed = registry()
    if architecture in installed.architectures or architecture == UNKNOWN_ARCHITECTURE:
        return []
    so = ", so its rules were not checked"
    told = not_installed(architecture, installed, so=so)
    mark = severity_mark(Severity.WARNING, "Not everything was looked at")
    return [paragraph([mark, nodes.Text(": "), *quoted(f"{told}.")])]


def _kind_of(problem: BaseException | None) -> str:
    """Whose the fault is that something cannot be worked out, as the kind of the warning."""
    if isinstance(problem, PluginError):
        return "plugin"
    return "input" if isinstance(problem, EfipolicyError) else "page"


def _values(node: nodes.Node, name: str) -> list[str]:
    """The ids or classes of a node; text has none."""
    return list(node.get(name, ())) if isinstance(node, nodes.Element) else []


class SeverityRole(ReferenceRole):
    """``:efi:severity:`error``` or ``:efi:severity:`3 errors <error>```; ``ok`` is a tick."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The shape and the words."""
        if self.target == "ok":
            return [tick(self.title)], []
        try:
            return [severity_mark(Severity(self.target), self.title)], []
        except ValueError:
            known = ", ".join([severity.value for severity in Severity] + ["ok"])
            message = f"`{self.target}` is no severity; known: {known}"
            told = self.inliner.reporter.error(message, line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, told)], [told]


def setup(app: Sphinx) -> None:
    """Register the directive, the matrix and the role."""
    app.add_directive_to_domain("efi", "site-platform", EfiSitePlatform)
    site_matrix.setup(app)
    app.add_role_to_domain("efi", "severity", SeverityRole())
