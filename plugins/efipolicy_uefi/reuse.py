"""Memory that an operating system takes for itself, by type."""

from collections.abc import Callable, Iterator

from efipolicy.plugin import (
    Edit,
    Finding,
    Fix,
    MemoryMap,
    NotJudged,
    Related,
    UsableMemory,
    type_name,
)

TYPES = "mapping[].usable_memory.types"


def taken(usable: UsableMemory) -> tuple[int, ...]:
    """Every type the page allocator gets, early or late, each once."""
    return tuple(dict.fromkeys((*(usable.types or ()), *(usable.before_acpi or ()))))


def names_of(types: tuple[int, ...]) -> str:
    """The names of memory types, for a message."""
    return " and ".join(map(type_name, types))


def reuse(
    usable: UsableMemory,
    memory_map: MemoryMap | None,
    forbidden: Callable[[int], bool],
    why: str,
) -> Iterator[Finding | NotJudged]:
    """The finding about the types that an operating system must not take and does, if any.

    ``why`` follows the names in the message. The descriptors of these types are related. Without
    the list of all that is taken, only what is taken early can be judged.
    """
    types = tuple(filter(forbidden, taken(usable)))
    if types:
        yield Finding(
            usable,
            f"{names_of(types)} {'is' if len(types) == 1 else 'are'} given to the page allocator; "
            f"{why}",
            field="types" if set(types) & {*(usable.types or ())} else "before_acpi",
            related=found_in(memory_map, types),
            fix=Fix("unsafe", f"take {names_of(types)} out of the list", dropped(usable, types)),
        )
    elif usable.types is None:
        yield NotJudged(TYPES)


def found_in(memory_map: MemoryMap | None, types: tuple[int, ...]) -> tuple[Related, ...]:
    """The descriptors of some types."""
    return tuple(
        Related(descriptor, "would be overwritten")
        for descriptor in (memory_map.descriptors if memory_map else ())
        if descriptor.type in types
    )


def dropped(usable: UsableMemory, types: tuple[int, ...], *lists: str) -> tuple[Edit, ...]:
    """The edits that take types out of the named lists, by default out of both."""
    return tuple(
        Edit(usable, f"{name}.{place}")
        for name in lists or ("types", "before_acpi")
        for place, listed in enumerate(getattr(usable, name) or ())
        if listed in types
    )
