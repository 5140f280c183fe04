"""Real machines: what the recommended policy says of them, and what an import changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import ROOT, Run

CAPTURES = ROOT / "tests" / "captures"
TEXTS = sorted(CAPTURES.glob("*.txt"))

FIRES: dict[str, set[tuple[str, str]]] = {
    "03-huawei-d05-linux-arm64": {("UEFI-ATTR-003", "0x3fc00000")},
    "05-apple-intelmac2006-efishell-v1": {
        ("UEFI-ATTR-005", "0xe00f8000"),
        ("UEFI-ATTR-005", "0xfed1c000"),
        ("UEFI-ATTR-005", "0xfffb0000"),
    },
    "07-hp-rx8620-ia64-efishell-v1": {("UEFI-RT-007", "0x723ffbb0000")},
    "10-ami-sandybridge-efishell-v2": {("UEFI-ATTR-005", "0xdbc00000")},
    "11-baytrail-xen414-crash": {("UEFI-ATTR-005", "0xff900000")},
    "13-skylake-xen-openxt": {("UEFI-ATTR-007", "0x7ad00000")},
    "14-nxp-lx2160a-freebsd-arm64": {
        ("UEFI-MAP-001", "0x1e88180"),
        ("UEFI-ATTR-005", "0x1e88180"),
    },
    "18-qualcomm-x1e-linux-arm64-new": {
        ("ARM64-001", "0x81f30000"),
        ("ARM64-003", "0xa7f01000"),
        ("ARM64-003", "0xa7f05000"),
        ("ARM64-003", "0xd5cee000"),
        ("ARM64-003", "0xd5e7e000"),
    },
    "20-uboot-qemu-linux-arm64-64k": {
        ("ARM64-003", "0xffffe000"),
        ("ARM64-003", "0x43dd60000"),
        ("ARM64-003", "0x43ddc1000"),
        ("ARM64-003", "0x43ddc3000"),
        ("ARM64-003", "0x43ddc6000"),
    },
    "31-ampere-emag-linux-arm64-tabs": {("UEFI-ATTR-005", "0x10540000")},
    "32-lenovo-80e3-insyde-linux-x86-raw": {("UEFI-ATTR-005", "0xff800000")},
    "49-memattr-rwx-warnings": {("UEFI-MAT-013", "0xa057a000"), ("UEFI-MAT-013", "0x90000")},
}
"""Errors and warnings by file; what is not listed gives none. 35 is a map that was overwritten."""


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_a_real_map_gives_the_findings_its_machine_deserves(path: Path, run: Run) -> None:
    _, out, _ = run("lint", path, "--format", "json")
    value = json.loads(out)
    grave = [finding for finding in value["findings"] if finding["severity"] != "info"]
    if path.stem.startswith("35-"):
        assert {finding["rule"] for finding in grave} == {"uefi/range-wraps-address-space"}
        assert len(grave) == 27, "one for each of its entries"
        return
    found = {(code, f["region"]["start"]) for f in grave for code in f["requirements"]}
    assert found == FIRES.get(path.stem, set())


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_an_imported_capture_lints_the_same(path: Path, folder: Path, run: Run) -> None:
    def judged(file: Path) -> tuple[object, ...]:
        _, out, _ = run("lint", file, "--policy", "strict", "--format", "json")
        value = json.loads(out)
        kept = ("rule", "severity", "confidence", "responsible", "message", "region")
        item = value["inputs"][0]
        findings = sorted(str([finding[key] for key in kept]) for finding in value["findings"])
        facts = [item[key] for key in ("architecture", "descriptors", "extent", "origin")]
        about_lines = "capture/unreadable-line"  # a platform file has no lines of a log
        unchecked = [n for n in item["checked"]["not_checked"] if n["rule"] != about_lines]
        return findings, facts, unchecked, item["checked"]["failed"]

    status, _, _ = run("import", path, "-o", folder / "imported.yaml")
    assert status == (4 if "riscv64" in path.stem else 0)  # whose plugin is not installed
    assert judged(folder / "imported.yaml") == judged(path)


def test_importing_a_platform_file_gives_it_back(folder: Path, run: Run) -> None:
    path = ROOT / "policies" / "efipolicy_policies" / "platforms" / "broken-x86_64.yaml"
    status, out, _ = run("import", path)
    assert (status, out) == (0, path.read_text())
