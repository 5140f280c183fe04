"""edk2's debug log: the Memory Attributes Table and the address-space map, no memory map.

Neither MdeModulePkg nor UefiCpuPkg prints the whole memory map: ``Memory  Previous  Current
Next`` (the type information of the boot device selection) counts pages by type, and the test
points of MinPlatformPkg print the shell's table, which is read as such.
"""

from __future__ import annotations

from efipolicy.formats.edk2_attributes import attributes_table
from efipolicy.formats.edk2_build import built_for
from efipolicy.formats.edk2_gcd import GCD, gcd_dumps
from efipolicy.formats.edk2_records import MEMORY_ATTRIBUTES
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import About, reading
from efipolicy.plugin.types import CaptureReading


def read(text: CaptureText) -> CaptureReading | None:
    """What the log says of a platform."""
    attributes = attributes_table(text)
    gcd = gcd_dumps(text)
    refused = (*attributes.refused, *gcd.refused)
    if attributes.table is None and not gcd.ranges and not refused:
        return None
    dialect = MEMORY_ATTRIBUTES if attributes.table or not gcd.ranges else GCD
    about = About(
        architecture=built_for(text),
        attributes_table=attributes.table,
        reported_ranges=gcd.ranges,
        lines=(*attributes.lines, *gcd.lines),
    )
    return reading(text, [], refused, dialect, about)
