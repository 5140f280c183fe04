"""``efipolicy kexec``: verdicts on chains, and the matrix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import FIXTURES, Run

SCHEMA: dict[str, Any] = json.loads((FIXTURES / "schemas" / "kexec.json").read_text())
OVMF = FIXTURES / "platforms" / "ovmf5.yaml"
DECLARED = """\
mapping:
  - strategy: x86-topdown
    kexec:
      - {strategy: x86-topdown, loader: kexec-file}
      - {strategy: identity}
"""


def json_of(run: Run, *arguments: object, status: int = 0) -> dict[str, Any]:
    seen, out, _ = run("kexec", *arguments, "--format", "json")
    assert seen == status
    data: dict[str, Any] = json.loads(out)
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(data)
    return data


def test_a_chain_that_holds_ends_with_0(run: Run) -> None:
    data = json_of(run, OVMF, "--chain", "x86-topdown,x86-topdown:loader=kexec-file")
    assert data["verdict"] == "ok"
    (hop,) = data["hops"]
    assert hop["carried"]["channel"] == "setup_data"
    assert hop["carried"]["map_entries"] == 5
    assert hop["counter_example"] is None
    assert any("kexec-file" in text for text in data["assumptions"])


def test_a_failed_verdict_ends_with_1_and_an_example(run: Run) -> None:
    data = json_of(run, OVMF, "--chain", "x86-topdown,identity", status=1)
    assert data["verdict"] == "pointer-misread"
    example = data["hops"][0]["counter_example"]
    assert example["expected"] == "0x7ffe0000"
    assert example["found"] == "0xfffffffefffe0000"


def test_without_a_chain_there_is_the_matrix(run: Run) -> None:
    cells = {(c["first"], c["second"]): c["cases"] for c in json_of(run, OVMF)["matrix"]}
    assert [case["verdict"] for case in cells["x86-topdown", "x86-topdown"]] == [
        "ok",
        "runtime-disabled",
    ]
    assert cells["identity", "identity"] == [
        {"when": "firmware is still physical", "verdict": "ok"}
    ]


def test_a_declared_chain_is_judged_unless_the_matrix_is_wanted(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(OVMF.read_text() + DECLARED)
    hops = json_of(run, "a.yaml", status=1)["hops"]
    assert [hop["verdict"] for hop in hops] == ["ok", "pointer-misread"]
    assert "matrix" in json_of(run, "a.yaml", "--matrix")


def test_the_text_is_the_chain_line_by_line(run: Run) -> None:
    status, out, _ = run("kexec", OVMF, "--chain", "x86-topdown,x86-topdown,identity:kind=crash")
    assert status == 1
    lines = out.splitlines()
    assert lines[0] == "x86-topdown"
    assert lines[1] == "  -> x86-topdown  (setup_data: 5 entries of 48 bytes)  ok"
    assert lines[2] == "  -> identity  (crash kernel, nothing carried over)  pointer-misread"
    assert "verdict: pointer-misread" in lines
    assert any(line.startswith("  hop 2: the crash kernel uses no memory") for line in lines)
    quiet = run("kexec", OVMF, "--chain", "x86-topdown,x86-topdown", "--quiet")[1]
    assert quiet.splitlines()[-1] == "verdict: ok"


def test_the_matrix_fits_a_terminal_and_has_notes(run: Run) -> None:
    status, out, err = run("kexec", OVMF)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("after freebsd-1to1, identity, ")
    assert max(map(len, lines)) <= 80
    assert "\n[1] " in out
    assert "\n[1] " not in run("kexec", OVMF, "--quiet")[1]


def test_the_text_of_the_matrix_says_what_its_json_says(run: Run) -> None:
    seen: set[tuple[str, str, str]] = set()
    blocks = run("kexec", OVMF, "--quiet")[1].replace(",\n      x", ", x").split("\n\n")
    for block in blocks:
        first, *rows = block.strip("\n").splitlines()
        verdict = ""
        for row in rows:
            verdict = row[:18].strip() or verdict
            for word in row[18:].strip().rstrip(",").split(", "):
                for each in first.removeprefix("after ").replace(",,", ",").split(", "):
                    seen.add((each, verdict, word.split(" [")[0]))
    cells = json_of(run, OVMF)["matrix"]
    assert seen == {(c["first"], c["cases"][0]["verdict"], c["second"]) for c in cells}


@pytest.mark.parametrize(
    "chain",
    [
        "",
        ",",
        "x86-topdown",
        "x86-topdown,nonsense",
        "x86-topdown,identity:page_size=5K",
        "x86-topdown:kernel=6.1,kernel=6.12,x86-topdown",
        "x86-topdown:channel=none,x86-topdown",
        "x86-topdown:kind=crash,x86-topdown",
        "x86-topdown,x86-topdown:memory=[0x1000,0x2000]",
        "x86-topdown,x86-topdown:kind=crash,memory=[0x2000,0x1000]",
        "x86-topdown,x86-topdown:kind=crash,memory=[0x1000",
        'x86-topdown,x86-topdown:kernel="6.1',
    ],
)
def test_a_chain_that_cannot_be_meant_is_a_usage_error(run: Run, chain: str) -> None:
    data = json_of(run, OVMF, "--chain", chain, status=2)
    assert data["verdict"] is None
    assert data["errors"][0]["status"] == 2


def test_a_hop_of_no_known_channel_is_an_input_error(run: Run, folder: Path) -> None:
    wrong = DECLARED.replace("kexec-file", "kexec-files")
    (folder / "a.yaml").write_text(OVMF.read_text() + wrong)
    data = json_of(run, "a.yaml", status=3)
    assert "did you mean `kexec-file`" in data["errors"][0]["message"]


@pytest.mark.parametrize("version", ['"6.1"', "'6.1'", "6.1"])
def test_a_version_in_a_chain_may_have_the_quotes_it_has_in_a_file(run: Run, version: str) -> None:
    chain = f"x86-topdown:kernel={version},x86-topdown:kernel={version}"
    assert json_of(run, OVMF, "--chain", chain)["verdict"] == "ok"


def test_a_comma_in_brackets_or_quotes_separates_no_kernels(run: Run) -> None:
    chain = "x86-topdown:ghcb=[0x1000,0x2000],x86-topdown:kind=crash, memory=[0x1000, 0x2000]"
    data = json_of(run, OVMF, "--chain", chain)
    assert [hop["kind"] for hop in data["hops"]] == ["crash"]


def test_of_several_declared_chains_it_is_said_which_is_judged(run: Run, folder: Path) -> None:
    more = "  - strategy: x86-fixed-window\n    kexec: [{strategy: identity}]\n"
    (folder / "a.yaml").write_text(OVMF.read_text() + DECLARED + more)
    data = json_of(run, "a.yaml", status=1)
    assert "2 chains" in data["assumptions"][0]
    assert "x86-fixed-window -> identity" in data["assumptions"][0]
    (folder / "a.yaml").write_text(OVMF.read_text() + DECLARED)
    assert not any("chains" in text for text in json_of(run, "a.yaml", status=1)["assumptions"])


def test_memory_that_ends_before_it_starts_is_an_input_error(run: Run, folder: Path) -> None:
    hop = "      - {strategy: x86-topdown, kind: crash, memory: [0x2000, 0x1000]}\n"
    (folder / "a.yaml").write_text(OVMF.read_text() + DECLARED + hop)
    error = json_of(run, "a.yaml", status=3)["errors"][0]
    assert error["expected"] == "[start, end), start below end"
    assert error["line"]


ARM64 = """\
efipolicy: 1
platform: {name: a, architecture: arm64}
memory_map:
  extent: partial
  descriptors:
    - {type: EfiConventionalMemory, physical_start: 0x40000000, pages: 16, attribute: [WB]}
