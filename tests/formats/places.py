"""What stands where a value says it was read."""

from __future__ import annotations

from efipolicy.source import Located


def words_at(located: Located | None, *fields: str) -> list[str | None]:
    """The words of some fields, ``None`` for one that is not printed."""
    assert located
    spans = [located.span_of(field) for field in fields]
    return [span.text if span else None for span in spans]
