"""``efipolicy diff``: what differs between two inputs, or from boot to boot."""

from __future__ import annotations

import json
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import FIXTURES, MINIMAL, Run

SCHEMA = Draft202012Validator(json.loads((FIXTURES / "schemas" / "diff.json").read_text()))
BOOTS = FIXTURES / "boots"
SMALL, LARGE = BOOTS / "qemu-virt-2g-linux-arm64.txt", BOOTS / "qemu-virt-4g-linux-arm64.txt"

OLD = """\
efipolicy: 1
platform: {name: board, architecture: x86_64}
memory_map:
  extent: whole
  origin: firmware
  descriptors:
    - {type: EfiConventionalMemory, physical_start: 0x100000, pages: 0x100, attribute: [WB]}
    - {type: EfiRuntimeServicesData, physical_start: 0x7e000000, pages: 4, attribute: [RUNTIME, WB]}
    - {type: EfiACPIMemoryNVS, physical_start: 0x7f000000, pages: 2, attribute: [WB]}
"""
MOVED = OLD.replace("0x7f000000", "0x7f004000")
BROKEN = OLD.replace("pages: 2", "pages: 0")


@pytest.fixture
def files(folder: Path) -> Path:
    texts = {"old": OLD, "moved": MOVED, "broken": BROKEN, "wrong": OLD.replace("pages", "pagess")}
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    (folder / "alien.yaml").write_text(OLD.replace("x86_64", "riscv128"))
    (folder / "mapped.yaml").write_text(OLD + "mapping:\n  - {strategy: x86-topdwn}\n")
    (folder / "nothing.txt").write_text("no map here\n")
    (folder / "evidence.txt").write_text(
        "[    0.0] efi: memattr: Entry attributes invalid: RO and XP bits both cleared\n"
        "[    0.0] efi: memattr: ! 0x00007ec00000-0x00007ec7ffff [Runtime Code|RUN|  |  |  |  |  "
        "|  |  |  |   |WB|WT|WC|UC]\n"
    )
    for name in ("one", "two"):
        (folder / f"{name}.log").write_bytes((SMALL if name == "one" else LARGE).read_bytes())
    (folder / "both.log").write_bytes(SMALL.read_bytes() + LARGE.read_bytes())
    return folder


def result(run: Run, *arguments: object, status: int = 1) -> dict[str, Any]:
    ended, out, err = run("diff", *arguments, "--format", "json")
    assert ended == status, out + err
    data: dict[str, Any] = json.loads(out)
    assert [error.message for error in SCHEMA.iter_errors(data)] == []
    return data


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (0, "old.yaml old.yaml"),
        (1, "old.yaml moved.yaml"),
        (1, "old.yaml broken.yaml"),
        (1, "one.log two.log"),
        (1, "--boots one.log two.log"),
        (0, "--boots one.log one.log"),
        (1, "--boots both.log"),
        (2, "old.yaml"),
        (2, "old.yaml moved.yaml broken.yaml"),
        (2, "- -"),
        (2, "old.yaml moved.yaml --bogus"),
        (2, "old.yaml moved.yaml --policy recomended"),
        (2, "old.yaml moved.yaml --config a.yaml --isolated"),
        (2, "old.yaml moved.yaml --today tomorrow"),
        (2, "old.yaml moved.yaml -o missing/out.txt"),
        (3, "old.yaml wrong.yaml"),
        (3, "old.yaml missing.yaml"),
        (3, "nothing.txt moved.yaml"),
        (3, "old.yaml evidence.txt"),
        (3, "evidence.txt evidence.txt"),
        (3, "old.yaml mapped.yaml"),
        (3, "--boots one.log"),
        (3, "--boots one.log nothing.txt two.log"),
        (3, "--boots one.log evidence.txt two.log"),
        (4, "old.yaml alien.yaml"),
        (4, "one.log two.log --arch riscv128"),
    ],
)
def test_every_exit_status(files: Path, run: Run, status: int, line: str) -> None:
    ended, out, err = run("diff", *line.split())
    assert ended == status, out + err
    assert bool(err) is (status > 1)


def test_what_moved_is_told_with_its_distance_and_the_verdict(files: Path, run: Run) -> None:
    assert run("diff", "old.yaml", "moved.yaml")[1] == (
        "old.yaml -> moved.yaml: 1 moved, 2 unchanged; no finding new or fixed\n"
        "\n"
        "1 region moved up 0x4000 (16 KiB)\n"
        "  ~ EfiACPIMemoryNVS  0x7f000000 -> 0x7f004000  0x2 pages  8 KiB\n"
        "\n"
        "hibernation: unsafe: EfiACPIMemoryNVS 0x7f000000-0x7f002000 is at 0x7f004000 "
        "(0x4000 bytes higher)\n"
    )