"""
RUNTIME = """\
    - {type: EfiRuntimeServicesCode, physical_start: 0x50000000, pages: 1, attribute: [RUNTIME, WB]}
"""
PAGES = "mapping: [{strategy: arm64-novamap, page_size: 64K, virtual_address_bits: 42}]\n"


def test_a_chain_keeps_the_declared_page_size_and_width_and_says_so(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(ARM64 + RUNTIME + PAGES)
    chain = "arm64-novamap,arm64-novamap"
    told = json_of(run, "a.yaml", "--chain", chain)["assumptions"]
    assert "every kernel has 64K pages and 42 bits" in told
    told = json_of(run, "a.yaml", "--chain", f"{chain}:page_size=4K")["assumptions"]
    assert "arm64-novamap, kernel 1, has 64K pages and 42 bits" in told
    assert "arm64-novamap, kernel 2, has 4K pages and 48 bits" in told
    assert "every kernel has 64K pages and 42 bits" in json_of(run, "a.yaml")["assumptions"]


def test_a_matrix_says_what_all_of_it_takes_for_granted(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(ARM64)
    told = json_of(run, "a.yaml")["assumptions"]
    assert any("EFI_MEMORY_RUNTIME" in text for text in told)
    assert any("the map is partial" in text for text in told)
    assert "\nassumed:\n" in run("kexec", "a.yaml")[1]
    assert "\nassumed:\n" not in run("kexec", "a.yaml", "--quiet")[1]
    (folder / "a.yaml").write_text(ARM64 + RUNTIME)
    assert not any("EFI_MEMORY_RUNTIME" in text for text in json_of(run, "a.yaml")["assumptions"])


def test_the_case_of_a_kernel_that_knows_of_the_call_says_so_whatever_faults_then(
    run: Run,
) -> None:
    cells = {(c["first"], c["second"]): c["cases"] for c in json_of(run, OVMF)["matrix"]}
    usual = cells["x86-dense-from-4g", "x86-dense-from-4g"][0]
    assert usual["verdict"] == "rsvd-fault"
    assert usual["when"].startswith("it is known that SetVirtualAddressMap was called")


def test_a_chain_of_twenty_hops(run: Run) -> None:
    data = json_of(run, OVMF, "--chain", ",".join(["x86-topdown"] * 21))
    assert (data["verdict"], len(data["hops"])) == ("ok", 20)
    assert {hop["carried"]["map_entries"] for hop in data["hops"]} == {5}


def test_without_its_channel_a_kernel_is_told_nothing(run: Run) -> None:
    chain = "x86-topdown,x86-topdown:channel=none"
    told = json_of(run, OVMF, "--chain", chain, status=1)["assumptions"]
    assert "hop 1: loader unspecified: it passes nothing on of firmware" in told


FORGOTTEN = """\
efipolicy: 1
platform: {name: a, architecture: x86_64}
memory_map:
  descriptors:
    - {type: EfiConventionalMemory, physical_start: 0x100000, pages: 0x4000, attribute: [WB]}
    - {type: EfiRuntimeServicesData, physical_start: 0x5000000, pages: 19, attribute: [RUNTIME, WB]}
