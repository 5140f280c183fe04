"""What the examples on the pages of kexec rules cannot show."""

from collections.abc import Callable

import pytest

from efipolicy.plugin import AddressRange, Finding
from efipolicy.testing import ExampleError

Findings = Callable[..., list[Finding]]

SECOND = "kexec/second-set-virtual-address-map"
CHANGED = "kexec/inherited-layout-changed"
REACH = "kexec/inherited-layout-out-of-reach"
BOUND = "kexec/chain-bound-to-first-layout"
FIRMWARE = "kexec/kexec-into-firmware-memory"
TABLE = "kexec/kexec-into-reserved-table"
POINTER = "linux/virtual-pointer-in-kexec-handover"
SLOTS = "linux/kexec-layout-without-64k-slots"
UNMARKED = "linux/failed-set-virtual-address-map-unmarked"
RUNTIME_DATA = "EfiRuntimeServicesData  0x7e000000  0x100  RUNTIME WB"


def entry(
    physical: int, virtual: int, pages: int = 16, bits: str = "RUNTIME, WB", type: int = 6
) -> str:
    """A virtual_map of one entry."""
    return (
        f"virtual_map: [{{type: {type}, physical_start: {physical:#x}, "
        f"virtual_start: {virtual:#x}, pages: {pages}, attribute: [{bits}]}}]"
    )


def chain(first: str, *hops: str) -> str:
    """The YAML of a mapping and its hops, each the inside of a flow mapping."""
    following = ", ".join(f"{{{hop}}}" for hop in hops)
    return f"mapping: [{{{first}{', ' if first else ''}kexec: [{following}]}}]"


CALLS = "set_virtual_address_map: {calls: once}"
NEVER = "set_virtual_address_map: {calls: never}"


class TestASecondCall:
    def test_names_both_kernels_and_offers_to_leave_it_out(self, findings: Findings) -> None:
        [finding] = findings(SECOND, sections=chain(CALLS, CALLS))
        assert "which one before it has called already" in finding.message
        assert finding.field == "calls"
        assert len(finding.related) == 1
        assert finding.fix is not None
        assert finding.fix.safety == "unsafe"
        assert finding.fix.edits[0].value == "never"

    def test_is_not_checked_where_the_second_kernel_does_not_say(self, findings: Findings) -> None:
        with pytest.raises(ExampleError, match=r"kexec\[\].set_virtual_address_map.calls"):
            findings(SECOND, sections=chain(CALLS, "kind: kexec"))

    def test_is_not_checked_where_the_first_kernel_does_not_say(self, findings: Findings) -> None:
        with pytest.raises(ExampleError, match=r"mapping\[\].set_virtual_address_map.calls"):
            findings(SECOND, sections=chain("os: linux", CALLS))

    def test_is_no_conclusion_from_what_a_strategy_plans_for_a_first_boot(
        self, findings: Findings
    ) -> None:
        both = chain("strategy: x86-topdown", "strategy: x86-topdown")
        with pytest.raises(ExampleError, match=r"kexec\[\]"):
            findings(SECOND, RUNTIME_DATA, architecture="x86_64", sections=both)

    def test_a_strategy_calls_where_every_kernel_before_it_is_known_not_to(
        self, findings: Findings
    ) -> None:
        sections = chain(NEVER, "strategy: x86-topdown", CALLS)
        found = findings(SECOND, RUNTIME_DATA, architecture="x86_64", sections=sections)
        assert len(found) == 1

    def test_what_a_kernel_says_of_itself_wins_over_its_strategy(self, findings: Findings) -> None:
        sections = chain(f"strategy: x86-topdown, {NEVER}", CALLS)
        assert not findings(SECOND, RUNTIME_DATA, architecture="x86_64", sections=sections)

    def test_a_declared_layout_at_other_addresses_is_a_call(self, findings: Findings) -> None:
        sections = chain(entry(0x7E000000, 0x20000000), CALLS)
        assert len(findings(SECOND, sections=sections)) == 1

    def test_each_of_several_offenders_is_named(self, findings: Findings) -> None:
        assert len(findings(SECOND, sections=chain(CALLS, CALLS, NEVER, CALLS))) == 2


