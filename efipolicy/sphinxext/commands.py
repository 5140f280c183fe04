"""``efi:command``: a command line with what it really prints, run while the page is built."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from efipolicy.errors import ExitStatus
from efipolicy.sphinxext.installed import shipped_platforms

_DAY = "1767225600"  # 2026-01-01, so that no page depends on when it was built


class EfiCommand(SphinxDirective):
    """``.. efi:command:: lint platform.yaml``: a command, what it prints, how it ends.

    ``:with:`` names the files it finds in its folder, reference platforms (``NAME.yaml``) or paths
    from the document; ``:replace: OLD => NEW`` edits the first of them; ``:head:`` shows only so
    many lines. A status other than 0 is shown.
    """

    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {  # noqa: RUF012 - docutils reads it so
        "with": directives.unchanged_required,
        "replace": directives.unchanged_required,
        "head": directives.positive_int,
    }

    def run(self) -> list[nodes.Node]:
        """The command and its output as a console block."""
        line = self.arguments[0]
        with TemporaryDirectory() as folder:
            self._prepare(Path(folder))
            result = run_efipolicy(shlex.split(line), folder)
        printed = (result.stdout + result.stderr).rstrip("\n")
        if result.returncode == ExitStatus.INTERNAL:
            raise self.error(printed)
        lines = printed.splitlines()
        head = self.options.get("head", len(lines))
        if head < len(lines):
            lines = [*lines[:head], "\N{HORIZONTAL ELLIPSIS}"]
        if result.returncode:
            lines += ["$ echo $?", str(result.returncode)]
        text = "\n".join([f"$ efipolicy {line}", *lines])
        return [nodes.literal_block(text, text, language="text", classes=["ep-console"])]

    def _prepare(self, folder: Path) -> None:
        """Put the files in place, the first of them edited if that is asked for."""
        names = self.options.get("with", "").split()
        for name in names:
            path = shipped_platforms().get(name.removesuffix(".yaml"))
            if path is None:
                _, path = self.env.relfn2path(name)
            self.env.note_dependency(path)
            if not os.path.isfile(path):
                raise self.error(f"`{name}` is neither a file nor a reference platform")
            shutil.copyfile(path, folder / Path(name).name)
        if "replace" in self.options:
            old, arrow, new = self.options["replace"].partition(" => ")
            target = folder / Path(names[0]).name if names else None
            text = target.read_text(encoding="utf-8") if target else ""
            if not target or not arrow or text.count(old) != 1:
                raise self.error(f"`{old}` is not in the first file exactly once")
            target.write_text(text.replace(old, new), encoding="utf-8")


def run_efipolicy(arguments: list[str], folder: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder as a reader would, without colour, on a fixed day."""
    kept = ("PATH", "HOME", "SYSTEMROOT", "PYTHONPATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"NO_COLOR": "1", "COLUMNS": "88", "SOURCE_DATE_EPOCH": _DAY}
    environment["PYTHONIOENCODING"] = "utf-8"
    return subprocess.run(  # noqa: S603 - our own interpreter and our own program
        [sys.executable, "-m", "efipolicy", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
