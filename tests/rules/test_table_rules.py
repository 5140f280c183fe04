"""Where tables lie and who moves their pointers: what the examples of those rules cannot show."""

from collections.abc import Callable

import pytest

from efipolicy.plugin import AddressRange, Finding
from efipolicy.plugin.registry import Registry
from efipolicy.testing import ExampleError
from tests.rules.test_one_cause_one_finding import rules_reported

Found = Callable[..., tuple[int, ...]]
Findings = Callable[..., list[Finding]]

RECLAIM = "EfiACPIReclaimMemory 0x7f000000 16 WB"
NVS = "EfiACPIMemoryNVS 0x7f010000 16 WB"
LISTED = "uefi/runtime-bit-on-table-memory"


def acpi(*tables: str) -> str:
    return f"acpi_tables: [{', '.join(f'{{{table}}}' for table in tables)}]"


@pytest.mark.parametrize(
    ("kind", "places"),
    [
        ("EfiReservedMemoryType", ()),
        ("EfiLoaderCode", (1,)),
        ("EfiLoaderData", (1,)),
        ("EfiBootServicesCode", (1,)),
        ("EfiBootServicesData", ()),
        ("EfiRuntimeServicesCode", (1,)),
        ("EfiRuntimeServicesData", ()),
        ("EfiConventionalMemory", (1,)),
        ("EfiACPIReclaimMemory", ()),
        ("EfiACPIMemoryNVS", ()),
        ("EfiMemoryMappedIO", (1,)),
    ],
)
def test_four_types_are_meant_for_tables_at_boot(
    found: Found, kind: str, places: tuple[int, ...]
) -> None:
    tables = ("SMBIOS3 0x80100000",)
    rule = "uefi/boot-table-outside-table-memory"
    assert found(rule, f"{kind} 0x80100000 16 WB", configuration_tables=tables) == places


def test_tables_with_a_rule_of_their_own_are_left_to_it(found: Found) -> None:
    tables = ("ACPI_20 0x100000", "ACPI 0x100000", "DTB 0x100000", "ESRT 0x100000")
    rule = "uefi/boot-table-outside-table-memory"
    assert found(rule, "EfiConventionalMemory 0x100000 16 WB", configuration_tables=tables) == ()


def test_a_part_of_a_map_says_nothing_of_the_memory_of_tables(found: Found) -> None:
    with pytest.raises(ExampleError, match="extent: whole"):
        found(
            "uefi/boot-table-outside-table-memory",
            "EfiLoaderData 0x80100000 16 WB",
            extent="unknown",
            configuration_tables=("SMBIOS 0x80100000",),
        )


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        ("ESRT 0xf0010", "uefi/esrt-outside-boot-services-data"),
        ("DTB 0xf0010", "uefi/devicetree-outside-acpi-reclaim-memory"),
        ("MEMORY_ATTRIBUTES 0xf0010", "uefi/mat-outside-table-memory"),
        ("SMBIOS 0xf0010", "uefi/configuration-table-in-reserved-memory"),
    ],
)
def test_a_table_in_reserved_memory_is_reported_once_and_by_its_strictest_rule(
    registry: Registry, table: str, rule: str
) -> None:
    found = rules_reported(
        registry,
        "EfiReservedMemoryType 0xe0000 32 WB",
        architecture="arm64",
        uefi="2.10",
        configuration_tables=(table,),
        sections="acpi_tables: []",
    )
    ours = [name for name in found if "/" in name and name.startswith("uefi/")]
    assert [name for name in ours if name != "uefi/not-one-hardware-description"] == [rule]


def test_a_table_of_a_vendor_type_is_reported_once(registry: Registry) -> None:
    found = rules_reported(
        registry, "0x80000001 0x5000000 2 WB", configuration_tables=("SMBIOS3 0x5000000",)
    )
    assert found == ["uefi/configuration-table-in-vendor-type"]


def test_a_misplaced_table_names_its_memory_and_what_would_do(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/boot-table-outside-table-memory",
        "EfiLoaderData 0x80100000 16 WB",
        configuration_tables=("SMBIOS 0x8010ff00 0x400",),
    )
    assert finding.message == (
        "SMBIOS at 0x8010ff00 lies in EfiLoaderData, not in EfiRuntimeServicesData, "
        "EfiBootServicesData, EfiACPIReclaimMemory or EfiACPIMemoryNVS"
    )
    assert finding.region == AddressRange(0x8010FF00, 0x80110000), "what is in that descriptor"
    assert finding.field == "address"
    assert [related.message for related in finding.related] == ["EfiLoaderData holds the table"]