firmware_accesses:
  - {physical: 0x2a00010, converted: false}
"""


@pytest.mark.parametrize(
    ("memory", "verdict"),
    [("[0x2a00000,0x2b00000]", "ok"), ("[0x2a01000,0x2b00000]", "page-fault")],
)
def test_a_crash_kernel_maps_of_ram_what_it_was_given(
    run: Run, folder: Path, memory: str, verdict: str
) -> None:
    (folder / "a.yaml").write_text(FORGOTTEN)
    chain = f"x86-shared-1to1,x86-shared-1to1:kind=crash,memory={memory}"
    assert json_of(run, "a.yaml", "--chain", chain, status=verdict != "ok")["verdict"] == verdict


def test_a_second_kernel_whose_call_firmware_refuses_has_no_services(
    run: Run, folder: Path
) -> None:
    """U-Boot refuses a list of two code regions, from whatever kernel."""
    vendor = ARM64.replace("arm64}", "arm64, firmware: {vendor: Das U-Boot}}")
    (folder / "a.yaml").write_text(vendor + RUNTIME)
    chain = "identity,arm64-reserved-slice,identity"
    assert json_of(run, "a.yaml", "--chain", chain, status=1)["verdict"] == "pointer-misread"
    (folder / "a.yaml").write_text(vendor + RUNTIME + RUNTIME.replace("0x5", "0x6"))
    data = json_of(run, "a.yaml", "--chain", chain, status=1)
    assert [hop["verdict"] for hop in data["hops"]] == ["runtime-disabled", "ok"]
    assert any("its SetVirtualAddressMap fails" in text for text in data["assumptions"])


def test_a_chain_and_the_matrix_are_not_wanted_at_once(run: Run) -> None:
    chain = "x86-topdown,x86-topdown"
    assert json_of(run, OVMF, "--matrix", "--chain", chain, status=2)["errors"]


def test_what_holds_for_several_plans_of_a_matrix_is_said_once(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(ARM64 + RUNTIME)
    told = json_of(run, "a.yaml")["assumptions"]
    assert len([text for text in told if "the status of their plans is `incomplete`" in text]) == 1


def test_the_first_kernel_of_a_declared_chain_may_be_told_by_its_release(
    run: Run, folder: Path
) -> None:
    told = 'mapping: [{os: linux, kernel: "6.12", kexec: [{strategy: arm64-stub-virtmap}]}]\n'
    (folder / "a.yaml").write_text(ARM64 + RUNTIME + told)
    hop = json_of(run, "a.yaml")["hops"][0]
    assert hop["from"].startswith("arm64-")
    (folder / "a.yaml").write_text(
        ARM64 + RUNTIME + told.replace('os: linux, kernel: "6.12", ', "")
    )
    data = json_of(run, "a.yaml", status=2)
    assert "kernel 1 of the declared chain" in data["errors"][0]["message"]
