"""What becomes of an address that firmware touches."""

from __future__ import annotations

from efipolicy.model.declared import FirmwareAccess
from efipolicy.model.mapping import Mapping
from efipolicy.named_tuple import NamedTuple


class AccessOutcome(NamedTuple):
    """What becomes of one access.

    ``address`` is what firmware uses, ``through`` the mapping that leads it to the right memory.
    ``works`` is ``None`` where the input does not tell whether firmware converts the pointer, or
    where the regions' addresses are not known, and it matters.
    """

    access: FirmwareAccess
    address: int | None
    works: bool | None
    through: Mapping | None
    sentence: str
