"""How many pages of tables an arm64 kernel zeroes before translation is on."""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import HandoverRequest, RadixGeometry, round_up
from efipolicy.plugin.handovers import ZeroedTables

DEVICE_TREE_ROOM: Final = 0x200000
"""What the identity map holds of the device tree: 2 MiB."""

_EXTRA_PAGES: Final = 2
"""What Linux 6.6 adds where the kernel's addresses are narrower than 48 bits."""

_WIDTHS_OF_6_6: Final = {0x1000: (39, 48), 0x4000: (36, 47, 48), 0x10000: (42, 48, 52)}


def single_page_tables(geometry: RadixGeometry) -> int:
    """Tables that map a single page: one a level.

    As many levels as the width above the page needs, ``page shift - 3`` bits each, rounded up.
    """
    return len(geometry.levels)


def whole_image_tables(geometry: RadixGeometry, image_size: int) -> int | None:
    """Tables of the identity map of the whole image, as Linux 6.6 sets them aside.

    ``image_size`` is bytes with the zeroed part. The map holds the image, 2 MiB of device tree and
    one block more; where that starts is not known when the kernel is built, so each level has a
    table more than a start on a boundary would need (arch/arm64/include/asm/kernel-pgtable.h).
    ``None`` for an address width which that kernel cannot be built for.
    """
    if geometry.virtual_address_bits not in _WIDTHS_OF_6_6.get(geometry.page_size, ()):
        return None
    # With pages of 4 KiB the map consists of blocks of 2 MiB: there is no last level.
    levels = geometry.levels[:-1] if geometry.page_size == 0x1000 else geometry.levels
    mapped = image_size + DEVICE_TREE_ROOM + levels[-1].entry_size
    pages = 1 + _tables_under(mapped, levels[0].shift)
    if len(levels) > 3:
        pages += _tables_under(mapped, levels[1].shift)
    if len(levels) > 2:
        pages += _tables_under(mapped, levels[-2].shift)
    narrow = geometry.virtual_address_bits < 48
    return pages + (_EXTRA_PAGES if narrow else 0)


def _tables_under(size: int, shift: int) -> int:
    """Entries that a range from a boundary on touches, and one for a start elsewhere."""
    return round_up(size, 1 << shift) // (1 << shift) + 1


def whole_image(request: HandoverRequest) -> tuple[ZeroedTables, ...]:
    """The whole-image map for each geometry the kernel may have."""
    image = request.declared.image
    size = image.memory_size if image else None
    return tuple(_whole_image(geometry, size) for geometry in request.geometries)


def _whole_image(geometry: RadixGeometry, size: int | None) -> ZeroedTables:
    pages = whole_image_tables(geometry, size or 1)
    if pages is None:
        needs: str | None = "a kernel newer than Linux 6.6, of which no source was read"
    else:
        needs = "handover.image.memory_size" if size is None else None
    return ZeroedTables(
        geometry=geometry.name,
        what="identity map of image and device tree, as Linux 6.6 sizes it",
        page_size=geometry.page_size,
        pages=None if needs else pages,
        needs=needs,
    )


def single_page(request: HandoverRequest) -> tuple[ZeroedTables, ...]:
    """The two maps of the staged hand-over for each geometry the kernel may have."""
    made: list[ZeroedTables] = []
    for geometry in request.geometries:
        tables = ZeroedTables(
            geometry=geometry.name,
            what="identity map of one page",
            page_size=geometry.page_size,
            pages=single_page_tables(geometry),
        )
        made += [tables, tables._replace(what="the stub at a fixed address of TTBR1", at_most=True)]
    return tuple(made)
