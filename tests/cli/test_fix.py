"""``lint --fix``, ``--unsafe`` and ``--diff``: files, streams, statuses."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from pathlib import Path

import pytest

from efipolicy.cli import fixing
from efipolicy.source import SourceText
from tests.conftest import MINIMAL, Run

WRITTEN = """\
# A platform somebody keeps by hand.
efipolicy: 1
platform: {name: by-hand, architecture: x86_64, uefi: "2.7"}   # quoted

memory_map:
  extent: whole
  origin: firmware
  descriptors:
    # low memory
    - {type: EfiConventionalMemory,  physical_start: 0x0000_0000, pages: 0xA0,  attribute: [UC, WC, WT, WB]}           # 0
    - {type: "EfiACPIMemoryNVS",     physical_start: 0x0010_0000, pages: 0x10,  attribute: [RUNTIME, UC, WC, WT, WB]}  # 1
    - {type: EfiConventionalMemory,  physical_start: 0x0020_0000, pages: 0x0,   attribute: [UC, WC, WT, WB]}           # 2

    # firmware
    - {type: 0xA,                    physical_start: 0x0030_0000, pages: 0x010, attribute: 0x8000_0000_0000_000F}      # 3
    - {type: EfiRuntimeServicesCode, physical_start: 0x7EC0_0000, pages: 256,   attribute: [RUNTIME, 'WB']}            # 4
    - type: EfiACPIReclaimMemory     # written out
      physical_start: 0x7FC0_0000
      pages: 0x10
      attribute:
        - RUNTIME                    # asked for by the vendor
        - WB

memory_attributes_table:
  version: 1
  entries: [ {type: EfiRuntimeServicesCode, physical_start: 0x7EC0_0000, pages: 256, attribute: [RUNTIME, RO, WB]} ]
