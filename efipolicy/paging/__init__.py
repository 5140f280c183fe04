"""Page-table geometry as data."""

from efipolicy.paging.geometry import Geometry, Level, RadixGeometry, RegionGeometry

__all__ = ["Geometry", "Level", "RadixGeometry", "RegionGeometry"]
