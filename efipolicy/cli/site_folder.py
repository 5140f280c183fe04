"""Where ``efipolicy docs`` writes: a folder of its own, or a folder in a project of Sphinx."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from efipolicy import __version__
from efipolicy.cli import options as cli_options
from efipolicy.cli.running import tell
from efipolicy.errors import EfipolicyError, PluginError, UsageError
from efipolicy.reporters.site_markup import MARK

_STATE: Final = ".efipolicy"
"""The folder in a site that tells it is ours; it holds what makes a second build fast."""

_EXTRA: Final = "pip install 'efipolicy[docs]'"


class SiteError(EfipolicyError):
    """Sphinx could not make a site of sources that are ours: a bug of efipolicy's."""


class SiteFolder:
    """The folder of a site: the pages, and below ``.efipolicy`` their sources.

    Raises `UsageError` for a folder with something else in it, and when Sphinx is not installed.
    """

    def __init__(self, path: str) -> None:
        for module in ("sphinx.application", "furo"):
            try:
                import_module(module)
            except ImportError as problem:
                name = module.partition(".")[0]
                raise UsageError(
                    f"a site needs {name}, which is not installed; install it with `{_EXTRA}`"
                ) from problem
        self.path = Path(path)
        self.state = self.path / _STATE
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"{path} is a file; a site is a folder")
        try:
            foreign = self.path.is_dir() and any(self.path.iterdir()) and not self.state.is_dir()
        except OSError as problem:
            reason = (problem.strerror or str(problem)).lower()
            raise UsageError(f"cannot read {path}: {reason}") from problem
        if foreign:
            raise UsageError(
                f"{path} holds something that `efipolicy docs` did not make; name a new "
                "folder or an empty one"
            )

    @property
    def root(self) -> Path:
        """The folder of the sources that Sphinx reads."""
        return self.state / "source"

    def holds(self, path: str) -> bool:
        """Whether a path is in the site."""
        return _is_in(path, self.path)

    def told(self, platforms: int) -> str:
        """What was done, in a line."""
        many = "1 platform" if platforms == 1 else f"{platforms} platforms"
        return f"{self.path / 'index.html'}: {many}"

    def write(self, sources: Mapping[str, str], files: Mapping[str, str]) -> None:
        """Write what changed of the sources, and remove pages whose subject is gone."""
        source = self.root
        made = write_changed(source, {**sources, **files})
        for path in sorted(source.rglob("*")):
            if path.is_file() and path not in made:
                path.unlink()
                self._remove_output(path.relative_to(source))

    def _remove_output(self, source: Path) -> None:
        """Remove the page of a source that is gone; Sphinx leaves it where it is."""
        if source.suffix == ".rst":
            (self.path / source.with_suffix(".html")).unlink(missing_ok=True)

    def build(self, title: str, *, jobs: int, loud: bool, quiet: bool) -> list[str]:
        """Build the pages that changed; what Sphinx complains of, a line each.

        Raises `SiteError` when there is no site, and `PluginError` where metadata of a distribution
        keeps Sphinx from making one.
        """
        from sphinx.application import Sphinx
        from sphinx.errors import SphinxError
        from sphinx.util.console import nocolor
        from sphinx.util.docutils import docutils_namespace, patch_docutils

        _check_metadata()
        if not (on_terminal() and cli_options.wants_color("auto")):
            nocolor()
        settings = _settings(title)
        fresh = not self._same_maker(settings)
        # A build that is broken off leaves pages older than what was read: all are made again.
        self._maker.unlink(missing_ok=True)
        warnings = io.StringIO()
        status = None if quiet else _status_stream(loud=loud)
        try:
            with patch_docutils(), docutils_namespace():
                app = Sphinx(
                    self.root,
                    None,
                    self.path,
                    self.state / "doctrees",
                    "html",
                    confoverrides=settings,
                    status=status,
                    warning=warnings,
                    freshenv=fresh,
                    parallel=jobs,
                )
                app.build()
        except SphinxError as problem:
            raise SiteError(f"the site could not be built: {problem}") from problem
        finally:
            if isinstance(status, StatusLine):
                status.clear()
        self._remove_leftovers(app.env)
        self._maker.write_text(_maker(settings), encoding="utf-8")
        told = [line for line in warnings.getvalue().splitlines() if line.strip()]
        self._read_again(app.env, told)
        return told

    def _read_again(self, environment: Any, told: Sequence[str]) -> None:
        """Let the next build read the pages again that were complained of, and complain again."""
        for docname in environment.found_docs:
            place = f"{environment.doc2path(docname)}:"
            if any(line.startswith(place) for line in told):
                (self.state / "doctrees" / f"{docname}.doctree").unlink(missing_ok=True)

    def _remove_leftovers(self, environment: Any) -> None:
        """Remove pictures and captures of platforms that are gone."""
        pictures = environment.get_domain("efi").data["pictures"].values()
        named = {(figure, digest) for drawn in pictures for figure, digest in drawn.items()}
        kept = {f"{figure}.svg" for figure, _ in named}
        kept |= {f"{figure}-{digest}.svg" for figure, digest in named}
        for path in sorted((self.path / "_images").glob("*.svg")):
            if path.name not in kept:
                path.unlink()
        copied = {self.path / "_downloads" / target for _, target in environment.dlfiles.values()}
        for path in sorted((self.path / "_downloads").glob("*/*")):
            if path not in copied:
                path.unlink()
                path.parent.rmdir()

    @property
    def _maker(self) -> Path:
        return self.state / "maker.json"

    def _same_maker(self, settings: Mapping[str, Any]) -> bool:
        """Whether what was kept was made by this version with these plugins and settings."""
        try:
            return self._maker.read_text(encoding="utf-8") == _maker(settings)
        except (OSError, UnicodeDecodeError):
            return False


