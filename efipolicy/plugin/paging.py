"""The part of the plugin API that is about page tables: entries, and what the builder built.

It stands apart from `efipolicy.plugin`, so that a lint that builds no table does not load it.
"""

from efipolicy.paging.builder import build, tables_of
from efipolicy.paging.entries import (
    AccessKind,
    AddressPart,
    BitField,
    DecodedEntry,
    EntryFormat,
    EntryFormats,
    Fault,
    FaultCause,
    FieldValue,
    decode,
    encode,
    with_encryption_bit,
)
from efipolicy.paging.regions import (
    GranuleConflict,
    GranuleRun,
    RegionTranslations,
    RegionWalk,
    TranslationRegister,
    translate_regions,
    walk_region,
)
from efipolicy.paging.tables import LeafRun, Overlap, PageTables, Refusal
from efipolicy.paging.walker import Walk, WalkStep, walk

__all__ = [
    "AccessKind",
    "AddressPart",
    "BitField",
    "DecodedEntry",
    "EntryFormat",
    "EntryFormats",
    "Fault",
    "FaultCause",
    "FieldValue",
    "GranuleConflict",
    "GranuleRun",
    "LeafRun",
    "Overlap",
    "PageTables",
    "Refusal",
    "RegionTranslations",
    "RegionWalk",
    "TranslationRegister",
    "Walk",
    "WalkStep",
    "build",
    "decode",
    "encode",
    "tables_of",
    "translate_regions",
    "walk",
    "walk_region",
    "with_encryption_bit",
]
