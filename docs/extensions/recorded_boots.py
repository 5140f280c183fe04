"""Directives of "How we know": recorded boots, verified again while the page is built."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any

from docutils import nodes
from ruamel.yaml import YAML
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from efipolicy.cli import main
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.parts import Cell, literal, paragraph, table

RECORDED = Path(__file__).parents[2] / "tests" / "recorded"
OBSERVED = ("runtime-map.txt", "walked-page-tables.txt", "page-tables.txt")


def verified(log: Path, observed: Path, strategy: str, options: list[str]) -> dict[str, Any]:
    """What ``efipolicy verify`` says of them."""
    words = [word for option in options for word in ("--option", option)]
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        main(["verify", f"{log}", f"{observed}", "--strategy", strategy, *words, "--format=json"])
    found: dict[str, Any] = json.loads(told.getvalue())
    return found


def from_memory(folder: Path, architecture: str) -> dict[str, Any]:
    """The platform of a boot that printed no map: its map and its table as bytes of memory."""
    platform: dict[str, Any] = {}
    for name in ("memory-attributes-table.hex", "memory-map.hex"):
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(io.StringIO()):
            main(["import", f"{folder / name}", "--arch", architecture])
        platform |= YAML(typ="safe", pure=True).load(told.getvalue())
    return platform


class RecordedBoots(SphinxDirective):
    """``.. recorded-boots:: ARCHITECTURE``: what was booted, predicted and confirmed."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A table with a row for each boot; a prediction that fails is an error."""
        rows = []
        for file in sorted(RECORDED.glob("*/boot.yaml")):
            for shown in sorted(file.parent.rglob("*.*")):
                self.env.note_dependency(str(shown))
            about = YAML(typ="safe", pure=True).load(file)
            if about["architecture"] == self.arguments[0]:
                rows.append(self._row(file.parent, about))
        heads = ("boot", "firmware", "kernel", "strategy", "confirmed", "explained")
        return [table(heads, rows)]

    def _row(self, folder: Path, about: dict[str, Any]) -> list[Cell]:
        if "memory-of-the-guest" in about["shows"]:
            with tempfile.TemporaryDirectory() as made:
                platform = Path(made) / "platform.yaml"
                YAML().dump(from_memory(folder, about["architecture"]), platform)
                return self._compared(folder, about, platform)
        return self._compared(folder, about, folder / "log.txt")

    def _compared(self, folder: Path, about: dict[str, Any], log: Path) -> list[Cell]:
        confirmed: dict[str, int] = {}
        explained: set[str] = set()
        options = about.get("options", [])
        for kernel in (folder, folder / "second-kernel"):
            for name in OBSERVED:
                if not log.is_file() or not (kernel / name).is_file():
                    continue
                second = kernel is not folder and not name.startswith("runtime-map")
                words = about["second_kernel"].get("options", []) if second else options
                found = verified(log, kernel / name, about["strategy"], words)
                if found["status"] != "match" or not found["compared"]:
                    raise self.error(f"{kernel / name}: {found['status']}")
                what = "addresses" if name == "runtime-map.txt" else "table rows"
                whose = "" if kernel is folder else " of the second kernel"
                confirmed[f"{what}{whose}"] = max(
                    confirmed.get(f"{what}{whose}", 0), found["compared"]
                )
                explained |= {one["why"].partition(",")[0] for one in found["explained"]}
        return [
            [literal(folder.name), nodes.Text(f": {about['about']}")],
            about["firmware"],
            about["kernel"].partition(" ")[0].removeprefix("linux-image-"),
            reference("strategy", about["strategy"]),
            self._confirmed(folder, about, confirmed),
            "; ".join(sorted(explained)) or "nothing",
        ]

    @staticmethod
    def _confirmed(folder: Path, about: dict[str, Any], counts: dict[str, int]) -> str:
        if counts:
            return ", ".join(f"{count} {what}" for what, count in counts.items())
        assert not about["shows"]
        assert not (folder / "runtime-map.txt").exists()
        return "that nothing is installed and no service is called"


class ExplainedFindings(SphinxDirective):
    """``.. explained-findings::``: what ``lint --policy strict`` says of these firmwares."""

    def run(self) -> list[nodes.Node]:
        """A definition for each rule."""
        file = RECORDED / "findings.yaml"
        self.env.note_dependency(str(file))
        findings: dict[str, str] = YAML(typ="safe", pure=True).load(file)
        listed = nodes.definition_list()
        for rule, why in findings.items():
            term = nodes.term("", "", reference("rule", rule))
            listed += nodes.definition_list_item("", term, nodes.definition("", paragraph(why)))
        return [listed]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register both directives."""
    app.add_directive("recorded-boots", RecordedBoots)
    app.add_directive("explained-findings", ExplainedFindings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