"""  # noqa: E501 - a table

FIXED = (
    WRITTEN.replace(
        "0x10,  attribute: [RUNTIME, UC, WC, WT, WB]}",
        "0x10,  attribute: [UC, WC, WT, WB]}         ",
    )
    .replace("0x8000_0000_0000_000F}", "0xF}                  ")
    .replace("        - RUNTIME                    # asked for by the vendor\n", "")
    .replace("[RUNTIME, RO, WB]", "[RUNTIME, RO]")
    .replace(WRITTEN.splitlines(keepends=True)[11], "")
)

CAPTURE = """\
[    0.000000] efi: EFI v2.70 by EDK II
efi: mem00: [ACPI Mem NVS|RUN|  |  |  |   |WB|WT|WC|UC] range=[0x0000000000100000-0x1fffff] (1MB)
efi: mem01: [Conventional|   |  |  |  |   |WB|WT|WC|UC] range=[0x0000000000200000-0x2fffff] (1MB)
"""

UNSAFE = MINIMAL.replace("EfiConventionalMemory", "EfiRuntimeServicesCode")
LINUX = ("--policy", "strict", "--select", "linux/runtime-code*")


@pytest.fixture
def file(folder: Path) -> Path:
    path = folder / "p.yaml"
    path.write_text(WRITTEN)
    return path


def test_only_the_reported_spans_change_and_a_second_run_changes_nothing(
    file: Path, run: Run
) -> None:
    before = json.loads(run("lint", "p.yaml", "--format", "json")[1])["findings"]
    edits = [edit for found in before if found["fix"] for edit in found["fix"]["edits"]]
    status, out, err = run("lint", "--fix", "p.yaml")
    assert file.read_text() == FIXED
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "fixed 5 findings in 1 file"
    reported = {line for e in edits for line in range(e["line"], e["end_line"] + 1)}
    gone = {n for n, line in enumerate(WRITTEN.splitlines(), 1) if line not in FIXED.splitlines()}
    assert gone <= reported
    time = file.stat().st_mtime_ns
    status, out, _ = run("lint", "--fix", "p.yaml")
    assert (status, out.splitlines()[-1]) == (0, "nothing was fixed")
    assert (file.read_text(), file.stat().st_mtime_ns) == (FIXED, time)


def test_the_edits_in_the_report_are_the_edits_that_are_made(file: Path, run: Run) -> None:
    found = json.loads(run("lint", "p.yaml", "--format", "json")[1])["findings"]
    lines = WRITTEN.splitlines(keepends=True)
    edits = [edit for item in found if item["fix"] for edit in item["fix"]["edits"]]
    assert {item["fix"]["safety"] for item in found if item["fix"]} == {"safe"}

    def offset(line: int, column: int) -> int:
        return sum(map(len, lines[: line - 1])) + column - 1

    text = WRITTEN
    for edit in sorted(edits, key=lambda e: (e["line"], e["column"]), reverse=True):
        start = offset(edit["line"], edit["column"])
        end = offset(edit["end_line"], edit["end_column"])
        text = text[:start] + edit["replacement"] + text[end:]
    assert text == FIXED


def test_the_report_says_what_can_be_fixed(file: Path, run: Run) -> None:
    _, out, _ = run("lint", "p.yaml")
    assert out.splitlines()[-1] == "[*] 5 fixable with --fix"
    assert out.count(" [*]: ") == 5
    (file.parent / "q.yaml").write_text(UNSAFE)
    assert run("lint", "q.yaml", *LINUX)[1].splitlines()[-1] == "1 fixable with --fix --unsafe"
    _, out, _ = run("lint", "--policy", "strict")
    assert out.splitlines()[-1] == "[*] 5 fixable with --fix (1 more with --unsafe)"


def test_an_unsafe_fix_wants_to_be_asked_for(folder: Path, run: Run) -> None:
    path = folder / "q.yaml"
    path.write_text(UNSAFE)
    status, out, _ = run("lint", "--fix", "q.yaml", *LINUX)
    assert (status, path.read_text()) == (1, UNSAFE)
    assert out.splitlines()[-1] == "nothing was fixed (1 more with --unsafe)"
    status, out, _ = run("lint", "--fix", "--unsafe", "q.yaml", *LINUX)
    assert (status, path.read_text()) == (0, UNSAFE.replace("[WB]", "[RUNTIME, WB]"))
    assert out.splitlines()[-1] == "fixed 1 finding in 1 file"


def test_the_status_and_the_report_are_about_what_remains(file: Path, run: Run) -> None:
    file.write_text(WRITTEN.replace("0x0030_0000", "0x0030_0100"))
    status, out, _ = run("lint", "--fix", "p.yaml", "--format", "json")
    rules = [found["rule"] for found in json.loads(out)["findings"]]
    assert status == 1
    assert rules == ["uefi/misaligned-physical-start"]


def test_a_diff_is_printed_and_nothing_is_written(file: Path, run: Run) -> None:
    status, out, err = run("lint", "--diff", "p.yaml")
    assert (status, file.read_text()) == (1, WRITTEN)
    assert out.startswith("--- p.yaml\n+++ p.yaml\n@@ ")
    lines = out.splitlines()
    assert sum(line.startswith("-") and not line.startswith("---") for line in lines) == 5
    assert err == "would fix 5 findings in 1 file\n"
    assert run("lint", "--diff", "--fix", "p.yaml")[0] == 1
    assert file.read_text() == WRITTEN
    status, out, _ = run("lint", "--diff", "p.yaml", "-o", "p.diff")
    assert (status, out) == (1, "")
    assert (file.parent / "p.diff").read_text().startswith("--- p.yaml\n")


def test_without_a_difference_a_diff_is_empty_and_its_status_0(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(MINIMAL)
    assert run("lint", "--diff", "p.yaml") == (0, "", "nothing to fix\n")
    (folder / "q.yaml").write_text(UNSAFE)
    assert run("lint", "--diff", "q.yaml", *LINUX) == (
        0,
        "",
        "nothing to fix (1 more with --unsafe)\n",
    )
    assert run("lint", "--diff", "--unsafe", "q.yaml", *LINUX)[0] == 1
    (folder / "bad.yaml").write_text(MINIMAL.replace("pages", "pagess"))
    status, _, err = run("lint", "--diff", "q.yaml", "bad.yaml")
    assert status == 3
    assert "unknown key `pagess`" in err


def test_a_diff_shows_a_last_line_without_an_end(folder: Path, run: Run) -> None:
    text = MINIMAL.replace("[WB]", "[RUNTIME, WB]").replace("EfiConv", "EfiACPIMemoryNVS#")
    text = text.replace("#entionalMemory", "").rstrip("\n")
    (folder / "p.yaml").write_text(text)
    _, out, _ = run("lint", "--diff", "p.yaml")
    old, new = out.splitlines()[-4], out.splitlines()[-2]
    assert (old[1:], new[1:]) == (
        text.splitlines()[-1],
        text.splitlines()[-1].replace("RUNTIME, ", ""),
    )
    assert out.count("\n\\ No newline at end of file\n") == 2


@pytest.mark.parametrize(
    "content",
    [
        WRITTEN.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + WRITTEN.encode(),
        b"\xff\xfe" + WRITTEN.replace("\n", "\r\n").encode("utf-16-le"),
        WRITTEN.rstrip("\n").encode(),
    ],
    ids=["CRLF", "BOM", "UTF-16", "no last line end"],
)
def test_line_ends_and_encoding_survive(file: Path, run: Run, content: bytes) -> None:
    file.write_bytes(content)
    assert run("lint", "--fix", "p.yaml")[0] == 0
    fixed = file.read_bytes()
    mark = 2 if content.startswith(b"\xff\xfe") else 0
    encoding = "utf-16-le" if mark else "utf-8"
    was = content[mark:].decode(encoding)
    now = fixed[mark:].decode(encoding)
    ending = "\r\n" if "\r\n" in was else "\n"
    expected = FIXED.replace("\n", ending)
    assert now.lstrip("\ufeff") == (expected if was.endswith("\n") else expected.rstrip("\n"))
    assert fixed[:3] == content[:3]


def test_a_capture_is_never_changed(folder: Path, run: Run) -> None:
    path = folder / "dmesg.txt"
    path.write_text(CAPTURE)
    status, out, err = run("lint", "--fix", "dmesg.txt")
    assert (status, path.read_text()) == (1, CAPTURE)
    assert "dmesg.txt: 1 finding not fixed: a capture is evidence" in err
    assert "uefi/runtime-bit-on-acpi-memory" in out
    assert out.splitlines()[-1] == "nothing was fixed"
    _, out, _ = run("lint", "dmesg.txt", "--format", "json")
    assert [found["fix"] for found in json.loads(out)["findings"]] == [None] * 2
    assert "[*]" not in run("lint", "dmesg.txt")[1]
    assert run("lint", "--diff", "dmesg.txt")[:2] == (0, "")


def test_what_someone_accepted_stays(file: Path, run: Run) -> None:
    accept = "accept: [{rule: uefi/runtime-bit-on-acpi-memory, at: 0x100000, reason: known}]\n"
    file.write_text(WRITTEN + accept)
    run("lint", "--fix", "p.yaml")
    assert "[RUNTIME, UC, WC, WT, WB]" in file.read_text()
    assert "0x8000_0000_0000_000F" not in file.read_text()


class Stream(io.TextIOWrapper):
    """A standard stream of bytes."""

    def __init__(self, content: bytes = b"") -> None:
        self.bytes = io.BytesIO(content)
        super().__init__(self.bytes, encoding="utf-8", newline="")


@pytest.mark.parametrize("text", [WRITTEN, WRITTEN.replace("\n", "\r\n")])
def test_the_standard_input_goes_fixed_to_the_output_and_the_report_aside(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    content = b"\xef\xbb\xbf" + text.encode()
    (folder / "named.yaml").write_text("untouched")
    output = Stream()
    monkeypatch.setattr(sys, "stdin", Stream(content))
    monkeypatch.setattr(sys, "stdout", output)
    status, _, err = run("lint", "--fix", "-", "--stdin-filename", "named.yaml")
    fixed = FIXED.replace("\n", "\r\n") if "\r" in text else FIXED
    assert output.bytes.getvalue() == b"\xef\xbb\xbf" + fixed.encode()
    assert status == 0
    assert "linted named.yaml" in err
    assert err.endswith("fixed 5 findings in 1 file\n")
    assert (folder / "named.yaml").read_text() == "untouched"


@pytest.mark.parametrize(
    "content", [MINIMAL.encode(), CAPTURE.encode(), MINIMAL.encode() + b"#\xff"]
)
def test_a_standard_input_that_is_not_changed_comes_out_as_it_is(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    output = Stream()
    monkeypatch.setattr(sys, "stdin", Stream(content))
    monkeypatch.setattr(sys, "stdout", output)
    _, _, err = run("lint", "--fix", "-")
    assert output.bytes.getvalue() == content
    assert "nothing was fixed" in err


def test_a_standard_input_that_is_not_understood_comes_out_as_it_is(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = Stream()
    content = b"efipolicy: 1\nplatform: {\n"
    monkeypatch.setattr(sys, "stdin", Stream(content))
    monkeypatch.setattr(sys, "stdout", output)
    status, _, err = run("lint", "--fix", "-")
    assert (status, output.bytes.getvalue()) == (3, content)
    assert "not linted <stdin>" in err


def test_a_pipe_is_no_file_to_write(folder: Path, run: Run) -> None:
    reading, writing = os.pipe()
    os.write(writing, WRITTEN.encode())
    os.close(writing)
    status, out, _ = run("lint", "--fix", f"/dev/fd/{reading}")
    os.close(reading)
    assert status == 2
    assert "it is no file" in out


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("lint --unsafe p.yaml", "--unsafe says how to fix; add --fix or --diff"),
        ("lint --diff --format json p.yaml", "--diff prints a unified diff and no report"),
        ("lint --fix - p.yaml", "the standard input is fixed on its own"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    file: Path, run: Run, line: str, why: str
) -> None:
    status, _, err = run(*line.split())
    assert status == 2
    assert why in err
    assert file.read_text() == WRITTEN


def test_the_mode_of_a_file_and_a_link_to_it_stay(file: Path, run: Run) -> None:
    file.chmod(0o640)
    (file.parent / "link.yaml").symlink_to("p.yaml")
    run("lint", "--fix", "link.yaml")
    assert (file.parent / "link.yaml").is_symlink()
    assert file.read_text() == FIXED
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(os.listdir(file.parent)) == ["link.yaml", "p.yaml"]


def test_a_file_that_cannot_be_written_is_an_error_and_stays_whole(
    file: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    (file.parent / "q.yaml").write_text(MINIMAL)
    status, out, _ = run("lint", "--fix", "p.yaml", "q.yaml")
    assert status == 2
    assert "cannot write p.yaml: no space left on device" in out
    assert "linted q.yaml" in out
    assert "[*]: " in out, "what was not fixed is still reported"
    assert out.splitlines()[-1] == "nothing was fixed"
    assert file.read_text() == WRITTEN
    assert sorted(os.listdir(file.parent)) == ["p.yaml", "q.yaml"]
    monkeypatch.undo()
    monkeypatch.chdir(file.parent)
    monkeypatch.setattr(os, "access", lambda *_: False)
    status, out, _ = run("lint", "--fix", "p.yaml", "--format", "json")
    assert status == 2
    assert json.loads(out)["errors"][0]["message"] == "cannot write p.yaml: permission denied"
    assert len([found for found in json.loads(out)["findings"] if found["fix"]]) == 5


def test_a_file_that_does_not_come_out_as_it_went_in_is_not_fixed(file: Path, run: Run) -> None:
    for content in (WRITTEN.encode() + b"# \xe4\n", WRITTEN.encode() + b"# \x00\n"):
        file.write_bytes(content)
        status, _, err = run("lint", "--fix", "p.yaml")
        assert (status, file.read_bytes()) == (1, content)
        assert "p.yaml: not fixed: it holds bytes that are not text" in err


def test_a_file_that_changes_while_it_is_linted_is_not_overwritten(
    file: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = fixing._replaced

    def late(path: str, old: SourceText, new: SourceText) -> bool:
        Path(path).write_text("newer")
        return honest(path, old, new)

    monkeypatch.setattr(fixing, "_replaced", late)
    status, _, err = run("lint", "--fix", "p.yaml")
    assert (status, file.read_text()) == (1, "newer")
    assert "was changed in the meantime" in err


def test_a_refused_fix_is_told_and_the_others_are_made(file: Path, run: Run) -> None:
    first = "    - {type: EfiConventionalMemory,  physical_start: 0x0000_0000"
    gap = WRITTEN.replace("  descriptors:", "  missing: [[9, 9]]\n  descriptors:")
    assert first in gap
    file.write_text(gap)
    status, out, err = run("lint", "--fix", "p.yaml")
    assert status == 1
    assert "p.yaml:13:74: uefi/zero-pages was not fixed: `missing` counts the indices" in err
    assert out.splitlines()[-1] == "fixed 4 findings in 1 file"


def test_many_files_are_fixed_in_one_run(folder: Path, run: Run) -> None:
    for name in ("a.yaml", "b.yaml"):
        (folder / name).write_text(WRITTEN)
    (folder / "c.txt").write_text(CAPTURE)
    (folder / "notes.txt").write_text("nothing of ours\n")
    status, out, _ = run("lint", "--fix")
    assert status == 1
    assert out.splitlines()[-1] == "fixed 10 findings in 2 files"
    assert (folder / "notes.txt").read_text() == "nothing of ours\n"
