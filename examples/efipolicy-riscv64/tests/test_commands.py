"""The commands of efipolicy on captures of a real boot, with the plugin installed and without."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from efipolicy.testing import Workspace

LOG = "qemu-virt-1g.dmesg.txt"
TABLES = "qemu-virt-1g.efi-page-tables.txt"
HANDED_OVER = "qemu-virt-1g.handed-over.txt"

SERVER = """\
efipolicy: 1
platform: {name: server, architecture: riscv64, uefi: "2.9"}
memory_map:
  descriptors:
    - {type: 7, physical_start: 0x80000000, pages: 0x100, attribute: [WB]}
    - {type: EfiRuntimeServicesCode, physical_start: 0xbe000000, pages: 8, attribute: [RUNTIME, WB]}
    - {type: EfiMemoryMappedIO, physical_start: 0x10000000, pages: 1, attribute: [RUNTIME, UC]}
    - {type: 6, physical_start: 0x4000000000, pages: 1, attribute: [RUNTIME, WB]}
handover: {mmu: on}
conformance_profiles: {profiles: [05453310-0545-0545-0545-330545330545]}
runtime_properties: {supported: 0x1b0}
mapping: [{os: linux, kernel: "6.12", calls: {other_callers: [a guest], stack_bytes: 4096}}]
"""


@pytest.fixture
def workspace(efipolicy: Workspace, captures: Path) -> Workspace:
    """A folder with the captures and a platform file."""
    for name in (LOG, TABLES, HANDED_OVER):
        efipolicy.write(name, (captures / name).read_bytes())
    efipolicy.write("server.yaml", SERVER)
    return efipolicy


def test_it_is_listed_with_its_distribution(workspace: Workspace) -> None:
    plugins = workspace.run("plugins", "--format", "json").json["plugins"]
    (ours,) = (one for one in plugins if one["name"] == "riscv64")
    assert (ours["distribution"], ours["status"]) == ("efipolicy-riscv64", "ok")
    assert ours["provides"]["architectures"] == ["riscv64"]
    assert ours["provides"]["strategies"] == ["riscv-stub"]
    assert ours["provides"]["policies"] == ["riscv-server", "riscv-uefi"]


def test_a_real_log_is_linted_by_what_it_tells_itself(workspace: Workspace) -> None:
    outcome = workspace.lint(LOG)
    assert (outcome.status, outcome.rules) == (0, ())
    assert outcome.json["inputs"][0]["architecture"] == "riscv64"


def test_a_platform_breaks_the_clauses_it_breaks(workspace: Workspace) -> None:
    outcome = workspace.lint("server.yaml", "--policy", "riscv-server")
    assert outcome.status == 1
    found = {finding.rule: finding.severity for finding in outcome.findings}
    assert {name: level for name, level in found.items() if name.startswith("riscv64/")} == {
        "riscv64/translation-on-at-handover": "warning",
        "riscv64/brs-claimed-without-uefi": "error",
        "riscv64/reset-unsupported-despite-brs": "error",
    }
    assert found["uefi/insufficient-stack"] == "error"
    assert "uefi/runtime-region-mapped-with-other-cacheability" not in found


def test_the_specification_alone_leaves_the_profile_out(workspace: Workspace) -> None:
    outcome = workspace.lint("server.yaml", "--policy", "riscv-uefi")
    ours = [rule for rule in outcome.rules if rule.startswith("riscv64/")]
    assert ours == ["riscv64/translation-on-at-handover"]


def test_the_plan_of_a_log_is_that_of_its_kernel(workspace: Workspace) -> None:
    plan = workspace.run("plan", LOG, "--format", "json").json
    assert (plan["strategy"], plan["status"]) == ("riscv-stub", "ok")
    assert plan["options"]["kernel"] == "6.12.117"
    assert [mapping["virtual_start"] for mapping in plan["mappings"]] == [
        "0x20001000",
        "0x20014000",
        "0x20027000",
    ]


@pytest.mark.parametrize("observed", [TABLES, HANDED_OVER])
@pytest.mark.parametrize("bits", [39, 48, 57])
def test_the_prediction_is_what_the_kernel_installed(
    workspace: Workspace, observed: str, bits: int
) -> None:
    outcome = workspace.run("verify", LOG, observed, "--va-bits", bits, "--format", "json")
    assert (outcome.status, outcome.json["status"]) == (0, "match")
    assert outcome.json["compared"] == 3


@pytest.mark.parametrize(("bits", "total"), [(39, 3), (48, 4), (57, 5)])
def test_tables_are_counted_and_drawn(workspace: Workspace, bits: int, total: int) -> None:
    asked = ("pagetable", LOG, "--va-bits", bits)
    tables = workspace.run(*asked, "--format", "json").json
    assert (tables["geometry"], tables["tables"]["total"]) == (f"sv{bits}", total)
    assert tables["leaves"]["4K"] == 9
    assert "9 x 4K" in workspace.run(*asked).out
    assert workspace.run(*asked, "--format", "svg").out.startswith("<svg ")


def test_an_address_is_walked_to_the_entry_that_maps_it(workspace: Workspace) -> None:
    outcome = workspace.run("where", LOG, "0xbff57d20", "--format", "json")
    (address,) = outcome.json["addresses"]
    assert address["walk"][-1]["entry"] == "0x2ffd5ccf"
    said = workspace.run("where", LOG, "0xbff57d20").out
    assert "PTE[39] 0x000000002ffd5ccf -> physical 0xbff57000 RWX PMA" in said


def test_every_strategy_is_tried_on_every_mode(workspace: Workspace) -> None:
    rows = workspace.run("whatif", LOG, "--format", "json").json["rows"]
    tried = {(row["strategy"], row["virtual_address_bits"]) for row in rows}
    assert tried >= {(name, bits) for name in ("riscv-stub", "identity") for bits in (39, 48, 57)}
    assert {row["status"] for row in rows if row["strategy"] == "riscv-stub"} == {"ok"}


def test_a_chain_of_kernels_hands_the_layout_on(workspace: Workspace) -> None:
    outcome = workspace.run("kexec", LOG, "--chain", "riscv-stub,riscv-stub", "--format", "json")
    assert (outcome.status, outcome.json["verdict"]) == (0, "ok")
    assert outcome.json["hops"][0]["carried"]["channel"] == "device-tree"


def test_a_region_above_the_user_half_cannot_stay_in_place(workspace: Workspace) -> None:
    def status(bits: int) -> str:
        in_place = ("--strategy", "riscv-stub", "--option", "novamap=true")
        asked = ("plan", "server.yaml", *in_place, "--va-bits", bits, "--format", "json")
        return str(workspace.run(*asked).json["status"])

    assert (status(39), status(48)) == ("impossible", "ok")


def test_the_register_says_what_is_checked_and_what_is_not(workspace: Workspace) -> None:
    stated = workspace.run("rules", "--format", "json").json["requirements"]
    states = {one["code"]: one["state"] for one in stated}
    assert {code: state for code, state in states.items() if code.startswith(("RISCV", "BRS"))} == {
        "RISCV-001": "checked",
        "RISCV-002": "checked",
        "RISCV-003": "not-checkable",
        "BRS-ACPI-020": "checked",
        "BRS-UEFI-030": "modelled",
        "BRS-UEFI-060": "checked",
        "BRS-URT-030": "checked",
    }


@pytest.mark.parametrize(
    "command",
    [
        ("lint", LOG),
        ("lint", "server.yaml"),
        ("plan", LOG),
        ("pagetable", LOG),
        ("pagetable", LOG, "--format", "svg"),
        ("whatif", LOG),
        ("kexec", LOG),
        ("verify", LOG, TABLES),
        ("lint", LOG, "--arch", "riscv64"),
    ],
    ids=" ".join,
)
def test_while_it_is_blocked_a_command_names_what_is_missing(
    workspace: Workspace, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFIPOLICY_PLUGINS", "-riscv64")
    outcome = workspace.run(*command)
    assert outcome.status == 4
    told = outcome.err + outcome.out
    assert "`riscv64` is not installed" in told
    assert "efipolicy-riscv64" in told
