"""What is installed, and what the linter says of reference platforms; looked up once a build."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from sphinx.util import logging

from efipolicy.api import lint_paths, load_registry, selection_of
from efipolicy.drawing.findings import DrawnFinding, pill_codes
from efipolicy.model.finding import InputReport, Report, ReportedFinding
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import ConfigurationTable
from efipolicy.plugin.registry import Registry

logger = logging.getLogger(__name__)

RULE_LINK = "efi-rule:"
"""How a picture marks a link to a rule until the page it is on is known."""


@cache
def registry() -> Registry:
    """The installed plugins. One that is broken is warned of, and left out of every page."""
    found = load_registry()
    found.load_all()
    while any(plugin.status == "failed" for plugin in found.plugins):
        for error in found.errors:
            logger.warning("%s", error, type="efi", subtype="plugin")
        found = found.without_failed()
        found.load_all()
    return found


@cache
def pills() -> dict[str, str]:
    """The short text that stands for each rule, by the rule's id."""
    rules = registry().rules
    return pill_codes((rule.id, rule.requirements) for rule in rules.values())


def shipped_platforms() -> dict[str, str]:
    """The paths of the reference platforms that plugins bring, by name."""
    folders = {Path(path).parent.parent / "platforms" for path in registry().policies.values()}
    paths = sorted(path for folder in folders for path in folder.glob("*.yaml"))
    return {path.stem: str(path) for path in paths}


def today() -> str:
    """The day acceptances are looked at: that of SOURCE_DATE_EPOCH, else of the clock."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return moment.date().isoformat()


@cache
def report_on(path: str, policy: str) -> Report:
    """What the linter says of one file under a policy."""
    installed = registry()
    selection = selection_of(installed, policies=[policy])
    report = lint_paths([path], installed, selection, today=today())
    # A linter shows paths as they are from where it works; a page opens the file later.
    return report._replace(inputs=tuple(one._replace(path=path) for one in report.inputs))


def drawn_findings(report: InputReport) -> list[DrawnFinding]:
    """The findings of an input as a picture shows them, each with a link to its rule."""
    return [_drawn(finding, report) for finding in report.findings]


def _drawn(finding: ReportedFinding, report: InputReport) -> DrawnFinding:
    accepted = None
    if finding.accepted:
        by = f" by {finding.accepted.owner}" if finding.accepted.owner else ""
        accepted = f"accepted{by}: {finding.accepted.reason}"
    return DrawnFinding(
        severity=finding.severity,
        rule=finding.rule,
        code=pills().get(finding.rule, finding.rule),
        message=finding.finding.message,
        index=descriptor_index(finding, report),
        href=RULE_LINK + finding.rule,
        accepted=accepted,
    )


def descriptor_index(finding: ReportedFinding, report: InputReport) -> int | None:
    """The index of the memory map's descriptor that a finding is about, or the one it lies in."""
    if report.platform is None:
        return None
    memory_map = report.platform.memory_map
    subject = finding.finding.subject
    if isinstance(subject, MemoryDescriptor):
        for descriptor in memory_map.descriptors:
            if descriptor is subject:
                return descriptor.index
        holder = memory_map.at(subject.physical_start)
    elif isinstance(subject, ConfigurationTable):
        holder = memory_map.at(subject.address)
    else:
        return None
    return holder.index if holder else None
