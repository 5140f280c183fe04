"""Write pages of rules, strategies, platforms into the source tree: a title and one directive each.

A file is written only when it would change, and a page whose subject is gone is removed, so that
a build after nothing happened reads nothing again. What was made of a removed page goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from efipolicy.sphinxext.installed import registry, shipped_platforms

_TOCTREE = ".. toctree::\n   :hidden:\n   :glob:\n\n   *"
_MARK = ".. Written by efipolicy.sphinxext.\n\n"


def write_pages(app: Sphinx) -> None:
    """Write the pages the configuration asks for."""
    pages: dict[Path, str] = {}
    if app.config.efipolicy_rule_pages:
        folder = Path(app.srcdir) / app.config.efipolicy_rule_pages
        for rule in registry().rules.values():
            pages[folder / f"{rule.id}.rst"] = _page(rule.id, f".. efi:rule:: {rule.id}")
            pack = f".. efi:rules:: {rule.pack}\n\n{_TOCTREE}"
            pages[folder / rule.pack / "index.rst"] = _page(rule.pack, pack)
        _remove_others(folder, pages)
    if app.config.efipolicy_strategy_pages:
        folder = Path(app.srcdir) / app.config.efipolicy_strategy_pages
        for name in registry().strategies:
            pages[folder / f"{name}.rst"] = _page(name, f".. efi:strategy:: {name}")
        _remove_others(folder, pages)
    if app.config.efipolicy_architecture_pages:
        folder = Path(app.srcdir) / app.config.efipolicy_architecture_pages
        for name in registry().architectures:
            pages[folder / f"{name}.rst"] = _page(name, f".. efi:architecture:: {name}")
        _remove_others(folder, pages)
    if app.config.efipolicy_platform_pages:
        folder = Path(app.srcdir) / app.config.efipolicy_platform_pages
        for name in shipped_platforms():
            pages[folder / f"{name}.rst"] = _page(name, f".. efi:platform:: {name}")
        _remove_others(folder, pages)
    for path, text in pages.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")


def _page(title: str, directive: str) -> str:
    return f"{_MARK}{title}\n{'=' * len(title)}\n\n{directive}\n"


def _remove_others(folder: Path, pages: dict[Path, str]) -> None:
    """Remove pages we wrote whose subject is gone; nobody else's file is touched."""
    for path in sorted(folder.rglob("*.rst")):
        if path not in pages and path.read_text(encoding="utf-8").startswith(_MARK):
            path.unlink()


def remove_output(app: Sphinx, env: BuildEnvironment) -> None:
    """Remove what an earlier build made of pages that are gone from the folders we write."""
    suffix = getattr(app.builder, "out_suffix", None)
    if not suffix:
        return
    out = Path(app.outdir)
    kept = {_output(app, docname) for docname in env.found_docs}
    kept |= {out / f"{name}{suffix}" for name in getattr(app.config, "html_additional_pages", ())}
    for folder in _folders(app):
        for path in sorted((out / folder).rglob(f"*{suffix}")):
            if path not in kept:
                path.unlink()
    for folder in _folders(app):
        for path in sorted((out / "_sources" / folder).rglob("*.rst.txt")):
            docname = path.relative_to(out / "_sources").as_posix().removesuffix(".rst.txt")
            if docname not in env.found_docs:
                path.unlink()


def _folders(app: Sphinx) -> Iterator[str]:
    """The folders that the configuration gives us, relative to the source tree."""
    for value in sorted(app.config, key=lambda value: value.name):
        if value.name.startswith("efipolicy_") and value.name.endswith("_pages") and value.value:
            yield value.value


def _output(app: Sphinx, docname: str) -> Path:
    """The file that a builder makes of a document."""
    path = getattr(app.builder, "get_output_path", None)  # not every builder has one
    suffix = getattr(app.builder, "out_suffix", "")
    return Path(path(docname)) if path else Path(app.outdir, docname + suffix)


def _before_reading(app: Sphinx, env: BuildEnvironment, _docnames: list[str]) -> None:
    remove_output(app, env)


def setup(app: Sphinx) -> None:
    """Write pages before Sphinx looks for documents, and remove what is left of gone ones."""
    app.connect("builder-inited", write_pages)
    app.connect("env-before-read-docs", _before_reading)
