"""UEFI-SVAM-010."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    Responsible,
    SetVirtualAddressMap,
    Severity,
    rule,
)


@rule(
    "uefi/set-virtual-address-map-under-virtual-mapping",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-010",),
    sources=("UEFI 2.10 §8.4.1", "Linux arch/x86/platform/efi/efi_64.c"),
    help="call SetVirtualAddressMap while runtime regions and the list are identity mapped",
    needs=("svam.under",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(sections="mapping: [{os: a, set_virtual_address_map: {under: virtual}}]", at=0),
        Good(sections="mapping: [{os: a, set_virtual_address_map: {under: identity}}]"),
        Good(sections="mapping: [{os: a, set_virtual_address_map: {under: physical}}]"),
    ),
)
def set_virtual_address_map_under_virtual_mapping(svam: SetVirtualAddressMap) -> Iterator[Finding]:
    """SetVirtualAddressMap is called where physical addresses lead nowhere.

    The service still runs at its physical address, reads the list by a physical pointer, follows
    physical pointers from driver to driver, and calls ConvertPointer the same way. So at that
    moment every runtime region and the list itself are mapped 1:1, or translation is off; the new
    addresses need not work yet. Under the virtual mapping alone the call faults before it has
    converted anything.

    Linux maps the page of the new list first for that reason, and page 0 as well, because some
    firmware writes to it. On arm64 its stub calls the service while firmware's own identity map is
    still in place.
    """
    if svam.under == "virtual" and svam.calls != "never":
        yield Finding(
            svam,
            "SetVirtualAddressMap is called without an identity mapping of the runtime regions",
            field="under",
            fix=Fix("unsafe", "call it under identity", (Edit(svam, "under", "identity"),)),
        )
