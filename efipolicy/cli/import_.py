"""``efipolicy import``: a platform file from a capture."""

from __future__ import annotations

from collections.abc import Sequence

from efipolicy.api import load_registry
from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import read_one
from efipolicy.cli.running import plugin_status, tell
from efipolicy.formats.writing import platform_text


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser("import", "Write a platform file from a capture.")
    parser.add_argument("capture", metavar="CAPTURE", help="a captured text, or `-`")
    cli_options.add_reading_options(parser)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Read the capture, write the platform file, and tell what could not be read."""
    options, problem = _parser().parse(arguments)
    if problem:
        raise problem
    registry = load_registry()
    read = read_one(options.capture, options, registry)
    # A platform file is already what import writes.
    text = read.source.text if read.kind == "platform" else platform_text(read.platform)
    cli_options.write(text, options.output)
    capture = read.platform.capture
    for line in capture.unreadable if capture else ():
        tell(f"efipolicy: warning: {line.located.span}: {line.what}")
    if not read.platform.memory_map.descriptors and not options.quiet:
        tell(f"efipolicy: note: {read.path} holds no memory map")
    return plugin_status(registry)