class TestAnInheritedLayout:
    def test_says_by_how_much_an_address_differs(self, findings: Findings) -> None:
        [finding] = findings(
            CHANGED,
            sections=chain(
                entry(0x7E000000, 0xFFFFFFFEFE000000), entry(0x7E000000, 0xFFFFFFFEFD000000)
            ),
        )
        assert finding.message == (
            "EfiRuntimeServicesData 0x7e000000-0x7e010000 is mapped at 0xfffffffefd000000, "
            "0x1000000 bytes below 0xfffffffefe000000, where firmware uses it"
        )
        assert finding.fix is not None
        assert finding.fix.edits[0].field == "virtual_start"
        assert finding.fix.edits[0].value == 0xFFFFFFFEFE000000

    def test_names_exactly_the_pages_left_out(self, findings: Findings) -> None:
        [finding] = findings(
            CHANGED,
            sections=chain(entry(0x7E000000, 0x20000000), entry(0x7E000000, 0x20000000, pages=12)),
        )
        assert finding.region == AddressRange(0x7E00C000, 0x7E010000)
        assert finding.message.startswith(
            "the kernel started by kexec leaves out 4 of 16 pages of EfiRuntimeServicesData"
        )

    def test_names_exactly_the_pages_that_are_new(self, findings: Findings) -> None:
        [finding] = findings(
            CHANGED,
            sections=chain(entry(0x7E000000, 0x20000000), entry(0x7E000000, 0x20000000, pages=17)),
        )
        assert finding.region == AddressRange(0x7E010000, 0x7E011000)

    def test_names_the_attributes_that_differ(self, findings: Findings) -> None:
        [finding] = findings(
            CHANGED,
            sections=chain(
                entry(0x7E000000, 0x20000000),
                entry(0x7E000000, 0x20000000, bits="RUNTIME, WB, XP"),
            ),
        )
        assert finding.message.endswith("a difference of XP")

    def test_leaves_boot_services_memory_to_the_kernels(self, findings: Findings) -> None:
        boot = entry(0x7D000000, 0x20000000, bits="WB", type=4)
        kept = entry(0x7D000000, 0x20000000, bits="RUNTIME, WB", type=4)
        sections = chain(f"{CALLS}, {boot}", kept)
        assert [f.field for f in findings(CHANGED, sections=sections)] == []

    def test_takes_the_layout_of_the_first_kernel_from_its_strategy(
        self, findings: Findings
    ) -> None:
        right = entry(0x7E000000, 0xFFFFFFFEFFE00000, pages=0x100)
        wrong = entry(0x7E000000, 0xFFFFFFFEFFC00000, pages=0x100)
        for layout, number in ((right, 0), (wrong, 1)):
            sections = chain("strategy: x86-topdown", layout)
            found = findings(CHANGED, RUNTIME_DATA, architecture="x86_64", sections=sections)
            assert len(found) == number

    def test_compares_every_kernel_with_the_one_that_called(self, findings: Findings) -> None:
        layout, other = entry(0x7E000000, 0x20000000), entry(0x7E000000, 0x30000000)
        sections = chain(NEVER, f"{CALLS}, {layout}", other, layout, other)
        assert len(findings(CHANGED, sections=sections)) == 2

    def test_is_not_checked_where_a_kernel_declares_none(self, findings: Findings) -> None:
        sections = chain(entry(0x7E000000, 0x20000000), "kind: kexec")
        with pytest.raises(ExampleError, match=r"mapping\[\].kexec\[\].virtual_map"):
            findings(CHANGED, sections=sections)

    def test_is_not_checked_without_an_attribute_to_compare(self, findings: Findings) -> None:
        bare = (
            "virtual_map: [{type: 6, physical_start: 0x7e000000, virtual_start: 0x20000000, "
            "pages: 16}]"
        )
        with pytest.raises(ExampleError, match=r"virtual_map\[\].attribute"):
            findings(CHANGED, sections=chain(entry(0x7E000000, 0x20000000), bare))

    def test_has_nothing_to_say_where_nobody_called(self, findings: Findings) -> None:
        sections = chain(NEVER, NEVER)
        assert not findings(CHANGED, sections=sections)
        assert not findings(BOUND, sections=sections)


