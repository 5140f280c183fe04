"""Prove that a fix changed what it should, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from efipolicy.engine.fix_targets import Target
from efipolicy.source.document import Mapping, Node, Scalar, Sequence
from efipolicy.source.shape import Reading


class Comparison:
    """Whether two documents are equal but for some targets, which hold the values meant for them.

    The model is made of nothing but the document, so documents that are equal but for the targets
    mean models that are.
    """

    def __init__(self, targets: Iterable[Target]) -> None:
        self.targets = {target.identity: target for target in targets}
        self.met: set[tuple[int, str | int]] = set()

    def difference(self, old: Mapping, new: Mapping) -> str | None:
        """What differs besides, or ``None``."""
        also = self._inside(old, new, "the file")
        return also or ("less than it should" if len(self.met) < len(self.targets) else None)

    def _inside(self, old: Node, new: Node, at: str) -> str | None:
        if isinstance(old, Scalar) and isinstance(new, Scalar):
            return None if (old.text, old.plain) == (new.text, new.plain) else at
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            return self._keys(old, new, at)
        if isinstance(old, Sequence) and isinstance(new, Sequence):
            return self._items(old, new, at)
        return at

    def _keys(self, old: Mapping, new: Mapping, at: str) -> str | None:
        if [key for key in new.entries if key in old.entries] != list(old.entries):
            return at
        for key, (_, node) in new.entries.items():
            before = old.entries.get(key)
            also = self._part(old, key, before[1] if before else None, node)
            if also:
                return also
        return None

    def _items(self, old: Sequence, new: Sequence, at: str) -> str | None:
        kept = []
        for place, item in enumerate(old.items):
            target = self.targets.get((id(old), place))
            if target and target.value is None:
                self.met.add(target.identity)
            else:
                kept.append((place, item))
        if len(kept) != len(new.items):
            return at
        for (place, item), node in zip(kept, new.items, strict=True):
            also = self._part(old, place, item, node)
            if also:
                return also
        return None

    def _part(
        self, holder: Mapping | Sequence, key: str | int, old: Node | None, new: Node
    ) -> str | None:
        target = self.targets.get((id(holder), key))
        if target is None:
            return self._inside(old, new, f"`{key}`") if old else f"`{key}`"
        self.met.add(target.identity)
        says = target.shape.read(new, Reading())
        same = says == target.value or (isinstance(new, Scalar) and new.text == target.value)
        return None if same else f"`{key}` to something else"
