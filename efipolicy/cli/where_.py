"""``efipolicy where``: what lies at an address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from efipolicy.api import missing_architecture
from efipolicy.cli import options as cli_options
from efipolicy.cli.reading import architecture_status, read_one, tell_of_other_mappings
from efipolicy.cli.running import load_registry, plugin_status, tell
from efipolicy.cli.strategy_options import add_strategy_options, plan_choice
from efipolicy.engine.locating import whereabouts
from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import plan_if_any
from efipolicy.engine.walkers import walker_of
from efipolicy.errors import UsageError
from efipolicy.model.platform import UNKNOWN_ARCHITECTURE
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.where import where_json, where_text

_SEPARATORS: Final = re.compile(r"(?<=[0-9a-f])[_`':](?=[0-9a-f])")
_HALVES: Final = re.compile(r"[^:]*|[0-9a-f]{1,8}:[0-9a-f]{8}|[0-9a-f]{1,4}(?::[0-9a-f]{4}){3}")
"""Where colons may stand; what has a shorter end may be a segment and an offset."""
_DECIMAL: Final = re.compile(r"0|[1-9]\d{0,19}")
_LOOKS_HEXADECIMAL: Final = re.compile(r"[1-9]\d*000")
"""Digits alone, and three zeros at the end, as the starts of pages have them in hexadecimal."""
_BARE: Final = re.compile(r"[0-9a-f]{1,16}h?")


def _nothing() -> dict[str, Any]:
    return {"addresses": []}


def _parser() -> cli_options.Parser:
    parser = cli_options.Parser(
        "where", "Print which descriptor, table, mapping and page-table entries hold an address."
    )
    parser.add_argument("file", metavar="FILE", help="a platform file, a capture or `-`")
    parser.add_argument(
        "address",
        nargs="+",
        metavar="ADDRESS",
        help="physical or virtual; hexadecimal as 0x7ec00000, 7EC00000h or with its leading "
        "zeros, else decimal",
    )
    parser.add_argument(
        "--space", choices=("physical", "virtual"), help="how the addresses are meant"
    )
    add_strategy_options(parser)
    cli_options.add_reading_options(parser)
    cli_options.add_json_option(parser)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Find, print, and return the exit status."""
    with cli_options.errors_as_json(arguments, _nothing):
        options, problem = _parser().parse(arguments)
        if problem:
            raise problem
        addresses = [address_of(text) for text in options.address]
        doubtful = [text for text in options.address if _LOOKS_HEXADECIMAL.fullmatch(text)]
        if doubtful and not options.quiet:
            tell(f"efipolicy: note: read as decimal: {', '.join(doubtful)}; write 0x{doubtful[0]}")
        choice = plan_choice(options)
        registry = load_registry()
        read = read_one(options.file, options, registry, to_plan=choice.strategy is not None)
        tell_of_other_mappings(read, options)
        platform = read.platform
        plan, geometry = None, None
        if platform.architecture in (UNKNOWN_ARCHITECTURE, *registry.architectures):
            plan, geometry = plan_if_any(platform, registry, choice)
        walker = None
        if plan and geometry:
            architecture = registry.architectures[platform.architecture]
            walker = walker_of(Planned(plan, architecture, geometry), platform)
        found = [
            answer
            for address in addresses
            for answer in whereabouts(
                platform,
                address,
                plan=plan,
                geometry=geometry,
                walker=walker,
                space=options.space,
            )
        ]
    json = options.format == "json"
    rendering = RenderOptions(
        color=cli_options.wants_color(options.color) and options.output is None,
        quiet=options.quiet,
        verbose=options.verbose,
    )
    text = where_json(found) if json else where_text(found, rendering)
    so = ", so neither mapping nor page tables were looked at"
    absent = missing_architecture(platform.architecture, read.path, registry, so=so)
    text = cli_options.with_errors(text, options.format, registry, [absent] if absent else [])
    cli_options.write(text, options.output)
    missing = architecture_status(read, registry, so=so)
    mapped = plan is not None or any(one.mapping for one in found)
    if not (missing or mapped or json or options.quiet):
        tell("efipolicy: note: no strategy is declared; --strategy says what would be mapped where")
    return max(missing, plugin_status(registry))


def address_of(text: str) -> int:
    """The address that people write in one of many ways.

    ``0x`` or a final ``h`` make it hexadecimal, so do letters, leading zeros, and the marks by
    which debuggers split it; anything else is decimal, as in a platform file. Raises `UsageError`
    for what is no address of 64 bits.
    """
    words = _SEPARATORS.sub("", text.strip().lower())
    split = "`" in text or "'" in text or ":" in text
    if words.startswith("0x") and re.fullmatch(r"0x[0-9a-f]+", words):
        address = int(words[2:66], 16) if len(words) <= 66 else 1 << 64
    elif _DECIMAL.fullmatch(words) and not split:
        address = int(words)
    elif _BARE.fullmatch(words) and _HALVES.fullmatch(text.strip().lower()):
        address = int(words.rstrip("h"), 16)
    else:
        raise UsageError(
            f"ADDRESS {text}: expected one such as 0x7ec00000, 000000007EC00000 or 2126512128"
        )
    if address >> 64:
        raise UsageError(f"ADDRESS {text}: it does not fit 64 bits")
    return address