class TestReach:
    def test_names_the_part_beyond_the_width(self, findings: Findings) -> None:
        [finding] = findings(
            REACH,
            architecture="arm64",
            sections=chain(
                f"{CALLS}, {entry(0x7E000000, (1 << 39) - 0x1000)}", "virtual_address_bits: 39"
            ),
        )
        assert "0x8000000000-0x800000f000" in finding.message
        assert finding.region == AddressRange(0x7E001000, 0x7E010000)

    @pytest.mark.parametrize(
        ("architecture", "bits", "virtual", "reached"),
        [
            ("x86_64", 48, 0x7FFF_FFFF_0000, True),
            ("x86_64", 48, 0x8000_0000_0000, False),
            ("x86_64", 57, 0x8000_0000_0000, True),
            ("x86_64", 48, 0xFFFF_8000_0000_0000, True),
            ("x86_64", 48, 0xFFFF_7FFF_FFFF_0000, False),
            ("x86_64", 57, 0xFFFF_7FFF_FFFF_0000, True),
            ("arm64", 48, 0xFFFF_FFFF_0000, True),
            ("arm64", 48, 0x1_0000_0000_0000, False),
            ("arm64", 39, 0xFFFF_FF7F_FFFF_0000, False),
            ("i386", 32, 0xFFFF_0000, True),
            ("i386", 32, 0xFFFF_1000, False),
            ("i386", 32, 0xFFFF_FFFF_FE00_0000, False),
            ("x86_64", 64, 0xFFFF_FFFF_FFFF_0000, True),
        ],
    )
    def test_is_that_of_the_architecture(
        self, findings: Findings, architecture: str, bits: int, virtual: int, reached: bool
    ) -> None:
        found = findings(
            REACH,
            architecture=architecture,
            sections=chain(
                f"{CALLS}, {entry(0x7E000000, virtual)}", f"virtual_address_bits: {bits}"
            ),
        )
        assert (not found) is reached

    def test_is_judged_on_the_layout_a_strategy_plans(self, findings: Findings) -> None:
        sections = chain("strategy: x86-topdown", "virtual_address_bits: 48")
        assert not findings(REACH, RUNTIME_DATA, architecture="x86_64", sections=sections)

    def test_is_not_checked_without_a_width(self, findings: Findings) -> None:
        sections = chain(entry(0x7E000000, 0x20000000), "kind: kexec")
        with pytest.raises(ExampleError, match="virtual_address_bits"):
            findings(REACH, architecture="arm64", sections=sections)


