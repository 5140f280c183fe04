"""The characters behind the groups of a hex dump, which prove the order and number of bytes."""

from __future__ import annotations

from typing import Final

from efipolicy.formats.hex_dump import CHARACTERS

AS_PRINTED: Final = 1
REVERSED: Final = 2
"""The order of bytes: their digits as they lie in memory, or each group as a little-endian number.
"""

_FRAMES: Final = {"|": "|", "*": "*", ">": "<"}
_BEHIND: Final = " \t\r|*<\"',="
"""What may follow the characters: their frame, and what a list of lines or a mail adds."""


def in_order(content: bytes, group: int, order: int) -> bytes:
    """Bytes as they lie in memory, a part of a group at their end left out where it says nothing.

    ``group`` is bytes.
    """
    if order == AS_PRINTED:
        return content
    whole = len(content) - len(content) % group
    return b"".join(content[at : at + group][::-1] for at in range(0, whole, group))


def orders_of(content: bytes, group: int, rest: str) -> tuple[int, bool]:
    """The orders of bytes that the characters behind them leave possible, and whether they tell."""
    both = (AS_PRINTED, REVERSED) if group > 1 else (AS_PRINTED,)
    told = {order: _agrees(in_order(content, group, order), rest) for order in both}
    agreed = sum(order for order in both if told[order])
    if agreed:
        return agreed, True
    return (0 if all(one is False for one in told.values()) else sum(both)), False


def _agrees(content: bytes, rest: str) -> bool | None:
    """Whether the end of a line shows these bytes; ``None`` when it shows no characters of all."""
    words = rest.strip()
    if not words:
        return None
    at = len(rest) - len(rest.lstrip())
    frame = _FRAMES.get(rest[at])
    starts = [at + 1] if frame else []
    starts += [max(at - len(content) + len(content.lstrip(b" ")), 0)]
    if any(_shows(rest[start:], content) for start in starts):
        return True
    if frame:
        return False if words.endswith(frame) and len(words) == len(content) + 2 else None
    return False if len(words) == len(content) > 3 and not words.endswith("=") else None


def _shows(rest: str, content: bytes) -> bool:
    """Whether characters are those of the bytes; what is no ASCII may be any of them."""
    shown = rest[: len(content)].rstrip("\r").ljust(len(content))
    expected = content.translate(CHARACTERS).decode("ascii")
    return not rest[len(content) :].strip(_BEHIND) and (
        shown == expected
        or all(one == other or one > "\x7e" for one, other in zip(shown, expected, strict=True))
    )
