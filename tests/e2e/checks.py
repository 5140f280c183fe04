"""What a boot must confirm, whether it was recorded or has just run.

Every check returns how much it compared; none passes by having compared nothing. What a kernel
printed is read here with a few lines of its own, so that a reader of efipolicy that loses an entry
is found out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

Run = Callable[..., tuple[int, str, str]]

RECORDED = Path(__file__).parents[1] / "recorded"
_PRINTED = re.compile(
    r"efi: mem(?P<number>\d+): .*range=\[0x(?P<start>[0-9a-f]+)-0x(?P<last>[0-9a-f]+)\]"
    r"|efi:   0x(?P<fdt_start>[0-9a-f]+)-0x(?P<fdt_last>[0-9a-f]+) \["
)
"""A descriptor as x86 prints it, and as kernels do that find their map in a device tree."""
_INSTALLED = re.compile(r"phys=(0x[0-9a-f]+) virt=(0x[0-9a-f]+) pages=(0x[0-9a-f]+)")
_ROW = re.compile(r"^0x[0-9a-f]{16}-0x[0-9a-f]{16} ", re.MULTILINE)
KNOWN_ONLY_AFTERWARDS = (
    "the list handed to SetVirtualAddressMap",
    "the kernel's own image, taken out of the 1:1 map and protected in it",
)
"""What no log tells, and so what may be explained and not compared."""


@dataclass(frozen=True)
class Shown:
    """A folder with what a boot showed: ``boot.yaml``, ``log.txt`` and what goes with them."""

    folder: Path

    @cached_property
    def about(self) -> dict[str, Any]:
        """How the boot was made, and what its kernel chose."""
        about: dict[str, Any] = YAML(typ="safe", pure=True).load(self.folder / "boot.yaml")
        return about

    @property
    def log(self) -> Path:
        """The lines of the kernel's log that are about firmware."""
        return self.folder / "log.txt"

    @property
    def second(self) -> Path:
        """What the kernel showed that was reached by kexec."""
        return self.folder / "second-kernel"

    def has(self, name: str) -> bool:
        """Whether the boot showed that."""
        return (self.folder / name).is_file()

    @property
    def strategy(self) -> list[str]:
        """The strategy of the first kernel, as arguments of a command."""
        return ["--strategy", self.about["strategy"], *_options(self.about.get("options", ()))]

    @property
    def second_strategy(self) -> list[str]:
        """The strategy of the kernel that kexec reached, with what is different for its tables."""
        options = self.about.get("second_kernel", {}).get("options", ())
        return ["--strategy", self.about["strategy"], *_options(options)]


def _options(options: Sequence[str]) -> list[str]:
    return [word for option in options for word in ("--option", option)]


def printed_map(log: str) -> list[tuple[int, int]]:
    """Start and exclusive end of each descriptor of the first map that a log prints."""
    found: list[tuple[int, int]] = []
    for match in _PRINTED.finditer(log):
        if found and match["number"] and not int(match["number"]):
            break  # x86 prints the map once more, with what the kernel made of it
        start, last = match["start"] or match["fdt_start"], match["last"] or match["fdt_last"]
        found.append((int(start, 16), int(last, 16) + 1))
    return found


def imported(run: Run, shown: Shown) -> int:
    """`import` of the log is the map that the kernel printed."""
    status, text, errors = run("import", shown.log)
    assert status == 0, errors
    platform = YAML(typ="safe", pure=True).load(text)
    descriptors = [
        (int(one["physical_start"]), int(one["physical_start"]) + int(one["pages"]) * 4096)
        for one in platform["memory_map"]["descriptors"]
    ]
    assert descriptors == printed_map(shown.log.read_text())
    return len(descriptors)


