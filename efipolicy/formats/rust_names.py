"""Memory types by the names that the Rust crate ``uefi`` gives them (releases 0.4 to 0.35)."""

from __future__ import annotations

from typing import Final

RUST_TYPES: Final[dict[str, int]] = {
    "RESERVED": 0,
    "LOADER_CODE": 1,
    "LOADER_DATA": 2,
    "BOOT_SERVICES_CODE": 3,
    "BOOT_SERVICES_DATA": 4,
    "RUNTIME_SERVICES_CODE": 5,
    "RUNTIME_SERVICES_DATA": 6,
    "CONVENTIONAL": 7,
    "UNUSABLE": 8,
    "ACPI_RECLAIM": 9,
    "ACPI_NON_VOLATILE": 10,
    "MMIO": 11,
    "MMIO_PORT_SPACE": 12,
    "PAL_CODE": 13,
    "PERSISTENT_MEMORY": 14,
    "UNACCEPTED": 15,
}