def test_an_acpi_table_that_runs_into_other_memory_reports_the_bytes_there(
    findings: Findings,
) -> None:
    (finding,) = findings(
        "uefi/acpi-table-outside-acpi-memory",
        RECLAIM,
        "EfiConventionalMemory 0x7f010000 1 WB",
        "EfiBootServicesData 0x7f011000 1 WB",
        sections=acpi("signature: DSDT, address: 0x7f00f000, length: 0x2800"),
    )
    assert finding.region == AddressRange(0x7F010000, 0x7F011800)
    assert finding.message == (
        "0x7f010000-0x7f011800 of DSDT at 0x7f00f000 lies in EfiConventionalMemory and "
        "EfiBootServicesData, not in EfiACPIReclaimMemory or EfiACPIMemoryNVS"
    )
    assert len(finding.related) == 2


def test_an_acpi_table_may_cross_from_one_acpi_type_into_the_other(found: Found) -> None:
    tables = acpi("signature: DSDT, address: 0x7f00f000, length: 0x2800")
    assert found("uefi/acpi-table-outside-acpi-memory", RECLAIM, NVS, sections=tables) == ()


def test_an_acpi_table_nobody_describes_is_lost_on_a_whole_map_only(found: Found) -> None:
    rule, tables = "uefi/facs-outside-acpi-nvs", acpi("signature: FACS, address: 0x8f000000")
    assert found(rule, NVS, sections=tables) == (0,)
    with pytest.raises(ExampleError, match="extent: whole"):
        found(rule, NVS, extent="partial", sections=tables)


def test_only_the_root_of_the_acpi_tables_being_known_is_not_enough(found: Found) -> None:
    with pytest.raises(ExampleError, match="acpi_tables"):
        found(
            "uefi/acpi-table-outside-acpi-memory",
            RECLAIM,
            configuration_tables=("ACPI_20 0x7f000014 36",),
        )


def test_a_platform_without_acpi_breaks_no_rule_of_acpi_tables(found: Found) -> None:
    rule = "uefi/acpi-table-outside-acpi-memory"
    assert found(rule, RECLAIM, configuration_tables=("DTB 0x7f000000",)) == ()


def test_the_facs_has_one_rule(found: Found) -> None:
    tables = acpi("signature: FACS, address: 0x7f000000, length: 64")
    assert found("uefi/acpi-table-outside-acpi-memory", RECLAIM, sections=tables) == ()
    assert found("uefi/facs-outside-acpi-nvs", RECLAIM, sections=tables) == (0,)


def test_when_a_table_is_loaded_matters_only_where_the_answer_depends_on_it(found: Found) -> None:
    rule = "uefi/runtime-loaded-acpi-table-outside-nvs"
    table = "signature: SSDT, address: 0x7f00a000"
    assert found(rule, NVS, sections=acpi("signature: SSDT, address: 0x7f01a000")) == ()
    assert found(rule, RECLAIM, sections=acpi("signature: DSDT, address: 0x7f00a000")) == ()
    with pytest.raises(ExampleError, match="loaded"):
        found(rule, RECLAIM, sections=acpi(table))
    rule = "uefi/runtime-loaded-table-outside-kept-memory"
    with pytest.raises(ExampleError, match="loaded"):
        found(rule, RECLAIM, configuration_tables=("SMBIOS3 0x7f000000",))
    assert found(rule, NVS, configuration_tables=("SMBIOS3 0x7f010000",)) == ()


@pytest.mark.parametrize(
    ("line", "places"),
    [
        ("EfiRuntimeServicesData 0x7e0a0000 16 RUNTIME WB", (1,)),
        ("EfiRuntimeServicesCode 0x7e0a0000 16 RUNTIME WB", (1,)),
        ("EfiACPIMemoryNVS 0x7e0a0000 16 RUNTIME WB", ()),
        ("EfiBootServicesData 0x7e0a0000 16 RUNTIME WB", ()),
        ("EfiReservedMemoryType 0x7e0a0000 16 RUNTIME WB", ()),
    ],
)
def test_a_runtime_bit_that_is_wrong_in_itself_is_left_to_its_rule(
    found: Found, line: str, places: tuple[int, ...]
) -> None:
    assert found(LISTED, line, configuration_tables=("SMBIOS3 0x7e0a0000",)) == places


