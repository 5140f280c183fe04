"""The notation of examples, and what a case makes of it."""

from collections.abc import Iterator

import pytest

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Revision,
    Rule,
    Severity,
    rule,
)
from efipolicy.testing import (
    ExampleError,
    RuleCase,
    configuration_table,
    descriptor,
    examples_of,
    platform,
)


def case_of(example: Bad | Good, **more: object) -> RuleCase:
    """A case of a rule that reports every descriptor of type 7."""

    @rule(
        "acme/free-memory",
        severity=Severity.INFO,
        requirements=(),
        sources=(),
        help="use it",
        examples=(example,),
        **more,
    )
    def free_memory(memory_map: MemoryMap) -> Iterator[Finding]:
        """Memory is free."""
        for item in memory_map.descriptors:
            if item.type == EfiMemoryType.EfiConventionalMemory:
                yield Finding(item, "free")

    (case,) = examples_of([free_memory])
    return case


def test_a_descriptor_is_type_start_pages_and_bits() -> None:
    item = descriptor("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB  @0x20000000", index=3)
    assert (item.index, item.type, item.physical_start) == (3, 5, 0x7F000000)
    assert (item.number_of_pages, item.virtual_start) == (16, 0x20000000)
    assert item.attribute_text == "RUNTIME|WB"


@pytest.mark.parametrize(
    ("bits", "attribute"), [("?", None), ("", 0), ("0x8000000000000008", 1 << 63 | 8), ("WB", 8)]
)
def test_an_attribute_is_names_a_number_nothing_or_unknown(
    bits: str, attribute: int | None
) -> None:
    assert descriptor(f"0x70000001 0x0 0x10 {bits}").attribute == attribute


@pytest.mark.parametrize(
    "line", ["EfiLoaderData 0x0", "EfiLoaderDate 0x0 1", "EfiLoaderData 0x0 1 WRITEBACK", ""]
)
def test_a_line_that_is_no_descriptor_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="`"):
        descriptor(line)


def test_a_table_is_named_or_has_a_guid_and_may_have_a_length() -> None:
    by_name = configuration_table("ACPI_20 0x7f9fe014 36 boot")
    by_guid = configuration_table("8868E871-E4F1-11D3-BC22-0080C73C8881 0x7f9fe014 36 boot")
    assert by_name == by_guid
    assert by_name == ConfigurationTable(
        name="ACPI_20",
        guid="8868e871-e4f1-11d3-bc22-0080c73c8881",
        address=0x7F9FE014,
        length=36,
        loaded="boot",
    )


@pytest.mark.parametrize("line", ["ACPI_20", "ACPI_20 0x0 1 2", ""])
def test_a_line_that_is_no_table_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="a table is"):
        configuration_table(line)


def test_what_an_example_gives_reaches_the_platform() -> None:
    made = platform(
        "EfiLoaderData 0x0 1 WB",
        architecture="arm64",
        uefi="2.10",
        extent="partial",
        origin="kexec",
        descriptor_version=2,
        configuration_tables=(),
    )
    assert made.uefi == Revision(2, 10)
    assert made.configuration_tables == ()
    assert made.memory_attributes_table is None
    memory_map = made.memory_map
    assert (memory_map.extent, memory_map.origin) == ("partial", "kexec")
    assert memory_map.descriptor_version == 2


def test_what_an_example_does_not_give_is_a_whole_map_of_the_firmware() -> None:
    made = platform("EfiLoaderData 0x0 1 WB")
    assert (made.architecture, made.uefi) == ("unknown", None)
    assert (made.memory_map.extent, made.memory_map.origin) == ("whole", "firmware")


def test_a_case_tells_which_entries_were_expected_and_found() -> None:
    lines = ("7 0x0 1 WB", "6 0x1000 1 WB", "7 0x2000 1 WB")
    case = case_of(Bad(*lines, at=(3, 1)))
    assert (case.found(), case.expected) == ((1, 3), (1, 3))
    assert str(case) == "acme/free-memory-bad-1"


def test_a_case_that_is_wrong_shows_as_wrong() -> None:
    case = case_of(Good("7 0x0 1 WB"))
    assert (case.found(), case.expected) == ((1,), ())


def test_a_case_without_a_needed_fact_proves_nothing() -> None:
    with pytest.raises(ExampleError, match="good-1 does not state"):
        case_of(Good("6 0x0 1 WB"), needs=("virtual_starts",)).found()


def test_a_case_of_another_architecture_finds_nothing() -> None:
    example = Good("7 0x0 1 WB", architecture="x86_64")
    assert case_of(example, architectures=("arm64",)).found() == ()


def test_a_case_takes_the_architecture_of_its_rule() -> None:
    example = Bad("7 0x0 1 WB")
    assert case_of(example, architectures=("arm64",)).found() == (1,)


def test_the_cases_of_one_pack_can_be_asked_for() -> None:
    cases = examples_of("arm64")
    assert cases
    assert all(isinstance(case.rule, Rule) and case.rule.pack == "arm64" for case in cases)
