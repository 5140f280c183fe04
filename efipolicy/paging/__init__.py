"""Page-table geometry as data, and the paths of addresses through it."""

from efipolicy.paging.geometry import Geometry, Level, RadixGeometry, RegionGeometry
from efipolicy.paging.path import Step, out_of_reach, path

__all__ = [
    "Geometry",
    "Level",
    "RadixGeometry",
    "RegionGeometry",
    "Step",
    "out_of_reach",
    "path",
]
