"""How long linting takes, beside what a user would otherwise run on a file of the same size.

Every figure is the processor time of a whole process, the median of alternating runs, as a ratio
to a peer measured in the same run: the machine may be as noisy as it likes. Run it with
``tox run -e bench``; it ends with status 1 when a target is missed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

TYPES = (
    "EfiConventionalMemory",
    "EfiBootServicesData",
    "EfiRuntimeServicesData",
    "EfiRuntimeServicesCode",
    "EfiReservedMemoryType",
)
FLOOR = (sys.executable, "-c", "pass")
FLEET = 1000
"""Files of a fleet; a tenth of what the target is about, of which every file costs the same."""
MOST_GROWTH = 11
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
"""What a user has whose second run finds the bytecode that the first one wrote."""


class Workload(NamedTuple):
    """A command, the peer it is measured against, and the ratio that must not be exceeded.

    ``rounds`` is for what takes minutes.
    """

    name: str
    command: Sequence[str]
    peer_name: str
    peer: Sequence[str]
    target: float
    rounds: int | None = None


class Run(NamedTuple):
    """Processor seconds of a process, and its peak memory in MiB."""

    seconds: float
    peak: float


def platform_file(descriptors: int) -> str:
    """A platform of so many descriptors, 64 KiB apart."""
    rows = []
    for index in range(descriptors):
        kind = TYPES[index % len(TYPES)]
        runtime = "RUNTIME, " if "Runtime" in kind else ""
        rows.append(
            f"    - {{type: {kind}, physical_start: {index << 16:#x}, pages: 0x10, "
            f"attribute: [{runtime}UC, WC, WT, WB]}}\n"
        )
    return (
        'efipolicy: 1\nplatform: {name: big, architecture: x86_64, uefi: "2.7"}\nmemory_map:\n'
        "  extent: whole\n  origin: firmware\n  descriptors:\n" + "".join(rows)
    )


def log_file(size: int) -> str:
    """A kernel log of so many bytes with one memory map in its middle."""
    banner = "[    0.000000] Linux version 6.12.0 (x86_64-linux-gnu-gcc) #1 SMP\n"
    noise = "".join(
        f"[{second:5}.{second % 997:06}] pci 0000:00:{second % 32:02x}.0: [8086:{second:04x}]\n"
        for second in range(size // 2 // 46)
    )
    cell = "[Conventional Memory|   |  |  |  |  |  |  |  |   |WB|WT|WC|UC]"
    rows = "".join(
        f"[    0.000000] efi: mem{index:02}: {cell} range=[{index << 20:#018x}-"
        f"{(index + 1 << 20) - 1:#018x}] (1MB)\n"
        for index in range(60)
    )
    return banner + noise + rows + noise


def measure(command: Sequence[str]) -> Run:
    """Run a command once."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env=ENVIRONMENT)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def workloads(folder: Path) -> list[Workload]:
    """Every workload with its files written."""
    tool = [str(Path(sys.executable).with_name("efipolicy"))]
    yamllint = [str(Path(sys.executable).with_name("yamllint")), "-d", "relaxed"]
    schema = folder / "schema.json"
    schema.write_bytes(subprocess.check_output([*tool, "schema"]))
    jsonschema = [str(Path(sys.executable).with_name("check-jsonschema")), "--schemafile"]
    fleet = folder / "fleet"
    fleet.mkdir()
    for number in range(FLEET):
        (fleet / f"{number}.yaml").write_text(platform_file(20))
    files = {}
    for count in (10, 50, 500, 5000):
        files[count] = folder / f"{count}.yaml"
        files[count].write_text(platform_file(count))
    log = folder / "dmesg.txt"
    log.write_text(log_file(10 << 20))
    loop = f"n=0\nfor line in open({str(log)!r}):\n  if 'efi' in line: n += 1"
    loop_over = ("a loop over its lines", (sys.executable, "-c", loop))
    lint = {count: (*tool, "lint", str(path)) for count, path in files.items()}
    floor = "python -c pass"
    return [
        Workload("--version", (*tool, "--version"), floor, FLOOR, 2.5),
        Workload("lint, 10 descriptors", lint[10], floor, FLOOR, 6),
        Workload("lint, 10 descriptors", lint[10], "yamllint", (*yamllint, str(files[10])), 0.8),
        Workload("lint, 50 descriptors", lint[50], floor, FLOOR, 6.5),
        Workload("lint, 500 descriptors", lint[500], floor, FLOOR, 12),
        Workload("lint, 500 descriptors", lint[500], "yamllint", (*yamllint, str(files[500])), 0.3),
        Workload(
            "lint, 5,000 descriptors", lint[5000], "yamllint", (*yamllint, str(files[5000])), 0.12
        ),
        Workload(
            "lint, 5,000 descriptors",
            lint[5000],
            "check-jsonschema",
            (*jsonschema, str(schema), str(files[5000])),
            0.12,
        ),
        Workload("lint, 10 MB log", (*tool, "lint", str(log)), *loop_over, 4),
        Workload("import, 10 MB log", (*tool, "import", str(log)), *loop_over, 4),
        Workload(
            f"lint, {FLEET:,} files",
            (*tool, "lint", str(fleet)),
            "yamllint",
            (*yamllint, str(fleet)),
            0.15,
            rounds=1,
        ),
    ]


def growth(folder: Path, rounds: int) -> float:
    """How much more 5,000 descriptors take than 500, start-up subtracted."""
    tool = str(Path(sys.executable).with_name("efipolicy"))
    commands = [(tool, "lint", str(folder / f"{count}.yaml")) for count in (10, 500, 5000)]
    runs = [[measure(command).seconds for command in commands] for _ in range(rounds)]
    return statistics.median((large - start) / (middle - start) for start, middle, large in runs)


def main() -> int:
    """Measure, print a table, and tell whether every target is met."""
    missed = 0
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as name:
        print(
            f"{'workload':<26}{'ms':>8}{'MiB':>6}  {'peer':<24}{'ms':>8}{'ratio':>8}{'target':>8}"
        )
        for workload in workloads(Path(name)):
            if workload.rounds is None:
                measure(workload.command)  # compiles what is not compiled yet
            pairs = [
                (measure(workload.command), measure(workload.peer))
                for _ in range(workload.rounds or rounds)
            ]
            ratio = statistics.median(ours.seconds / peer.seconds for ours, peer in pairs)
            ours = statistics.median(run.seconds for run, _ in pairs) * 1000
            peers = statistics.median(run.seconds for _, run in pairs) * 1000
            peak = max(run.peak for run, _ in pairs)
            late = ratio > workload.target or peak > 64
            missed += late
            print(
                f"{workload.name:<26}{ours:>8.0f}{peak:>6.0f}  {workload.peer_name:<24}"
                f"{peers:>8.0f}{ratio:>8.2f}{workload.target:>8}{'  missed' if late else ''}"
            )
        grown = growth(Path(name), rounds)
        late = grown > MOST_GROWTH
        missed += late
        print(f"500 to 5,000 descriptors: {grown:.1f} times (target {MOST_GROWTH})")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
