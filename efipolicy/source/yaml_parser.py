"""Which YAML parser produces the events: libyaml's where it is installed, else the pure one."""

from __future__ import annotations

from typing import Any


def parser_for(text: str) -> Any:
    """An object whose ``get_event()`` yields the parse events of a text, one at a time."""
    try:
        from _ruamel_yaml import CParser
    except ImportError:  # pragma: no cover - the compiled parser is a dependency
        return _pure_parser(text)
    return CParser(text)


def _pure_parser(text: str) -> Any:
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    _, parser = yaml.get_constructor_parser(text)
    return parser


def parser_in_use() -> str:
    """The name of the parser that `parser_for` chooses."""
    return type(parser_for("")).__module__ + "." + type(parser_for("")).__name__