def predicted(run: Run, log: Path, observed: Path, words: Sequence[str]) -> int:
    """`verify` confirms every address or every row of what a kernel installed."""
    status, text, errors = run("verify", log, observed, *words, "--format", "json")
    found = json.loads(text)
    assert (status, found["status"], found["mismatches"]) == (0, "match", []), errors or text
    for one in found["explained"]:
        assert one["why"].startswith(KNOWN_ONLY_AFTERWARDS), one
    compared: int = found["compared"]
    return compared


def addresses(run: Run, shown: Shown) -> int:
    """Each entry of the runtime map lies where it was predicted."""
    observed = shown.folder / "runtime-map.txt"
    compared = predicted(run, shown.log, observed, shown.strategy)
    assert compared == len(_INSTALLED.findall(observed.read_text()))
    return compared


def tables(run: Run, shown: Shown, name: str = "walked-page-tables.txt") -> int:
    """Each row of the page tables has the address, leaf size, access and cache predicted."""
    compared = predicted(run, shown.log, shown.folder / name, shown.strategy)
    if name.startswith("walked"):
        assert compared == len(_ROW.findall((shown.folder / name).read_text()))
    return compared


def attributes_table(run: Run, shown: Shown) -> int:
    """Without the Memory Attributes Table the prediction fails, in access and in nothing else."""
    words = [*shown.strategy, "--option", "memory_attributes=false", "--format", "json"]
    observed = shown.folder / "walked-page-tables.txt"
    status, text, errors = run("verify", shown.log, observed, *words)
    found = json.loads(text)
    assert (status, found["status"]) == (1, "mismatch"), errors
    assert {one["what"] for one in found["mismatches"]} == {"access"}
    return len(found["mismatches"])


def altered_address(run: Run, shown: Shown, folder: Path) -> int:
    """One virtual address that is altered is the one mismatch, and it is named."""
    text = (shown.folder / "runtime-map.txt").read_text()
    physical, virtual, _ = _INSTALLED.findall(text)[-1]
    assert text.count(f"phys={physical} virt={virtual}") == 1
    others = f"phys={physical} virt={int(virtual, 16) ^ 0x4000_0000:#x}"
    (folder / "altered.txt").write_text(text.replace(f"phys={physical} virt={virtual}", others))
    words = [*shown.strategy, "--format", "json"]
    status, told, _ = run("verify", shown.log, folder / "altered.txt", *words)
    found = json.loads(told)
    assert (status, found["status"]) == (1, "mismatch")
    (one,) = found["mismatches"]
    assert (one["what"], one["physical_start"]) == ("address", physical)
    return 1


