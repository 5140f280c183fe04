"""``efipolicy where``: what lies at an address."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from efipolicy.cli.where_ import address_of
from efipolicy.errors import UsageError
from tests.conftest import FIXTURES, MINIMAL, Run

SCHEMA: dict[str, Any] = json.loads((FIXTURES / "schemas" / "where.json").read_text())
OVMF = FIXTURES / "platforms" / "ovmf5.yaml"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0x7ec00000", 0x7EC00000),
        ("0X7EC0_0000", 0x7EC00000),
        ("7ec00000", 0x7EC00000),
        ("7EC00000h", 0x7EC00000),
        ("80000000h", 0x80000000),
        ("0000000080000000", 0x80000000),
        ("ffffffff`fee00000", 0xFFFFFFFFFEE00000),
        ("FFFFFFFE:FEE00000", 0xFFFFFFFEFEE00000),
        ("00000000:80000000", 0x80000000),
        ("ffff:fffe:fee0:0000", 0xFFFFFFFEFEE00000),
        ("4096", 4096),
        ("2_126_512_128", 0x7EC00000),
        (" 0 ", 0),
        ("18446744073709551615", (1 << 64) - 1),
    ],
)
def test_an_address_is_read_as_people_write_it(text: str, address: int) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "0x", "x", "-1", "0x10000000000000000", "18446744073709551616", "RT_Code", "1.5"),
        *("F000:FFF0", "10:20", "0x7ec00000-0x7ecfffff"),
    ],
)
def test_what_is_no_address_of_64_bits_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="ADDRESS"):
        address_of(text)


def test_several_addresses_are_answered_in_their_order(run: Run) -> None:
    status, out, err = run("where", OVMF, "0x7ffe0000", "0x1", "--strategy", "x86-topdown")
    assert (status, err) == (0, "")
    assert out.index("0x7ffe0000, physical") < out.index("0x1, physical")
    assert "mem04 EfiRuntimeServicesCode 0x7ffe0000-0x80000000" in out
    assert "mapping      at 0xfffffffefffe0000" in out
    assert "page tables  PTE[480] 0x000000007ffe0023 -> physical 0x7ffe0000 RWX WB\n" in out
    assert "access       read, write, execute: reaches 0x7ffe0000\n" in out
    assert "fault        no descriptor that was captured holds it" in out


def test_json_has_what_the_contract_says(run: Run) -> None:
    words = ("where", OVMF, "0xfffffffefffe0010", "0x10", "--strategy", "x86-topdown")
    status, out, _ = run(*words, "--format", "json")
    assert status == 0
    data = json.loads(out)
    Draft202012Validator(SCHEMA).validate(data)
    first, second = data["addresses"]
    assert first["space"] == "virtual"
    assert first["physical"] == "0x7ffe0010"
    assert first["descriptor"]["line"] == 11
    assert first["mapping"]["physical_start"] == "0x7ffe0000"
    assert [step["index"] for step in first["walk"]] == [511, 507, 511, 480]
    assert [step["entry"] for step in first["walk"]] == ["0x63", "0x63", "0x63", "0x7ffe0023"]
    fields = [step["fields"] for step in first["walk"]]
    assert fields[3]["RW"] == {"value": "0x1", "mask": "0x2", "meaning": "writable"}
    assert [field["address"]["value"] for field in fields] == [None, None, None, "0x7ffe0000"]
    assert first["accesses"]["read"] == {"physical": "0x7ffe0010", "cache": "WB", "fault": None}
    assert first["differences"] == []
    assert second["descriptor"] is None
    assert second["fault"]


def test_descriptors_that_overlap_are_both_told(run: Run, folder: Path) -> None:
    twice = "  - {type: EfiReservedMemoryType, physical_start: 0x0, pages: 0x100000}\n"
    (folder / "a.yaml").write_text(
        MINIMAL.replace("  descriptors:\n", f"  descriptors:\n  {twice}")
    )
    _, out, _ = run("where", "a.yaml", "0x10")
    assert "descriptor   mem01 " in out
    assert "and          mem00 EfiReservedMemoryType 0x0-0x100000000 (4 GiB)" in out
    data = json.loads(run("where", "a.yaml", "0x10", "--format", "json")[1])
    Draft202012Validator(SCHEMA).validate(data)
    assert [one["index"] for one in data["addresses"][0]["other_descriptors"]] == [0]


def test_verbose_output_explains_entries_and_walks_every_mapping(run: Run) -> None:
    words = ("where", OVMF, "0x7fa65010", "--strategy", "x86-topdown")
    _, short, _ = run(*words)
    _, long, _ = run(*words, "-v")
    assert "read, write: reaches 0x7fa65010; execute: #PF, error code 0x11 (P, I)" in short
    assert "NX = 1" not in short
    assert "63 NX = 1: not executable\n" in long
    assert "0x63, and the table's place, which is the operating system's choice" in long
    assert "walk         of 0x7fa65010\n" in long
    assert "PTE[101] 0x800000007fa65023 -> physical 0x7fa65000 RW WB" in long


def test_the_tables_of_a_declared_address_width_are_walked(run: Run) -> None:
    words = ("where", OVMF, "0x7fa65010", "--strategy", "x86-topdown", "--va-bits", "57")
    assert "P4D[511] table" in run(*words)[1]


def test_without_a_strategy_it_says_how_to_choose_one(run: Run) -> None:
    status, out, err = run("where", OVMF, "0x7ffe0000")
    assert status == 0
    assert "mapping" not in out
    assert "--strategy says what would be mapped where" in err


def test_digits_that_may_be_meant_as_hexadecimal_are_told(run: Run) -> None:
    status, out, err = run("where", OVMF, "80000000", "4096")
    assert status == 0
    assert out.startswith("0x4c4b400, ")
    assert "read as decimal: 80000000; write 0x80000000" in err
    assert "4096" not in err
    assert "read as decimal" not in run("where", OVMF, "80000000", "-q")[2]


def test_errors_are_told_as_by_every_command(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(MINIMAL)
    assert run("where", "a.yaml", "nowhere")[0] == 2
    assert run("where", "a.yaml", "0x0", "--strategy", "none")[0] == 2
    assert run("where", "missing.yaml", "0x0")[0] == 3
    status, out, _ = run("where", "missing.yaml", "0x0", "--format", "json")
    assert status == 3
    Draft202012Validator(SCHEMA).validate(json.loads(out))
    assert run("where", "a.yaml")[0] == 2


def test_an_architecture_that_is_not_installed_is_said_and_ends_with_4(
    run: Run, folder: Path
) -> None:
    (folder / "board.yaml").write_text(MINIMAL.replace("x86_64", "riscv64"))
    status, out, err = run("where", "board.yaml", "0x1000")
    assert status == 4
    assert "mem00 EfiConventionalMemory" in out
    assert "pip install efipolicy-riscv64" in err


@pytest.mark.parametrize("command", ["plan", "pagetable", "where", "verify"])
def test_that_there_are_other_mappings_is_told(folder: Path, run: Run, command: str) -> None:
    both = "mapping: [{os: linux, strategy: x86-topdown}, {os: windows, strategy: identity}]\n"
    (folder / "both.yaml").write_text(OVMF.read_text() + both)
    more = {"where": ["0x1000"], "verify": ["both.yaml"]}.get(command, [])
    note = "both.yaml declares 2 mappings; this is the first, of linux (--strategy chooses another)"
    assert f"efipolicy: note: {note}\n" in run(command, "both.yaml", *more)[2]
    assert note not in run(command, "both.yaml", *more, "--strategy", "identity")[2]
    assert note not in run(command, "both.yaml", *more, "-q")[2]