@pytest.mark.parametrize("name", ["SMBIOS", "DTB", "SAL_SYSTEM_TABLE", "MEMORY_ATTRIBUTES"])
def test_a_pointer_that_nobody_read_after_the_call_is_not_judged(found: Found, name: str) -> None:
    with pytest.raises(ExampleError, match="after_set_virtual_address_map"):
        found("uefi/industry-table-pointer-converted", configuration_tables=(f"{name} 0x1000",))


def test_no_text_says_where_the_pointer_to_the_esrt_has_to_point(found: Found) -> None:
    sections = """
configuration_tables:
  - {table: ESRT, address: 0x7e0a0000, after_set_virtual_address_map: 0x200a0000}
"""
    assert found("uefi/industry-table-pointer-converted", sections=sections) == ()


def test_restoring_a_converted_pointer_needs_a_person(findings: Findings) -> None:
    sections = """
configuration_tables:
  - {table: SMBIOS, address: 0x7e0a0000, after_set_virtual_address_map: 0xfffffffefe0a0000}
"""
    (finding,) = findings("uefi/industry-table-pointer-converted", sections=sections)
    assert finding.fix is not None
    assert finding.fix.safety == "unsafe"
    assert finding.fix.edits[0].value == 0x7E0A0000


@pytest.mark.parametrize(
    ("uefi", "judged"), [("2.8", False), ("2.8.1", False), ("2.9", True), ("2.11", True)]
)
def test_the_devicetree_owes_its_type_since_2_9(found: Found, uefi: str, judged: bool) -> None:
    places = found(
        "uefi/devicetree-outside-acpi-reclaim-memory",
        "EfiBootServicesData 0x7f000000 16 WB",
        architecture="arm64",
        uefi=uefi,
        configuration_tables=("DTB 0x7f000000",),
    )
    assert places == ((1,) if judged else ())


def test_a_devicetree_in_other_memory_says_which_revision_it_assumes(findings: Findings) -> None:
    rule, given = "uefi/devicetree-outside-acpi-reclaim-memory", {"architecture": "arm64"}
    tables = ("DTB 0x7f000000",)
    assert findings(rule, RECLAIM, configuration_tables=tables, **given) == []
    line = "EfiBootServicesData 0x7f000000 16 WB"
    (finding,) = findings(rule, line, configuration_tables=tables, **given)
    assert finding.message.endswith("since 2.9, which is assumed without a revision")
    (finding,) = findings(rule, line, configuration_tables=tables, uefi="2.9", **given)
    assert "assumed" not in finding.message


@pytest.mark.parametrize(
    ("mapping", "kind", "places"),
    [
        ("[{os: linux}]", "EfiACPIReclaimMemory", (1,)),
        ("[{os: linux}]", "EfiBootServicesData", ()),
        ("[{os: linux}, {os: linux, hypervisor: xen}]", "EfiACPIReclaimMemory", ()),
        ("[{os: linux, hypervisor: xen}]", "EfiBootServicesData", ()),
        ("[{os: linux, hypervisor: xen}]", "EfiRuntimeServicesData", (1,)),
    ],
)
def test_a_hypervisor_lets_the_esrt_lie_in_reclaim_memory(
    found: Found, mapping: str, kind: str, places: tuple[int, ...]
) -> None:
    rule = "uefi/esrt-outside-boot-services-data"
    line, tables = f"{kind} 0x7f000000 16 WB", ("ESRT 0x7f000018",)
    sections = f"mapping: {mapping}"
    assert found(rule, line, configuration_tables=tables, sections=sections) == places


def test_without_a_mapping_nobody_knows_whether_there_is_a_hypervisor(found: Found) -> None:
    rule = "uefi/esrt-outside-boot-services-data"
    with pytest.raises(ExampleError, match="hypervisor"):
        found(rule, RECLAIM, configuration_tables=("ESRT 0x7f000018",))


@pytest.mark.parametrize(
    ("uefi", "words"),
    [
        (None, "is assumed where no revision is declared"),
        ("2.10", "deprecated in UEFI 2.10"),
        ("2.11", "not part of UEFI 2.11"),
    ],
)
def test_the_properties_table_is_told_what_its_revision_says_of_it(
    findings: Findings, uefi: str | None, words: str
) -> None:
    tables = ("880aaca3-4adc-4a04-9079-b747340825e5 0x7f000000 16",)
    (finding,) = findings("uefi/properties-table-published", configuration_tables=tables, uefi=uefi)
    assert words in finding.message
    assert finding.fix is not None
    assert finding.fix.safety == "unsafe"