def altered_rows(run: Run, shown: Shown, folder: Path) -> int:
    """A row of the page tables whose access or frame is altered is named, and one that is gone."""
    compared = 0
    for kernel, words in ((shown.folder, shown.strategy), (shown.second, shown.second_strategy)):
        observed = kernel / "walked-page-tables.txt"
        if not observed.is_file():
            continue
        text = observed.read_text()
        rows = [row for row in text.splitlines() if " RW NX" in row]
        for row in (rows[len(rows) // 2], rows[-1]):
            start, frame = int(row.partition("-")[0], 16), row.split()[1]
            for what, other in (
                ("access", row.replace(" RW NX", " ro NX")),
                ("address", row.replace(f" {frame} ", f" {int(frame, 16) ^ 1 << 33:#014x} ")),
                ("missing", ""),
            ):
                assert other != row
                (folder / "altered.txt").write_text(text.replace(row, other))
                arguments = ("verify", shown.log, folder / "altered.txt", *words, "--format=json")
                status, told, _ = run(*arguments)
                found = json.loads(told)
                assert (status, found["status"]) == (1, "mismatch")
                assert (what, f"{start:#x}") in [
                    (one["what"], one["virtual_start"]) for one in found["mismatches"]
                ]
                compared += 1
    return compared


def kexec(run: Run, shown: Shown) -> int:
    """The second kernel keeps the addresses of the first, and `kexec` had said so."""
    strategy = shown.about["strategy"]
    status, text, errors = run(
        "kexec", shown.log, "--chain", f"{strategy},{strategy}", "--format", "json"
    )
    assert status == 0, errors
    said = json.loads(text)
    assert [said["verdict"], *(hop["verdict"] for hop in said["hops"])] == ["ok", "ok"]
    compared = 0
    if (shown.second / "runtime-map.txt").is_file():
        first, second = (
            set(_INSTALLED.findall((folder / "runtime-map.txt").read_text()))
            for folder in (shown.folder, shown.second)
        )
        assert first
        assert first == second
        compared += predicted(run, shown.log, shown.second / "runtime-map.txt", shown.strategy)
    observed = shown.second / "walked-page-tables.txt"
    rows = predicted(run, shown.log, observed, shown.second_strategy)
    assert rows == len(_ROW.findall(observed.read_text()))
    return compared + rows


def linted(run: Run, shown: Shown) -> int:
    """What `lint` finds in firmware is explained in the documentation, or a bug of ours."""
    rules, passed = findings(run, shown)
    assert rules <= explained_findings().keys()
    return passed


def findings(run: Run, shown: Shown) -> tuple[set[str], int]:
    """The rules that speak of a boot under the policy `strict`, and how many pass."""
    status, text, errors = run("lint", shown.log, "--policy", "strict", "--format", "json")
    assert status in (0, 1), errors
    report = json.loads(text)
    passed: int = report["inputs"][0]["checked"]["passed"]
    return {finding["rule"] for finding in report["findings"]}, passed


def from_memory(run: Run, shown: Shown, folder: Path) -> int:
    """A boot without efi=debug prints no map: map and table come from the guest's memory."""
    platform: dict[str, Any] = {}
    for name in ("memory-attributes-table.hex", "memory-map.hex"):
        architecture = ("--arch", shown.about["architecture"])
        status, text, errors = run("import", shown.folder / name, *architecture)
        assert status == 0, errors
        platform |= YAML(typ="safe", pure=True).load(text)
    assert platform["memory_attributes_table"]["entries"]
    YAML().dump(platform, folder / "platform.yaml")
    observed = shown.folder / "walked-page-tables.txt"
    return predicted(run, folder / "platform.yaml", observed, shown.strategy)


def without_services(run: Run, shown: Shown) -> int:
    """A kernel with efi=noruntime installs nothing, and `plan` says that it calls nothing."""
    assert not shown.has("runtime-map.txt")
    status, _, errors = run("plan", shown.log)
    assert status == 2
    assert "its kernel calls no runtime service" in errors
    return 1


def explained_findings() -> dict[str, str]:
    """What each rule that real firmware does not pass says of it; shown in the documentation."""
    findings: dict[str, str] = YAML(typ="safe", pure=True).load(RECORDED / "findings.yaml")
    return findings


def applicable(shown: Shown) -> dict[str, Callable[[Run, Shown, Path], int]]:
    """The checks of a boot, by name: what it was to show decides, not what it did show."""
    shows = set(shown.about["shows"])
    found: dict[str, Callable[[Run, Shown, Path], int]] = {}
    if "memory-of-the-guest" in shows:
        return {"from_memory": from_memory}
    if "memory-map" in shows:
        found["imported"] = lambda run, shown, _: imported(run, shown)
        found["linted"] = lambda run, shown, _: linted(run, shown)
    else:
        found["without_services"] = lambda run, shown, _: without_services(run, shown)
    if "runtime-map" in shows:
        found["addresses"] = lambda run, shown, _: addresses(run, shown)
        found["altered_address"] = altered_address
    for name in ("walked-page-tables", "page-tables"):
        if name in shows:
            found[name] = lambda run, shown, _, name=name: tables(run, shown, f"{name}.txt")
    if "walked-page-tables" in shows:
        found["altered_rows"] = altered_rows
    if "memory-attributes-table" in shows:
        found["attributes_table"] = lambda run, shown, _: attributes_table(run, shown)
    if shown.about.get("kexec"):
        found["kexec"] = lambda run, shown, _: kexec(run, shown)
    return found
