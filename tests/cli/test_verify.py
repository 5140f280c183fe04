"""``efipolicy verify``: predictions held against recorded boots and against altered ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import FIXTURES, ROOT, Run

SCHEMA: dict[str, Any] = json.loads((FIXTURES / "schemas" / "verify.json").read_text())
RECORDED = ROOT / "tests" / "recorded"
BOOT = RECORDED / "x64-q35-2g-rig-ptdump"
TOPDOWN = ("--strategy", "x86-topdown")


def _json(run: Run, *arguments: object) -> tuple[int, dict[str, Any]]:
    status, out, _ = run("verify", *arguments, "--format", "json")
    found: dict[str, Any] = json.loads(out)
    Draft202012Validator(SCHEMA).validate(found)
    return status, found


DEBUG = (*TOPDOWN, "--option", "efi_debug=true")
VIRTMAP, NOVAMAP = ("--strategy", "arm64-stub-virtmap"), ("--strategy", "arm64-novamap")
INSTALLED = [
    ("x64-q35-2g-rig-ptdump", "runtime-map", DEBUG, 104),
    ("x64-q35-2g-rig-ptdump", "walked-page-tables", DEBUG, 258),
    ("x64-q35-2g-rig-ptdump", "page-tables", DEBUG, 258),
    ("x64-q35-1g-la57", "runtime-map", DEBUG, 104),
    ("x64-q35-1g-la57", "walked-page-tables", DEBUG, 262),
    ("x64-pc-1g-k612", "runtime-map", DEBUG, 116),
    ("x64-pc-1g-k612", "walked-page-tables", DEBUG, 288),
    ("x64-q35-2g-k61", "runtime-map", DEBUG, 103),
    ("x64-q35-2g-k61", "walked-page-tables", DEBUG, 256),
    ("a64-1g-novamap-k612", "walked-page-tables", NOVAMAP, 20),
    ("a64-1g-altra-k612", "walked-page-tables", VIRTMAP, 20),
    ("a64-2g-64k-rig-ptdump", "walked-page-tables", NOVAMAP, 20),
    ("a64-2g-64k-rig-ptdump", "page-tables", NOVAMAP, 20),
    ("a64-4g-64k-va42-rig-ptdump", "walked-page-tables", VIRTMAP, 20),
    ("a64-4g-64k-va42-rig-ptdump", "page-tables", VIRTMAP, 19),
    ("a64-1g-4k-va39-rig-ptdump", "walked-page-tables", VIRTMAP, 20),
    ("a64-1g-4k-va39-rig-ptdump", "page-tables", VIRTMAP, 19),
    ("a64-uboot-1g-16k-k612", "walked-page-tables", VIRTMAP, 3),
    ("a64-uboot-1g-k612", "walked-page-tables", NOVAMAP, 3),
]


@pytest.mark.parametrize(
    ("boot", "what", "options", "compared"), INSTALLED, ids=[f"{b}-{w}" for b, w, *_ in INSTALLED]
)
def test_what_a_real_kernel_installed_is_what_is_predicted(
    run: Run, boot: str, what: str, options: tuple[str, ...], compared: int
) -> None:
    log, observed = RECORDED / boot / "log.txt", RECORDED / boot / f"{what}.txt"
    status, found = _json(run, log, observed, *options)
    assert (status, found["status"], found["mismatches"]) == (0, "match", [])
    assert found["compared"] == compared
    reasons = {one["why"] for one in found["explained"]}
    assert reasons <= {"the list handed to SetVirtualAddressMap"}


MIXED = RECORDED / "x64-mixed-ia32-1g-k61"


def test_the_kernels_image_in_the_1_to_1_map_of_mixed_mode_is_explained(run: Run) -> None:
    status, found = _json(run, MIXED / "log.txt", MIXED / "walked-page-tables.txt")
    assert (status, found["strategy"], found["mismatches"]) == (0, "x86-mixed", [])
    assert {one["why"].partition(",")[0] for one in found["explained"]} >= {
        "the kernel's own image"
    }


def test_free_memory_that_is_missing_elsewhere_too_is_no_image(run: Run, folder: Path) -> None:
    rows = (MIXED / "walked-page-tables.txt").read_text().splitlines(keepends=True)
    largest = [row for row in rows if " 2M RW NX" in row and row.startswith("0x00000000")][-1]
    (folder / "shorter.txt").write_text("".join(row for row in rows if row != largest))
    status, found = _json(run, MIXED / "log.txt", "shorter.txt")
    assert (status, found["status"]) == (1, "mismatch")
    assert largest.partition("-")[0] in {
        f"{int(one['virtual_start'], 16):#018x}" for one in found["mismatches"]
    }


def test_what_is_not_known_of_a_boot_is_explained_in_a_line_a_reason(run: Run) -> None:
    tables = BOOT / "page-tables.txt"
    status, out, _ = run("verify", BOOT / "log.txt", tables, *TOPDOWN)
    assert status == 0
    explained = [line for line in out.splitlines() if line.startswith("explained: ")]
    assert len(explained) == 2
    assert "boot-services memory that stays mapped, as with efi=debug" in out
    assert "the list handed to SetVirtualAddressMap" in out
    _, verbose, _ = run("verify", BOOT / "log.txt", tables, *TOPDOWN, "-v")
    assert verbose.count("explained: ") > 10


def test_a_runtime_map_of_the_same_boot_matches(run: Run) -> None:
    status, out, err = run("verify", BOOT / "log.txt", BOOT / "runtime-map.txt", *TOPDOWN)
    assert (status, err) == (0, "")
    assert out == "x86-topdown: match, 104 addresses and 0 page-table rows compared\n"


@pytest.mark.parametrize(
    ("words", "others", "what"),
    [
        ("phys=0x7fef4000 virt=0xfffffffeffaf4000", "virt=0xfffffffeffaf5000", "address"),
        ("phys=0x7fef4000 virt=0xfffffffeffaf4000", "virt=0x7fef4000", "address"),
    ],
)
def test_an_altered_address_is_the_one_mismatch(
    run: Run, folder: Path, words: str, others: str, what: str
) -> None:
    recorded = (BOOT / "runtime-map.txt").read_text()
    assert words in recorded
    altered = recorded.replace(words, f"{words.partition(' ')[0]} {others}")
    (folder / "altered.txt").write_text(altered)
    status, found = _json(run, BOOT / "log.txt", "altered.txt", *TOPDOWN)
    assert (status, found["status"]) == (1, "mismatch")
    assert [(one["what"], one["physical_start"]) for one in found["mismatches"]] == [
        (what, "0x7fef4000")
    ]
    assert found["mismatches"][0]["predicted"] == "0xfffffffeffaf4000"


def test_a_region_the_kernel_does_not_list_is_missing(run: Run, folder: Path) -> None:
    recorded = (BOOT / "runtime-map.txt").read_text().splitlines(keepends=True)
    _, kind, physical, virtual, *_ = recorded[0].split()
    assert kind == "type=0xb"
    rest = [f"{number:3}{line[3:]}" for number, line in enumerate(recorded[1:])]
    (folder / "shorter.txt").write_text("".join(rest))
    status, found = _json(run, BOOT / "log.txt", "shorter.txt", *TOPDOWN)
    assert status == 1
    assert found["mismatches"] == [
        {
            "what": "missing",
            "physical_start": physical.removeprefix("phys="),
            "virtual_start": virtual.removeprefix("virt="),
            "pages": 0x400,
            "predicted": virtual.removeprefix("virt="),
            "observed": None,
        }
    ]


def test_what_a_map_with_gaps_does_not_show_is_neither_seen_nor_missing(
    run: Run, folder: Path
) -> None:
    recorded = (BOOT / "runtime-map.txt").read_text().splitlines(keepends=True)
    without = [line for line in recorded if "phys=0x7fef4000" not in line]
    (folder / "shorter.txt").write_text("".join(without))
    status, found = _json(run, BOOT / "log.txt", "shorter.txt", *TOPDOWN)
    assert (status, found["mismatches"], found["compared"]) == (0, [], 103)
    assert [(one["virtual_start"], one["pages"]) for one in found["explained"]] == [
        ("0xfffffffeffaf4000", 0x84)
    ]


def test_the_wrong_era_is_a_mismatch(run: Run) -> None:
    options = (*TOPDOWN, "--option", "order=forward")
    status, out, _ = run("verify", BOOT / "log.txt", BOOT / "runtime-map.txt", *options)
    assert status == 1
    assert "address" in out
    assert "differences" in out


def test_an_altered_row_of_a_page_table_dump_is_found(run: Run, folder: Path) -> None:
    dump = BOOT / "walked-page-tables.txt"
    recorded = dump.read_text()
    row = "0xfffffffeffc00000-0xffffffff00000000 0x0000ffc00000     4096K 2M RW NX     PCD       A"
    assert row in recorded
    for others, what in [
        (row.replace(" NX ", " x  "), "access"),
        (row.replace("PCD", "   "), "cache"),
        (row.replace(" 2M ", " 4K "), "leaf"),
        (row.replace("0x0000ffc00000", "0x0000ffa00000"), "address"),
    ]:
        (folder / "altered.txt").write_text(recorded.replace(row, others))
        _, whole = _json(run, BOOT / "log.txt", dump, *TOPDOWN)
        status, found = _json(run, BOOT / "log.txt", "altered.txt", *TOPDOWN)
        assert status == 1
        new = [one for one in found["mismatches"] if one not in whole["mismatches"]]
        assert [(one["what"], one["virtual_start"]) for one in new] == [
            (what, "0xfffffffeffc00000")
        ]


def test_nothing_to_compare_is_said_and_is_no_match(run: Run) -> None:
    status, out, err = run("verify", BOOT / "log.txt", BOOT / "log.txt", *TOPDOWN)
    assert status == 3
    assert out.startswith("x86-topdown: nothing to compare, 0 addresses and 0 page-table rows")
    assert "found no address and no page table that a kernel installed" in err
    status, found = _json(run, BOOT / "log.txt", BOOT / "log.txt", *TOPDOWN)
    assert (status, found["status"], found["compared"]) == (3, "nothing-to-compare", 0)


def test_another_architecture_is_refused(run: Run) -> None:
    other = RECORDED / "a64-1g-altra-k612" / "walked-page-tables.txt"
    status, _, err = run("verify", BOOT / "log.txt", other, *TOPDOWN)
    assert status == 3
    assert "found what a kernel installed on arm64, expected one on x86_64" in err


def test_a_log_tells_the_strategy(run: Run) -> None:
    status, out, _ = run("verify", BOOT / "log.txt", BOOT / "runtime-map.txt")
    assert (status, out.partition(",")[0]) == (0, "x86-topdown: match")


@pytest.mark.parametrize("boot", ["a64-1g-4k-va39-rig-ptdump", "a64-4g-64k-va42-rig-ptdump"])
def test_the_width_that_a_dump_shows_tells_the_strategy_too(run: Run, boot: str) -> None:
    status, out, _ = run("verify", RECORDED / boot / "log.txt", RECORDED / boot / "page-tables.txt")
    assert (status, out.partition(",")[0]) == (0, "arm64-stub-virtmap: match")


def test_a_strategy_is_needed(run: Run) -> None:
    bare = FIXTURES / "platforms" / "ovmf5.yaml"
    status, _, err = run("verify", bare, BOOT / "runtime-map.txt")
    assert status == 2
    assert "--strategy" in err
    status, found = _json(run, bare, BOOT / "runtime-map.txt")
    assert (status, found["status"]) == (2, "nothing-to-compare")


def test_rows_of_the_kernels_own_memory_are_nothing_to_compare(run: Run, folder: Path) -> None:
    rows = (BOOT / "page-tables.txt").read_text().splitlines(keepends=True)
    first = rows.index("---[ Low Kernel Mapping ]---\n")
    (folder / "kernel.txt").write_text("".join(rows[first : first + 20]))
    status, _, err = run("verify", BOOT / "log.txt", "kernel.txt", *TOPDOWN)
    assert status == 3
    assert " page-table rows of the kernel's own memory and none of firmware's" in err


def test_tables_of_another_address_width_are_no_match(run: Run) -> None:
    boot = RECORDED / "x64-q35-1g-la57"
    words = (boot / "log.txt", boot / "walked-page-tables.txt", *DEBUG)
    assert run("verify", *words, "--va-bits", "57")[0] == 0
    status, _, err = run("verify", *words, "--va-bits", "48")
    assert status == 3
    assert "found page tables for addresses of 57 bits, expected 48 bits" in err
    assert _json(run, *words, "--va-bits", "48")[1]["status"] == "nothing-to-compare"


def test_the_standard_input_cannot_be_both_files(run: Run) -> None:
    status, _, err = run("verify", "-", "-", *TOPDOWN)
    assert status == 2
    assert "FILE and OBSERVED cannot both be the standard input" in err
