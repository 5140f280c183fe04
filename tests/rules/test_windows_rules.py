"""What the examples on the pages of windows rules cannot show."""

from collections.abc import Callable

import pytest

from efipolicy.plugin import AddressRange, Finding
from efipolicy.testing import ExampleError

Findings = Callable[..., list[Finding]]

SECURE = "windows/secure-memory-not-reserved"
BUFFER = "windows/smm-communication-buffer-outside-firmware-memory"
NO_TABLE = "windows/no-memory-attributes-table"
ACCESS = "windows/boot-memory-too-accessible"


def hardware(key: str, *places: str) -> str:
    return f"hardware: {{{key}: [{', '.join(f'{{{place}}}' for place in places)}]}}"


TSEG = "start: 0x7f800000, size: 0x800000, what: TSEG"


class TestSecureMemory:
    def test_a_hole_is_named_to_the_byte(self, findings: Findings) -> None:
        found = findings(
            SECURE,
            "EfiReservedMemoryType  0x7f800000  0x100  WB",
            "EfiReservedMemoryType  0x7fa00000  0x600  WB",
            architecture="x86_64",
            sections=hardware("off_limits", TSEG),
        )
        assert [f.message for f in found] == ["TSEG: no descriptor reserves 0x7f900000-0x7fa00000"]
        assert [f.region for f in found] == [AddressRange(0x7F900000, 0x7FA00000)]

    def test_only_a_descriptor_that_lies_inside_can_be_retyped(self, findings: Findings) -> None:
        inside, across = findings(
            SECURE,
            "EfiConventionalMemory  0x7f800000  0x7f0  WB",
            "EfiConventionalMemory  0x7fff0000  0x20   WB",
            architecture="x86_64",
            sections=hardware("off_limits", TSEG),
        )
        assert inside.fix is not None
        assert inside.fix.edits[0].value == 0
        assert across.fix is None
        assert across.region == AddressRange(0x7FFF0000, 0x80000000)

    @pytest.mark.parametrize("what", ["SMRAM", "tseg", "STM (MSEG)", "SMI transfer monitor"])
    def test_has_many_names(self, findings: Findings, what: str) -> None:
        place = f'start: 0x7f800000, size: 0x1000, what: "{what}"'
        found = findings(SECURE, architecture="x86_64", sections=hardware("off_limits", place))
        assert len(found) == 1

    def test_other_memory_closed_to_the_operating_system_is_not_judged(
        self, findings: Findings
    ) -> None:
        place = "start: 0x7f800000, size: 0x1000, what: management engine"
        with pytest.raises(ExampleError, match="TSEG"):
            findings(SECURE, architecture="x86_64", sections=hardware("off_limits", place))

    def test_a_hole_in_part_of_a_map_is_not_judged(self, findings: Findings) -> None:
        with pytest.raises(ExampleError, match="whole"):
            findings(
                SECURE,
                "EfiConventionalMemory  0x100000  0x100  WB",
                extent="partial",
                architecture="x86_64",
                sections=hardware("off_limits", TSEG),
            )


class TestCommunicationBuffers:
    @pytest.mark.parametrize("type", [0, 5, 6, 10])
    def test_may_lie_in_memory_firmware_keeps(self, findings: Findings, type: int) -> None:
        place = hardware("smm_communication", "start: 0x7e000000, size: 0x1000")
        assert not findings(
            BUFFER, f"{type} 0x7e000000 1 WB", architecture="x86_64", sections=place
        )

    @pytest.mark.parametrize("type", [1, 2, 3, 4, 7, 8, 9, 11, 14])
    def test_may_not_lie_elsewhere(self, findings: Findings, type: int) -> None:
        place = hardware("smm_communication", "start: 0x7e000000, size: 0x1000")
        assert findings(BUFFER, f"{type} 0x7e000000 1 WB", architecture="x86_64", sections=place)

    def test_the_part_that_does_is_named(self, findings: Findings) -> None:
        [finding] = findings(
            BUFFER,
            "EfiRuntimeServicesData  0x7e000000  1  RUNTIME WB",
            "EfiBootServicesData     0x7e001000  1  WB",
            architecture="x86_64",
            sections=hardware("smm_communication", "start: 0x7e000800, size: 0x1000"),
        )
        assert finding.region == AddressRange(0x7E001000, 0x7E001800)


def test_a_kernel_s_list_proves_that_a_table_is_absent_only_if_it_would_print_it(
    findings: Findings,
) -> None:
    given = {"architecture": "x86_64", "configuration_tables_extent": "partial"}
    with pytest.raises(ExampleError, match="configuration_tables_extent"):
        findings(NO_TABLE, configuration_tables=("ACPI_20 0x7e000014",), **given)
    later = ("ACPI_20 0x7e000014", "RT_PROPERTIES 0x7e001000")
    assert len(findings(NO_TABLE, configuration_tables=later, **given)) == 1


class TestAccessAtBoot:
    def found(self, findings: Findings, *ranges: str) -> list[Finding]:
        listed = ", ".join(f"{{{one}}}" for one in ranges)
        sections = f"boot_page_tables: [{listed}]"
        return findings(ACCESS, architecture="x86_64", sections=sections)

    def test_page_zero_and_the_rest_of_its_range_are_judged_apart(self, findings: Findings) -> None:
        zero, rest = self.found(findings, "start: 0x0, size: 0x3000, access: RX, holds: stack")
        assert zero.region == AddressRange(0, 0x1000)
        assert rest.region == AddressRange(0x1000, 0x3000)
        assert rest.message == "0x1000-0x3000 has access RX: a stack, which needs R or RW"

    @pytest.mark.parametrize("holds", ["code", "data", "stack", "mmio", "free", "unmapped"])
    def test_what_faults_is_never_too_accessible(self, findings: Findings, holds: str) -> None:
        assert not self.found(
            findings, f"start: 0x1000, size: 0x1000, access: none, holds: {holds}"
        )

    @pytest.mark.parametrize(
        ("holds", "access"),
        [
            ("code", "RW"),
            ("data", "RX"),
            ("stack", "RX"),
            ("mmio", "RX"),
            ("free", "R"),
            ("unmapped", "R"),
            ("data", "RWX"),
        ],
    )
    def test_the_rest_is_judged_by_what_it_holds(
        self, findings: Findings, holds: str, access: str
    ) -> None:
        one = f"start: 0x1000, size: 0x1000, access: {access}, holds: {holds}"
        assert len(self.found(findings, one)) == 1

    def test_a_range_that_holds_nobody_knows_what_is_not_judged(self, findings: Findings) -> None:
        with pytest.raises(ExampleError, match="holds"):
            self.found(findings, "start: 0x1000, size: 0x1000, access: RW")