def test_another_architecture_is_told_before_everything_else(files: Path, run: Run) -> None:
    (files / "arm64.yaml").write_text(OLD.replace("x86_64", "arm64"))
    status, out, _ = run("diff", "old.yaml", "arm64.yaml", "--select", "uefi/zero-pages")
    assert status == 1
    assert out.startswith(
        "old.yaml -> arm64.yaml: architecture x86_64 -> arm64; 3 regions, all unchanged; "
    )
    assert out.endswith("hibernation: unsafe: old.yaml is of x86_64, arm64.yaml of arm64\n")
    told = result(run, "old.yaml", "arm64.yaml", "--select", "uefi/zero-pages")
    assert [one["architecture"] for one in told["inputs"]] == ["x86_64", "arm64"]
    assert [one["old"] for one in told["why"]] == [None]


def test_equal_inputs_are_told_to_be_equal(files: Path, run: Run) -> None:
    status, out, err = run("diff", "old.yaml", "old.yaml")
    assert (status, err) == (0, "")
    assert out == (
        "old.yaml -> old.yaml: 3 regions, all unchanged; no finding new or fixed\n"
        "\n"
        "hibernation: safe: all 2 regions of old.yaml that outlive the boot are where they were\n"
    )


def test_findings_are_new_and_fixed(files: Path, run: Run) -> None:
    out = run("diff", "old.yaml", "broken.yaml")[1]
    assert "; 1 new finding\n" in out
    assert "\nnew error[uefi/zero-pages]: EfiACPIMemoryNVS at 0x7f000000 has no pages" in out
    assert "--> broken.yaml:9:" in out
    out = run("diff", "broken.yaml", "old.yaml")[1]
    assert "; 1 fixed\n" in out
    assert "\nfixed error[uefi/zero-pages]: " in out


def test_policies_and_selections_decide_which_findings_count(files: Path, run: Run) -> None:
    words = ("old.yaml", "broken.yaml")
    assert result(run, *words)["findings"]["new"][0]["rule"] == "uefi/zero-pages"
    assert result(run, *words, "--ignore", "uefi/*")["findings"] == {"new": [], "fixed": []}
    assert result(run, *words, "--select", "x86_64/*")["findings"]["new"] == []
    assert result(run, *words, "--policy", "uefi")["findings"]["new"]


def test_the_configuration_counts_unless_isolated(files: Path, run: Run) -> None:
    accept = "accept:\n  - {rule: uefi/zero-pages, reason: known}\n"
    (files / ".efipolicy.yaml").write_text(accept)
    assert result(run, "old.yaml", "broken.yaml")["findings"]["new"] == []
    assert result(run, "old.yaml", "broken.yaml", "--isolated")["findings"]["new"]


def test_json_has_what_the_contract_says(files: Path, run: Run) -> None:
    data = result(run, "old.yaml", "moved.yaml")
    assert {"version", "regions", "findings", "hibernation", "why"} <= data.keys()
    (change,) = data["regions"]
    assert change == {
        "change": "moved",
        "old": {
            "type": "EfiACPIMemoryNVS",
            "physical_start": "0x7f000000",
            "pages": 2,
            "attribute": "0x8",
            "path": "old.yaml",
            "line": 9,
        },
        "new": {**change["old"], "physical_start": "0x7f004000", "path": "moved.yaml"},
    }
    assert data["hibernation"] == "unsafe"
    assert data["why"][0]["old"] == change["old"]
    assert [one["descriptors"] for one in data["inputs"]] == [3, 3]


def test_json_of_what_could_not_be_compared_has_the_errors(files: Path, run: Run) -> None:
    data = result(run, "old.yaml", "wrong.yaml", status=3)
    assert data["regions"] == []
    assert {error["path"] for error in data["errors"]} == {"wrong.yaml"}
    data = result(run, "--boots", "old.yaml", status=3)
    assert data["boots"] == data["pairs"] == []
    assert data["errors"][-1]["found"] == "one boot"


def test_two_inputs_that_cannot_be_read_are_both_told(files: Path, run: Run) -> None:
    _, _, err = run("diff", "missing.yaml", "nothing.txt")
    first, second = err.splitlines()
    assert first.startswith("efipolicy: error: missing.yaml: ")
    assert second.startswith("efipolicy: error: nothing.txt: ")