class EmbeddingFolder:
    """The folder ``efipolicy`` beside the ``conf.py`` of a project.

    Raises `UsageError` where there is no such project.
    """

    def __init__(self, project: str) -> None:
        self.project = Path(project)
        if not (self.project / "conf.py").is_file():
            raise UsageError(f"{project} is no project of Sphinx: it has no conf.py")

    @property
    def root(self) -> Path:
        """The folder of the sources that Sphinx reads."""
        return self.project

    def holds(self, path: str) -> bool:
        """Whether a path is in the folder that is written."""
        return _is_in(path, self.project / "efipolicy")

    def write(self, sources: Mapping[str, str], files: Mapping[str, str]) -> None:
        """Write what changed; pages of ours whose subject is gone are removed.

        Raises `UsageError` rather than overwrite a page that somebody else wrote.
        """
        for name in sources:
            path = self.project / name
            if path.is_file() and not _is_ours(path):
                raise UsageError(f"{path} is not of `efipolicy docs`, and would be overwritten")
        read = self._inputs()
        made = write_changed(self.project, {**sources, **files})
        for path in sorted(read - made):
            path.unlink(missing_ok=True)
        for path in sorted((self.project / "efipolicy").rglob("*.rst")):
            if path not in made and _is_ours(path):
                path.unlink()

    def _inputs(self) -> set[Path]:
        """The copies of inputs that our pages of platforms are made of."""
        pages = (self.project / "efipolicy" / "platforms").glob("*.rst")
        texts = [page.read_text(encoding="utf-8") for page in pages if _is_ours(page)]
        lines = [line for text in texts for line in text.splitlines()]
        directive = ".. efi:site-platform:: /efipolicy/inputs/"
        names = [line.removeprefix(directive) for line in lines if line.startswith(directive)]
        return {self.project / "efipolicy" / "inputs" / name for name in names if "/" not in name}

    def told(self, _platforms: int) -> str:
        """What was done, and what to put into the project, as far as it is not there."""
        text = (self.project / "conf.py").read_text(encoding="utf-8", errors="replace")
        lines = [f"{self.project / 'efipolicy'}: written"]
        if "efipolicy.sphinxext" not in text:
            lines.append('put into conf.py: extensions += ["efipolicy.sphinxext"]')
        lines.append("put into a toctree: efipolicy/index")
        return "\n".join(lines)


def _is_in(path: str, folder: Path) -> bool:
    return Path(path).resolve().is_relative_to(folder.resolve())


def write_changed(folder: Path, texts: Mapping[str, str]) -> set[Path]:
    """Write the texts that are not there yet; all their paths.

    Raises `UsageError` when something cannot be written.
    """
    made: set[Path] = set()
    for name, text in texts.items():
        path = folder / name
        content = text.encode("utf-8", errors="replace")
        made.add(path)
        try:
            if not path.is_file() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        except OSError as problem:
            reason = (problem.strerror or str(problem)).lower()
            raise UsageError(f"cannot write {path}: {reason}") from problem
    return made


def _is_ours(path: Path) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    return MARK in text[: len(MARK) + len(":orphan:") + 2]


def _check_metadata() -> None:
    """Raise `PluginError` where Python cannot list all entry points, which Sphinx wants to see."""
    from importlib.metadata import entry_points

    try:
        entry_points()
    except Exception as problem:
        reason = f"{type(problem).__name__}: {problem}"
        raise PluginError(
            "no site can be built: Sphinx asks Python for the entry points of every distribution, "
            f"and one has an entry_points.txt that Python cannot read ({reason})"
        ) from problem


def _settings(title: str) -> dict[str, Any]:
    """The configuration of a site: what a conf.py would say."""
    return {
        "project": title,
        "extensions": ["efipolicy.sphinxext"],
        "html_theme": "furo",
        "html_title": title,
        "html_copy_source": False,
        "html_show_sphinx": False,
        "html_show_copyright": False,
        "suppress_warnings": ["misc.highlighting_failure"],
    }


def _maker(settings: Mapping[str, Any]) -> str:
    from importlib.metadata import version

    from efipolicy.api import load_registry

    plugins = sorted(f"{plugin.owner} {plugin.status}" for plugin in load_registry().plugins)
    versions = {name: version(name) for name in ("sphinx", "furo", "docutils")}
    made = {"efipolicy": __version__, **versions, "plugins": plugins, "settings": settings}
    return json.dumps(made, indent=1, sort_keys=True, default=str) + "\n"


class StatusLine(io.TextIOBase):
    """What Sphinx tells of its work, each step over the one before, on a terminal."""

    def write(self, text: str) -> int:
        """Show the last words of the text."""
        words = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
        if words:
            tell(f"\r{words[-1][:76]}\x1b[K", end="")
        return len(text)

    def clear(self) -> None:
        """Leave an empty line."""
        tell("\r\x1b[K", end="")


def _status_stream(*, loud: bool) -> Any:
    if sys.stderr is None:
        return None
    if loud:
        return sys.stderr
    return StatusLine() if sys.stderr.isatty() else None


def on_terminal() -> bool:
    """Whether somebody watches standard error."""
    return sys.stderr is not None and sys.stderr.isatty()
