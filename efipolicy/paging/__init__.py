"""Page tables: their geometry and entries as data, one builder, one walker."""

from efipolicy.paging.geometry import Geometry, Level, RadixGeometry, RegionGeometry, Window
from efipolicy.paging.path import Step, out_of_reach, path

__all__ = [
    "Geometry",
    "Level",
    "RadixGeometry",
    "RegionGeometry",
    "Step",
    "Window",
    "out_of_reach",
    "path",
]
