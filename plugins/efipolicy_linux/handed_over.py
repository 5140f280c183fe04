"""Which kernels are Linux, and what those that follow each other by kexec hand over."""

from __future__ import annotations

from collections.abc import Iterator

from efipolicy.plugin import AddressRange, Carried, Kernel, MappingDeclaration, MemoryDescriptor

_LINUX = "linux"


def is_linux(declared: MappingDeclaration, first: MappingDeclaration | None = None) -> bool:
    """Whether nobody says that a kernel is another operating system's."""
    named = declared.os or (first.os if first else None)
    return named is None or _LINUX in named.casefold()


def says_linux(declared: MappingDeclaration) -> bool:
    """Whether a kernel is said to be Linux."""
    return _LINUX in (declared.os or "").casefold()


def version_of(declared: MappingDeclaration) -> tuple[int, ...] | None:
    """The Linux version that the options of a kernel's strategy state; a default states none."""
    stated = str(getattr(declared.options.get("kernel"), "text", ""))
    parts = stated.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else None


def carried_by(chain: tuple[Kernel, ...]) -> Iterator[tuple[MappingDeclaration, Carried | None]]:
    """Every Linux kernel that was started by kexec, and what it was given as far as is stated."""
    first = chain[0].declared
    for kernel in chain[1:]:
        if is_linux(kernel.declared, first):
            yield kernel.declared, kernel.declared.carried


def virtual_range(entry: MemoryDescriptor) -> AddressRange | None:
    """The virtual addresses of an entry of a layout, where they are known."""
    if entry.virtual_start is None:
        return None
    return AddressRange(entry.virtual_start, entry.virtual_start + entry.physical.size)