class TestWhatKexecWritesTo:
    def test_every_overlap_of_one_segment_is_one_finding(self, findings: Findings) -> None:
        [finding] = findings(
            FIRMWARE,
            "EfiConventionalMemory   0x70000000  16  WB",
            "EfiACPIMemoryNVS        0x70010000  16  WB",
            "EfiMemoryMappedIO       0x70020000  1   RUNTIME UC",
            "EfiMemoryMappedIO       0x70021000  1   UC",
            sections=chain("", "segments: [[0x70000000, 0x70015000], [0x70018000, 0x70030000]]"),
        )[1:]
        assert "EfiACPIMemoryNVS in 0x70018000-0x70020000 (32 KiB)" in finding.message
        assert "EfiMemoryMappedIO in 0x70020000-0x70021000 (4 KiB)" in finding.message
        assert "0x70021000-" not in finding.message
        assert finding.region == AddressRange(0x70018000, 0x70020000)
        assert len(finding.related) == 2

    @pytest.mark.parametrize("type", [0, 5, 6, 9, 10, 13])
    def test_memory_of_these_types_stays(self, findings: Findings, type: int) -> None:
        sections = chain("", "kind: crash, memory: [0x10000000, 0x20000000]")
        assert len(findings(FIRMWARE, f"{type} 0x18000000 1 WB", sections=sections)) == 1

    @pytest.mark.parametrize("type", [1, 2, 3, 4, 7, 8, 11, 14, 15])
    def test_memory_of_other_types_does_not(self, findings: Findings, type: int) -> None:
        sections = chain("", "kind: crash, memory: [0x10000000, 0x20000000]")
        assert not findings(FIRMWARE, f"{type} 0x18000000 1 WB", sections=sections)
        assert findings(FIRMWARE, f"{type} 0x18000000 1 RUNTIME WB", sections=sections)

    def test_is_not_checked_where_an_attribute_is_unknown(self, findings: Findings) -> None:
        sections = chain("", "segments: [[0x10000000, 0x10001000]]")
        with pytest.raises(ExampleError, match="attribute"):
            findings(FIRMWARE, "EfiMemoryMappedIO 0x10000000 1 ?", sections=sections)

    def test_is_not_checked_where_part_of_a_map_is_silent(self, findings: Findings) -> None:
        line = "EfiConventionalMemory 0x10000000 1 WB"
        inside = chain("", "segments: [[0x10000000, 0x10001000]]")
        beyond = chain("", "segments: [[0x10000000, 0x10002000]]")
        assert not findings(FIRMWARE, line, extent="partial", sections=inside)
        assert not findings(FIRMWARE, line, sections=beyond)
        with pytest.raises(ExampleError, match="whole"):
            findings(FIRMWARE, line, extent="partial", sections=beyond)

    def test_is_not_checked_without_segments_or_a_range(self, findings: Findings) -> None:
        with pytest.raises(ExampleError, match="segments"):
            findings(FIRMWARE, RUNTIME_DATA, sections=chain("", "kind: kexec"))
        backwards = chain("", "segments: [[0x20000000, 0x10000000]]")
        with pytest.raises(ExampleError, match="start is below its end"):
            findings(FIRMWARE, RUNTIME_DATA, sections=backwards)

    def test_the_tpm_event_log_is_kept_by_its_guid(self, findings: Findings) -> None:
        found = findings(
            TABLE,
            "EfiBootServicesData  0x7d000000  0x1000  WB",
            configuration_tables=("B7799CB0-ECA2-4943-9667-1FAE07B747FA 0x7d000000 0x1000",),
            sections=chain("", "segments: [[0x7d000fff, 0x7d002000]]"),
        )
        assert [f.region for f in found] == [AddressRange(0x7D000FFF, 0x7D001000)]

    def test_a_table_in_memory_that_is_kept_by_type_is_the_other_rules(
        self, findings: Findings
    ) -> None:
        assert not findings(
            TABLE,
            "EfiACPIReclaimMemory  0x7d000000  0x1000  WB",
            configuration_tables=("ESRT 0x7d000000 0x1000",),
            sections=chain("", "segments: [[0x7d000000, 0x7d002000]]"),
        )


class TestPointersHandedOver:
    def test_a_virtual_one_is_shown_with_its_physical_address(self, findings: Findings) -> None:
        [finding] = findings(
            POINTER,
            RUNTIME_DATA,
            sections=chain(
                entry(0x7E000000, 0xFFFFFFFEFE000000, pages=0x100),
                "carried: {configuration_table: 0xfffffffefe0b0000}",
            ),
        )
        assert finding.message == (
            "the configuration tables handed over, 0xfffffffefe0b0000, is a virtual address in "
            "EfiRuntimeServicesData; physical it is 0x7e0b0000"
        )
        assert finding.fix is not None
        assert finding.fix.edits[0].value == 0x7E0B0000

    def test_free_memory_at_the_same_number_does_not_make_it_physical(
        self, findings: Findings
    ) -> None:
        lines = ("EfiConventionalMemory 0x20000000 0x1000 WB", RUNTIME_DATA)
        layout = entry(0x7E000000, 0x20000000, pages=0x100)
        sections = chain(layout, "carried: {system_table: 0x200b0000}")
        assert len(findings(POINTER, *lines, sections=sections)) == 1

    def test_what_could_be_both_is_not_checked(self, findings: Findings) -> None:
        lines = ("EfiRuntimeServicesData 0x20000000 0x1000 RUNTIME WB", RUNTIME_DATA)
        layout = entry(0x7E000000, 0x20000000, pages=0x100)
        sections = chain(layout, "carried: {system_table: 0x200b0000}")
        with pytest.raises(ExampleError, match="system_table"):
            findings(POINTER, *lines, sections=sections)
        stated = f"{sections}\nsystem_table: {{address: 0x200b0000}}"
        assert not findings(POINTER, *lines, sections=stated)

    @pytest.mark.parametrize("smbios", ["0x0", "0xffffffffffffffff"])
    def test_no_smbios_is_no_pointer(self, findings: Findings, smbios: str) -> None:
        sections = chain("", f"carried: {{system_table: 0x7e000018, smbios: {smbios}}}")
        assert not findings(POINTER, RUNTIME_DATA, sections=sections)

    def test_outside_a_part_of_a_map_is_not_checked(self, findings: Findings) -> None:
        sections = chain("", "carried: {system_table: 0x18}")
        with pytest.raises(ExampleError, match="whole"):
            findings(POINTER, RUNTIME_DATA, extent="partial", sections=sections)

    def test_another_operating_system_hands_over_what_it_likes(self, findings: Findings) -> None:
        sections = chain("os: acme", "carried: {system_table: 0xffff880000000000}")
        assert not findings(POINTER, RUNTIME_DATA, sections=sections)