@pytest.mark.parametrize("uefi", ["2.5", "2.6", "2.9"])
def test_the_properties_table_was_legal_once(found: Found, uefi: str) -> None:
    tables = ("PROPERTIES 0x7f000000 16",)
    assert found("uefi/properties-table-published", configuration_tables=tables, uefi=uefi) == ()


@pytest.mark.parametrize(
    "part", ["version: 1", "version: 1, number_of_profiles: 1", "profiles: []"]
)
def test_a_profile_table_of_which_a_part_is_unknown_does_not_pass(found: Found, part: str) -> None:
    with pytest.raises(ExampleError, match="conformance_profiles"):
        found("uefi/malformed-conformance-profiles", sections=f"conformance_profiles: {{{part}}}")


def test_a_log_that_names_no_hardware_description_proves_nothing(found: Found) -> None:
    rule = "uefi/not-one-hardware-description"
    with pytest.raises(ExampleError, match="DTB"):
        found(rule, architecture="arm64", configuration_tables=("SMBIOS3 0x7f000000",))


def test_on_riscv_a_tree_beside_acpi_is_reported_where_ebbr_is_claimed(found: Found) -> None:
    tables = ("DTB 0x7f010000", "ACPI_20 0x7f000014 36")
    rule = "uefi/not-one-hardware-description"
    claimed = "conformance_profiles: {profiles: [7721FC77-A724-11EF-8EAA-F7C9B194BA75]}"
    given = {"architecture": "riscv64", "configuration_tables": tables}
    assert found(rule, **given) == ()
    assert found(rule, **given, sections=claimed) == (1,)


VIRTUAL = "{type: 6, physical_start: 0x7e0a0000, virtual_start: 0x200a0000, pages: 16}"
IDENTITY = "{type: 6, physical_start: 0x7e0a0000, virtual_start: 0x7e0a0000, pages: 16}"
RESULT = """
configuration_tables:
  - {table: JSON_CAPSULE_RESULT, address: 0x7e0a1000, after_set_virtual_address_map: 0x7e0a1000}
"""


def test_a_json_table_under_an_identity_layout_keeps_its_address(found: Found) -> None:
    rule = "uefi/json-table-pointer-not-converted"
    assert found(rule, sections=f"{RESULT}\nmapping: [{{virtual_map: [{IDENTITY}]}}]") == ()


def test_a_json_pointer_left_physical_is_told_where_it_should_be(findings: Findings) -> None:
    sections = f"{RESULT}\nmapping: [{{virtual_map: [{VIRTUAL}]}}]"
    (finding,) = findings("uefi/json-table-pointer-not-converted", sections=sections)
    assert finding.message == (
        "the pointer to JSON_CAPSULE_RESULT is 0x7e0a1000 after SetVirtualAddressMap, "
        "still physical; the table is at 0x200a1000 then"
    )


@pytest.mark.parametrize(
    "mapping",
    [
        f"[{{virtual_map: [{VIRTUAL}]}}, {{virtual_map: [{VIRTUAL}]}}]",
        "[{virtual_map: [{type: 6, physical_start: 0x7f000000, virtual_start: 0x0, pages: 1}]}]",
        "[{virtual_map: [{type: 6, physical_start: 0x7e0a0000, pages: 16}]}]",
    ],
)
def test_a_json_pointer_is_not_judged_by_a_layout_it_may_not_belong_to(
    found: Found, mapping: str
) -> None:
    with pytest.raises(ExampleError, match="mapping"):
        found("uefi/json-table-pointer-not-converted", sections=f"{RESULT}\nmapping: {mapping}")


def test_only_a_riscv_server_owes_smbios_one_type(registry: Registry) -> None:
    line, tables = "EfiACPIReclaimMemory 0x7f000000 16 WB", ("SMBIOS3 0x7f000000",)
    found = rules_reported(registry, line, architecture="x86_64", configuration_tables=tables)
    assert [rule for rule in found if "smbios" in rule] == []


def test_the_root_of_acpi_in_reserved_memory_breaks_two_clauses(registry: Registry) -> None:
    line, tables = "EfiReservedMemoryType 0xe0000 32 WB", ("ACPI_20 0xf0010 36",)
    found = rules_reported(registry, line, configuration_tables=tables)
    assert [rule for rule in found if rule.startswith("uefi/")] == [
        "uefi/acpi-table-outside-acpi-memory",
        "uefi/configuration-table-in-reserved-memory",
    ]