def test_layouts_that_differ_in_memory_size_list_the_moved_regions(run: Run) -> None:
    data = result(run, SMALL, LARGE)
    moved = [change for change in data["regions"] if change["change"] == "moved"]
    resized = [change for change in data["regions"] if change["change"] == "resized"]
    assert (len(moved), len(resized), len(data["regions"])) == (16, 4, 20)
    distances = {
        int(one["new"]["physical_start"], 16) - int(one["old"]["physical_start"], 16)
        for one in moved
    }
    assert distances == {0x80000000, 0x80030000}
    assert {one["old"]["type"] for one in resized} == {"EfiConventionalMemory", "EfiLoaderCode"}
    assert len(data["why"]) == 6


def test_many_regions_of_no_consequence_are_counted(run: Run) -> None:
    words = ("diff", BOOTS / "qemu-q35-1g-linux-x86.txt", BOOTS / "qemu-q35-2g-linux-x86.txt")
    out = run(*words)[1]
    assert "79 regions moved up 0x40000000 (1 GiB)\n" in out
    assert "    71 more of boot services, loaders, free memory (-v shows each)\n" in out
    assert len(run(*words, "-v")[1].splitlines()) == len(out.splitlines()) - 2 + 71 + 30
    quiet = run(*words, "-q")[1].splitlines()
    assert [line.split(":")[0] for line in quiet[1:]] == ["", "hibernation"]


def test_attributes_types_and_sizes_are_told_as_they_were_and_are(files: Path, run: Run) -> None:
    new = OLD.replace("pages: 4, attribute: [RUNTIME, WB]", "pages: 4, attribute: [RUNTIME, WT]")
    new = new.replace("pages: 0x100,", "pages: 0x101,").replace("EfiACPIMemoryNVS", "EfiPalCode")
    (files / "new.yaml").write_text(new)
    out = run("diff", "old.yaml", "new.yaml")[1]
    assert "  ~ EfiACPIMemoryNVS -> EfiPalCode  0x7f000000  0x2 pages  8 KiB\n" in out
    assert "  ~ EfiConventionalMemory  0x100000  0x100 -> 0x101 pages  4 KiB larger\n" in out
    assert "1 region with another attribute\n" in out
    assert ": 1 retyped, 1 resized, 1 with another attribute, 0 unchanged; " in out
    assert "  ~ EfiRuntimeServicesData  0x7e000000  0x4 pages  16 KiB, -WB, +WT\n" in out


def test_colour_is_there_when_asked_for(files: Path, run: Run) -> None:
    words = ("diff", "old.yaml", "moved.yaml", "--color")
    assert "\x1b[1;31munsafe\x1b[0m" in run(*words, "always")[1]
    assert "\x1b" not in run(*words, "auto")[1]


def test_a_map_that_is_not_whole_is_a_word_of_caution(files: Path, run: Run) -> None:
    part = OLD.replace("extent: whole", "extent: partial")
    part = "".join(line for line in part.splitlines(True) if "NVS" not in line)
    (files / "part.yaml").write_text(part)
    out = run("diff", "old.yaml", "part.yaml")[1]
    assert "1 region removed, or not captured: part.yaml is part of a map\n" in out
    assert out.endswith("hibernation: unknown: the map of part.yaml is partial\n")


def test_parts_of_one_map_differ_in_what_was_not_captured(files: Path, run: Run) -> None:
    lines = (BOOTS / "qemu-q35-2g-linux-x86.txt").read_text().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if "efi: mem00:" in line)
    (files / "gap.log").write_text("".join(lines[: first + 38] + lines[first + 48 :]))
    (files / "end.log").write_text("".join(lines[first + 37 :]))
    kinds = [one["change"] for one in result(run, "gap.log", "end.log")["regions"]]
    assert kinds == ["removed"] * 37 + ["added"] * 10


def test_one_input_may_be_the_standard_input(
    files: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(MOVED.encode())))
    data = result(run, "old.yaml", "-", "--stdin-filename", "new.yaml")
    assert [one["path"] for one in data["inputs"]] == ["old.yaml", "new.yaml"]
    assert data["regions"]


def test_the_name_of_a_platform_is_no_difference(files: Path, run: Run) -> None:
    (files / "renamed.yaml").write_text(BROKEN.replace("name: board", "name: prototype"))
    assert run("diff", "broken.yaml", "renamed.yaml")[0] == 0


