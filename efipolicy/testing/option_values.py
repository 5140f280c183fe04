"""What can be said of the options of a strategy or a rule without knowing what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from efipolicy.plugin import Option
from efipolicy.plugin.options import option_text, shape_of, written_value
from efipolicy.source.shape import Reading

_NO_VALUE: Final = "no value of any kind"
_BYTES: Final = (0, 0x1000, 2 << 20)


def values_of(option: Option) -> Iterator[Any]:
    """Values besides the default that an option may have: all of a choice, the ends of a range.

    None of a kind of which any value has a meaning of its own, such as an address.
    """
    values: Iterable[Any] = ()
    match option.kind:
        case "choice":
            values = option.choices
        case "boolean":
            values = (False, True)
        case "integer" if option.limits:
            values = option.limits
        case "version" if option.minimum:
            values = (option.minimum,)
        case "size":
            values = _BYTES
    yield from (value for value in values if value != option.default)


def defaults_complaints(options: Iterable[Option]) -> Iterator[str]:
    """What is wrong with the options as they are declared.

    Names are unique, each is explained, and a default is a value that may be written.
    """
    names: set[str] = set()
    for option in options:
        if option.name in names:
            yield f"two options are named {option.name}"
        names.add(option.name)
        if not option.doc.strip():
            yield f"{option.name} is not explained"
        if option.default is None:
            continue
        found, reading = _read(option, option_text(option, option.default))
        if reading.errors:
            yield f"{option.name}: its default is none of its values: {reading.errors[0].message}"
        elif found != option.default:
            yield f"{option.name}: its default {option.default!r} is read back as {found!r}"


def complaints(options: Iterable[Option]) -> Iterator[str]:
    """The options that take a value which is none of theirs."""
    for option in options:
        for text in _wrong(option):
            if not _read(option, text)[1].errors:
                yield f"{option.name} ({option.kind}) takes `{text}`"


def _wrong(option: Option) -> Iterator[str]:
    """Texts that are no value of an option."""
    if option.kind != "text":
        yield _NO_VALUE
    if option.kind == "integer" and option.limits:
        yield from (str(option.limits[0] - 1), str(option.limits[1] + 1))
    if option.kind == "version" and option.minimum and option.minimum > (0, 0):
        yield "0.0"
    if option.kind in ("address", "size", "integer"):
        yield from ("-1", f"{1 << 64:#x}")


def _read(option: Option, text: str) -> tuple[Any, Reading]:
    reading = Reading()
    return shape_of(option).read(written_value(option, text), reading), reading