class TestSlotsOf64KiB:
    def layout(self, *regions: tuple[int, int, int, str]) -> str:
        entries = ", ".join(
            f"{{type: {type}, physical_start: {physical:#x}, virtual_start: {virtual:#x}, "
            f"pages: 4, attribute: [{bits}]}}"
            for physical, virtual, type, bits in regions
        )
        return f"page_size: 4K, {CALLS}, virtual_map: [{entries}]"

    def found(self, findings: Findings, *regions: tuple[int, int, int, str]) -> list[str]:
        sections = chain(self.layout(*regions), "page_size: 64K")
        return [f.message for f in findings(SLOTS, architecture="arm64", sections=sections)]

    def test_parts_of_one_region_may_share_one(self, findings: Findings) -> None:
        parts = [(0x7F000000 + at, 0x20000000 + at, 6, "RUNTIME, WB") for at in (0, 0x4000)]
        assert not self.found(findings, *parts)

    def test_regions_of_different_access_may_not(self, findings: Findings) -> None:
        code = (0x7F000000, 0x20000000, 5, "RUNTIME, WB")
        data = (0x7F004000, 0x20004000, 6, "RUNTIME, WB")
        [message] = self.found(findings, code, data)
        assert "shares the 64 KiB slot 0x20000000 with EfiRuntimeServicesCode" in message

    def test_the_next_slot_is_free(self, findings: Findings) -> None:
        code = (0x7F00C000, 0x2000C000, 5, "RUNTIME, WB")
        data = (0x7F010000, 0x20010000, 6, "RUNTIME, WB")
        assert not self.found(findings, code, data)

    def test_a_region_keeps_its_physical_offset(self, findings: Findings) -> None:
        [message] = self.found(findings, (0x7F001000, 0x20002000, 6, "RUNTIME, WB"))
        assert message.endswith("0x20002000, 0x1000 bytes off its physical offset within 64 KiB")

    def test_are_not_checked_where_a_page_size_is_open(self, findings: Findings) -> None:
        sections = chain(self.layout((0x7F000000, 0x20000000, 6, "RUNTIME")), "kind: kexec")
        with pytest.raises(ExampleError, match="page_size"):
            findings(SLOTS, architecture="arm64", sections=sections)

    def test_nobody_needs_them_at_physical_addresses(self, findings: Findings) -> None:
        sections = chain("strategy: identity, page_size: 4K", "page_size: 64K")
        assert not findings(SLOTS, RUNTIME_DATA, architecture="arm64", sections=sections)


class TestAFailedCall:
    FAILED = "set_virtual_address_map: {calls: once, result: failed}"

    def test_lists_every_region_without_the_mark_once(self, findings: Findings) -> None:
        entries = ", ".join(
            f"{{type: 6, physical_start: {physical:#x}, virtual_start: {virtual:#x}, pages: 1, "
            "attribute: [RUNTIME]}"
            for physical, virtual in ((0x1000, 0), (0x2000, 2**64 - 1), (0x3000, 0x3000))
        )
        sections = f"mapping: [{{{self.FAILED}, virtual_map: [{entries}]}}]"
        [finding] = findings(UNMARKED, architecture="arm64", sections=sections)
        assert [related.message for related in finding.related] == ["not marked"] * 2
        assert finding.fix is not None
        assert [edit.value for edit in finding.fix.edits] == [2**64 - 1] * 2

    def test_is_not_checked_without_the_layout(self, findings: Findings) -> None:
        with pytest.raises(ExampleError, match="virtual_map"):
            findings(UNMARKED, architecture="arm64", sections=f"mapping: [{{{self.FAILED}}}]")

    def test_lets_the_next_kernel_call(self, findings: Findings) -> None:
        assert not findings(SECOND, sections=chain(self.FAILED, CALLS))
