"""What translation by regions promises (Itanium): each address leads to itself, or to nothing."""

from __future__ import annotations

from collections.abc import Iterator

from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import Mapping
from efipolicy.paging import RegionGeometry
from efipolicy.paging.regions import translate_regions, walk_region

_SHIFT = 61


def identical(geometry: RegionGeometry) -> Iterator[str]:
    """Both identity regions lead to the address that stands in them, every other one to nothing."""
    if len({*geometry.granule_sizes}) != len(geometry.granule_sizes) or not geometry.granule_sizes:
        yield f"{geometry.name} has granules of {geometry.granule_sizes}"
    if geometry.cached_region == geometry.uncached_region:
        yield f"{geometry.name} has one region for cached and uncached memory"
    for granule in geometry.granule_sizes:
        if granule.bit_count() != 1 or granule < geometry.page_size:
            yield f"{geometry.name} has granules of {granule:#x} bytes"
            continue
        for physical in (0, granule - geometry.page_size, 5 * granule, 1 << 40):
            yield from _of(geometry, granule, physical)


def _of(geometry: RegionGeometry, granule: int, physical: int) -> Iterator[str]:
    for region in range(8):
        virtual = (region << _SHIFT) + physical
        extent = AddressRange(physical, physical + geometry.page_size)
        one = Mapping(extent, virtual, 6, "RWX", "WB", runtime=True)
        translations = translate_regions(geometry, [one], granule=granule)
        found = walk_region(translations, virtual + 1)
        identity = region in (geometry.cached_region, geometry.uncached_region)
        if identity and (translations.refused or found.physical != physical + 1):
            yield f"{virtual:#x} does not lead to {physical:#x}"
        if not identity and (not translations.refused or found.physical is not None):
            yield f"region {region} leads somewhere"
        if identity and any(run.frames.start % granule for run in translations.granules):
            yield f"a granule of {granule:#x} bytes is not aligned"
