"""``efipolicy import``: a platform file from a capture, or from the running Linux."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from efipolicy.api import ReadInput, read_source
from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import (
    UnreadableError,
    architecture_status,
    note_failures,
    read_one,
    reading_options,
)
from efipolicy.cli.running import load_registry, plugin_status, tell
from efipolicy.errors import UsageError
from efipolicy.formats.writing import platform_text
from efipolicy.plugin.registry import Registry


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser("import", "Write a platform file from a capture.")
    parser.add_argument(
        "capture", metavar="CAPTURE", nargs="?", help="a captured text or folder, or `-`"
    )
    parser.add_argument(
        "--live", action="store_true", help="read the running Linux instead of a capture"
    )
    cli_options.add_reading_options(parser)
    return parser


def run(arguments: Sequence[str], *, root: str = "/") -> int:
    """Read the capture, write the platform file, and tell what could not be read.

    ``root`` is where the file system of the running Linux begins.
    """
    options, problem = _parser().parse(arguments)
    if problem:
        raise problem
    if options.live and options.capture is not None:
        raise UsageError("a CAPTURE or --live, not both (see efipolicy import --help)")
    if not options.live and options.capture is None:
        raise UsageError("a CAPTURE is required, or --live (see efipolicy import --help)")
    registry = load_registry()
    if options.live:
        read, remarks = _read_live(options, registry, root)
    else:
        read, remarks = read_one(options.capture, options, registry, to_plan=False), ()
    if options.output and options.capture and _same(options.output, options.capture):
        raise UsageError(f"--output {options.output}: it would replace the capture itself")
    # A platform file is already what import writes.
    is_written = read.kind == "platform"
    text = read.source.text if is_written else platform_text(read.platform, remarks)
    cli_options.write(text, options.output)
    _tell_of_reading(read, live=options.live, quiet=options.quiet)
    missing = architecture_status(read, registry, so=", so nothing can judge it here")
    return max(missing, plugin_status(registry))


def _same(output: str, capture: str) -> bool:
    return os.path.exists(output) and os.path.exists(capture) and os.path.samefile(output, capture)


def _read_live(
    options: argparse.Namespace, registry: Registry, root: str
) -> tuple[ReadInput, tuple[str, ...]]:
    """What the running system tells, and remarks on the text and on what it does not tell.

    Raises `InputError` where there is nothing of EFI, and `UnreadableError` where nothing of it
    can be read.
    """
    from efipolicy.formats import live, live_log

    system = live.running_system(root, command=live_log.run if root == "/" else None)
    for line in system.unread:
        if not options.quiet:
            tell(f"efipolicy: note: not read: {line}")
    read, problems = read_source(system.source, registry, reading_options(options, registry))
    if read is None:
        raise UnreadableError(problems)
    note_failures(problems, registry)
    unread = (f"Not read: {line}." for line in system.unread)
    return read._replace(platform=system.described(read.platform)), (live.LINES, *unread)


def _tell_of_reading(read: ReadInput, *, live: bool, quiet: bool) -> None:
    """Tell which lines could not be read, and that there is no map.

    Of a running system the lines are in a text that nobody else has.
    """
    capture = read.platform.capture
    for line in capture.unreadable if capture else ():
        tell(f"efipolicy: warning: {read.path if live else line.located.span}: {line.what}")
    if not read.platform.memory_map.descriptors and not quiet:
        tell(f"efipolicy: note: {read.path} holds no memory map")
