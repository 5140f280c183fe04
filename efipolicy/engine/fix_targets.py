"""What a fix is about: fields and items of the document a platform was read from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from efipolicy.formats.platform import PLATFORM_FILE
from efipolicy.model.finding import Edit
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Subject
from efipolicy.named_tuple import NamedTuple
from efipolicy.source.document import Mapping, Node, Scalar, Sequence
from efipolicy.source.shape import MappingOf, Record, Shape
from efipolicy.source.spelling import UnspellableError

Value = int | str


class Place:
    """A collection of a platform file: its shape, and where it hangs."""

    __slots__ = ("above", "key", "node", "shape")

    def __init__(
        self, node: Mapping | Sequence, shape: Shape, above: Place | None, key: str | int
    ) -> None:
        self.node = node
        self.shape = shape
        self.above = above
        self.key = key

    def below(self, key: str | int) -> tuple[Node | None, Shape] | None:
        """What stands under a key or at an index, ``None`` for nothing; or no such place."""
        shape, node = self.shape, self.node
        if isinstance(node, Sequence):
            inside = isinstance(key, int) and key < len(node.items)
            return (node.items[int(key)], getattr(shape, "item", shape)) if inside else None
        entry = node.entries.get(str(key))
        if isinstance(shape, Record):
            field = shape.fields.get(str(key))
            return (entry[1] if entry else None, field.shape) if field else None
        return (entry[1], shape.value) if entry and isinstance(shape, MappingOf) else None

    @property
    def key_node(self) -> Scalar | None:
        """The key whose value it is."""
        above = self.above.node if self.above else None
        return above.entries[str(self.key)][0] if isinstance(above, Mapping) else None


class Target(NamedTuple):
    """The field or item that an edit is about."""

    place: Place
    key: str | int
    node: Node | None
    shape: Shape
    value: Value | None

    @property
    def identity(self) -> tuple[int, str | int]:
        """What two edits have in common that are about the same field."""
        return id(self.place.node), self.key

    def above(self) -> Iterator[tuple[int, str | int]]:
        """The items and fields that this one is part of."""
        place = self.place
        while place.above is not None:
            yield id(place.above.node), place.key
            place = place.above


@lru_cache(maxsize=1)
def _places(root: Mapping) -> dict[int, Place]:
    """Every collection of a document by its identity; asked once for all fixes of a file."""
    found: dict[int, Place] = {}
    waiting = [Place(root, PLATFORM_FILE, None, "")]
    while waiting:
        place = waiting.pop()
        node = place.node
        found[id(node)] = place
        keys: Iterable[str | int] = (
            node.entries if isinstance(node, Mapping) else range(len(node.items))
        )
        for key in keys:
            below = place.below(key)
            if below and isinstance(below[0], Mapping | Sequence):
                waiting.append(Place(below[0], below[1], place, key))
    return found


def targets(edits: Iterable[Edit], root: Mapping) -> list[Target]:
    """What the edits of a fix are about.

    A ``field`` may be a path from the subject, ``set_virtual_address_map.when`` or ``types.2``.
    Raises `UnspellableError` for what is not in the file.
    """
    found = [_target(edit, _places(root)) for edit in edits]
    if len({target.identity for target in found}) < len(found):
        raise UnspellableError("the fix changes one field twice")
    return found


def _target(edit: Edit, places: dict[int, Place]) -> Target:
    if not isinstance(edit, Edit):
        raise UnspellableError("it is none that a rule can make")
    place = places.get(id(getattr(edit.subject, "located", None)))
    if place is None or not _is_of(place, edit.subject):
        raise UnspellableError("what it would change is not written in the file")
    keys: list[str | int] = [
        int(part) if part.isdecimal() else part for part in (edit.field or "").split(".") if part
    ]
    if not keys:
        if place.above is None:
            raise UnspellableError("the whole file cannot be dropped")
        place, keys = place.above, [place.key]
    for key in keys[:-1]:
        below = place.below(key)
        inner = places.get(id(below[0])) if below and below[0] else None
        if inner is None:
            raise UnspellableError(f"there is no `{key}`")
        place = inner
    below = place.below(keys[-1])
    if below is None:
        raise UnspellableError(f"there is no `{keys[-1]}` in {place.shape.phrase}")
    target = Target(place, keys[-1], *below, edit.value)
    if edit.value is None:
        _droppable(target)
    return target


def _is_of(place: Place, subject: Subject) -> bool:
    """Whether a collection is the subject itself, not just where a plan got the subject from."""
    if not isinstance(subject, MemoryDescriptor):
        return True
    return isinstance(place.shape, Record) and "pages" in place.shape.fields


def _droppable(target: Target) -> None:
    place = target.place
    if not isinstance(place.node, Sequence):
        raise UnspellableError(f"`{target.key}` is not an item of a list")
    above = place.above.node if place.above else None
    if isinstance(above, Mapping) and place.key == "descriptors" and "missing" in above.entries:
        raise UnspellableError("`missing` counts the indices of the descriptors")