def test_each_boot_is_compared_with_the_one_before(files: Path, run: Run) -> None:
    data = result(run, "--boots", "old.yaml", "moved.yaml", "old.yaml", "old.yaml")
    assert [one["path"] for one in data["boots"]] == ["old.yaml", "moved.yaml", *["old.yaml"] * 2]
    assert [len(pair["regions"]) for pair in data["pairs"]] == [1, 1, 0]
    assert [pair["hibernation"] for pair in data["pairs"]] == ["unsafe", "unsafe", "safe"]
    assert data["hibernation"] == "unsafe"
    assert data["why"][0]["message"].startswith("old.yaml -> moved.yaml: EfiACPIMemoryNVS")
    out = run("diff", "--boots", "old.yaml", "moved.yaml", "old.yaml")[1]
    assert out.count("1 region moved ") == 2
    assert "\n3 boots compared\nhibernation: unsafe\n" in out


def test_boots_of_one_log_are_told_by_their_lines(files: Path, run: Run) -> None:
    data = result(run, "--boots", "both.log")
    assert [one["line"] for one in data["boots"]] == [15, 63]
    (pair,) = data["pairs"]
    assert len(pair["regions"]) == 20
    assert run("diff", "--boots", "both.log")[1].startswith("both.log:15 -> both.log:63: ")
    note = run("diff", "both.log", "both.log")[2]
    assert note.startswith("efipolicy: note: both.log holds several boots; --boots compares them\n")


def test_other_boots_are_compared_when_one_cannot_be_read(files: Path, run: Run) -> None:
    data = result(run, "--boots", "one.log", "nothing.txt", "two.log", status=3)
    assert len(data["pairs"]) == 1
    assert [error["path"] for error in data["errors"]] == ["nothing.txt"]


def test_each_error_about_too_few_boots_is_about_one_path(files: Path, run: Run) -> None:
    (files / "logs").mkdir()
    (files / "logs" / "evidence.txt").write_bytes((files / "evidence.txt").read_bytes())
    for words, paths in (
        (("one.log", "missing"), ["missing", "one.log"]),
        (("missing", "nothing.txt"), ["missing", "nothing.txt"]),
        (("missing", "logs/"), ["missing", "logs/"]),
        (("logs", "one.log"), ["one.log"]),
    ):
        data = result(run, "--boots", *words, status=3)
        assert [error["path"] for error in data["errors"]] == paths
        err = run("diff", "--boots", *words, "-q")[2]
        assert [line.split(": ")[:3] for line in err.splitlines()] == [
            ["efipolicy", "error", path] for path in paths
        ]


def test_a_directory_is_as_many_boots_as_it_has_logs(files: Path, run: Run) -> None:
    logs = files / "logs"
    logs.mkdir()
    for name in ("one.log", "two.log", "nothing.txt", "evidence.txt"):
        (files / name).rename(logs / name)
    status, out, err = run("diff", "--boots", "logs")
    assert (status, err) == (1, "efipolicy: note: skipped 2 files without a memory map\n")
    assert out.startswith("logs/one.log -> logs/two.log: ")


def test_findings_of_texts_without_a_map_are_compared(files: Path, run: Run) -> None:
    (files / "more.txt").write_bytes((files / "evidence.txt").read_bytes())
    data = result(run, "evidence.txt", "more.txt", status=3)
    assert data["hibernation"] == "unknown"
    assert [error["path"] for error in data["errors"]] == ["evidence.txt", "more.txt"]
    _, out, err = run("diff", "evidence.txt", "more.txt")
    assert out.startswith("evidence.txt -> more.txt: no regions to compare; no finding new")
    told = "found no memory map, expected one; there is nothing to compare"
    assert err.splitlines() == [
        f"efipolicy: error: {path}: {told}" for path in ("evidence.txt", "more.txt")
    ]
    row = (files / "evidence.txt").read_text().splitlines(keepends=True)[1]
    with (files / "more.txt").open("a") as file:
        file.write(row.replace("7ec", "7fc"))
    assert result(run, "evidence.txt", "more.txt", status=3)["findings"]["new"]


def test_minimal_platforms_leave_the_verdict_open(folder: Path, run: Run) -> None:
    (folder / "minimal.yaml").write_text(MINIMAL)
    data = result(run, "minimal.yaml", "minimal.yaml", status=0)
    assert data["hibernation"] == "unknown"
    assert "nothing says whether the map of minimal.yaml is whole" in data["why"][0]["message"]
