"""``efipolicy new-plugin``: a distribution that passes its own tests, to be changed from there."""

from __future__ import annotations

import os
from collections.abc import Sequence

from efipolicy.cli import options as cli_options
from efipolicy.cli.plugin_names import PREFIX, checked_name, refuse_offered, refuse_taken
from efipolicy.cli.plugin_templates import KINDS, files_of
from efipolicy.cli.running import load_registry, plugin_status
from efipolicy.errors import UsageError


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser(
        "new-plugin",
        "Write the distribution of a new plugin: code, tests, documentation, CI.",
        output=("DIR", f"the folder to write, not ./{PREFIX}NAME"),
    )
    parser.add_argument(
        "--into", metavar="DIR", help="add to the plugin in this folder; nothing is overwritten"
    )
    parser.add_argument("kind", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument(
        "name",
        metavar="NAME",
        help=f"lower case, with `-` between words; the distribution is {PREFIX}NAME",
    )
    return parser


def run(arguments: Sequence[str]) -> int:
    """Write the files, tell what to do next, and return the exit status.

    Raises `UsageError` for a kind that there is not, a name that is none or is taken, a folder
    that has something in it, and one to add to that holds no plugin. Nothing is written then.
    """
    options, problem = _parser().parse(arguments)
    if problem:
        raise problem
    kind, name = _known(options.kind), checked_name(options.name)
    registry = load_registry()
    if options.into is not None:
        if options.output is not None:
            raise UsageError("--into adds to a folder that is there, and -o names a new one")
        refuse_offered(kind, name, registry)
        told = _add(options.into, kind, name, all_of_them=options.verbose)
        if not options.quiet:
            cli_options.write(told, None)
        return plugin_status(registry)
    refuse_taken(kind, name, registry)
    folder = PREFIX + name if options.output is None else options.output
    paths = _write(folder, list(files_of(kind, name)))
    if not options.quiet:
        cli_options.write(_told(name, folder, paths, all_of_them=options.verbose), None)
    return plugin_status(registry)


def _known(kind: str) -> str:
    if kind in KINDS:
        return kind
    from efipolicy.source.shape import suggestion

    # The hook has the plural of all of them; `rules` has no singular.
    hint = suggestion(kind, KINDS)
    raise UsageError(f"unknown kind of plugin `{kind}`; known: {', '.join(KINDS)}{hint}")


def _write(folder: str, files: list[tuple[str, str]]) -> list[str]:
    """Write the files into a folder that is empty or is not there; the paths, with the folder."""
    if folder in ("", "-"):
        raise UsageError(f"`{folder}` is no folder; many files are written, and none to stdout")
    if os.path.lexists(folder):
        if not os.path.isdir(folder):
            raise UsageError(f"{folder} is there and is no folder; -o names another one")
        if os.listdir(folder):
            raise UsageError(
                f"{folder} is there and is not empty, and nothing is overwritten; "
                "-o names another folder"
            )
    return _written(folder, files)


def _add(folder: str, kind: str, name: str, *, all_of_them: bool) -> str:
    """Add a contribution to a plugin that is there; what to tell of it."""
    from efipolicy.cli.plugin_additions import additions_to

    made = additions_to(folder, kind, name)
    paths = _written(folder, made.files)
    paths += _written(folder, [made.module], mode="w")
    lines = list(paths) if all_of_them else []
    added = f"{len(made.files)} files added in {folder}, and {made.hook} in {made.module[0]}."
    lines.append(f"{made.home.distribution}: {added}")
    if directive := KINDS[kind].directive:
        shown = directive.replace("$name", name)
        lines += ["", "  " + shown, "", "shows it in docs/index.rst."]
    return "".join(f"{line}\n" for line in lines)


def _written(folder: str, files: list[tuple[str, str]], mode: str = "x") -> list[str]:
    paths = []
    for path, text in files:
        target = os.path.join(folder, *path.split("/"))
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, mode, encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError(f"cannot write {target}: {reason}") from error
        paths.append(target)
    return paths


def _told(name: str, folder: str, paths: list[str], *, all_of_them: bool) -> str:
    from shlex import quote

    lines = list(paths) if all_of_them else []
    lines += [
        f"{PREFIX}{name}: {len(paths)} files in {folder}. Its tests pass as it stands:",
        "",
        f"  cd {quote(folder)}",
        "  pip install -e . pytest",
        "  pytest",
        "  efipolicy plugins",
    ]
    return "".join(f"{line}\n" for line in lines)
