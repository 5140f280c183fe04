"""Boot one row of the matrix and keep what it shows, in the form of `tests/recorded`."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import re
import shlex
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.e2e.initramfs import initramfs
from tests.e2e.machine import BootError, Machine
from tests.e2e.matrix import Boot
from tests.e2e.packages import Archive, Package, installed_version
from tests.e2e.walking import walked_page_tables

QEMU = {"x86_64": "qemu-system-x86_64", "arm64": "qemu-system-aarch64"}
QEMU_PACKAGES = {"x86_64": "qemu-system-x86", "arm64": "qemu-system-arm"}
CONSOLES = {"x86_64": "ttyS0", "arm64": "ttyAMA0"}
SECONDS = 300.0
"""A boot takes 3 to 40 seconds on an idle machine; one that takes this long hangs."""
_ABOUT_FIRMWARE = re.compile(
    r"Linux version|ommand line:|efi:|efi_|memattr|EFI |hash table entries|DMI:"
)
_BUILDER = re.compile(r"\([\w.-]+@[\w.-]+\)")
_TIME = re.compile(r"^\[ *\d+\.\d+\]")
_KEPT = ("runtime-map.txt", "page-tables.txt")


def missing_tools(boot: Boot) -> list[str]:
    """The packages that have to be installed before a boot can be tried."""
    needed = {
        QEMU_PACKAGES[boot.architecture]: bool(shutil.which(QEMU[boot.architecture])),
        boot.firmware.package: boot.firmware.code.is_file(),
        "cpio": bool(shutil.which("cpio")),
    }
    return [package for package, there in needed.items() if not there]


class Rig:
    """What boots share: the archives, and a file system for each kernel."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @functools.cache  # noqa: B019 - a rig lives as long as the tests
    def _archive(self, architecture: str) -> Archive:
        return Archive(architecture, self._folder / "packages")

    def boot(self, boot: Boot, target: Path) -> None:
        """Boot, and write what was shown to ``target``; a hang ends as `BootError`."""
        archive = self._archive(boot.architecture)
        kernel = archive.package(boot.kernel)
        (image,) = (kernel.root / "boot").glob("vmlinuz-*")
        with tempfile.TemporaryDirectory(prefix="boot-") as short:
            # The path of a socket has at most 107 bytes.
            work = Path(short)
            initrd = initramfs(archive, work, kexec_to=image if boot.kexec else None)
            variables = work / "variables.fd"
            shutil.copy(boot.firmware.variables, variables)
            command = qemu_command(boot, image, initrd, variables)
            target.mkdir(parents=True, exist_ok=True)
            started = dt.datetime.now(dt.UTC)
            try:
                known = asyncio.run(_booted(boot, command, work / "machine", target))
            except BaseException as error:
                error.add_note(f"the whole console: {self._console_of(boot)}")
                raise
            finally:
                log = work / "machine" / "console.log"
                if log.is_file():
                    console = self._console_of(boot)
                    console.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(log, console)
        _write_provenance(boot, kernel, command, started, known, target)

    def _console_of(self, boot: Boot) -> Path:
        return self._folder / "consoles" / f"{boot.name}.log"


def qemu_command(boot: Boot, kernel: Path, initrd: Path, variables: Path) -> list[str]:
    """The command line of QEMU, without console and monitor."""
    smm = ",smm=on" if boot.firmware.secure else ""
    flash = "if=pflash,format=raw"
    secure = (
        *("-global", "driver=cfi.pflash01,property=secure,value=on"),
        *("-global", "ICH9-LPC.disable_s3=1"),
    )
    return [
        QEMU[boot.architecture],
        *("-machine", f"{boot.machine},accel=tcg{smm}", "-cpu", boot.processor),
        *("-m", boot.memory, "-nodefaults", "-display", "none", "-no-reboot", "-net", "none"),
        *("-drive", f"{flash},unit=0,readonly=on,file={boot.firmware.code}"),
        *("-drive", f"{flash},unit=1,file={variables}"),
        *(secure if boot.firmware.secure else ()),
        *boot.arguments,
        *("-kernel", str(kernel), "-initrd", str(initrd), "-append", command_line(boot)),
    ]


def command_line(boot: Boot) -> str:
    """What the kernel is told, besides what QEMU adds for the stub of x86_64: ``initrd=initrd``."""
    return f"console={CONSOLES[boot.architecture]} {boot.command_line}"


async def _booted(boot: Boot, command: list[str], work: Path, target: Path) -> dict[str, Any]:
    """What is known only now: the options of the strategy of the second kernel."""
    known: dict[str, Any] = {}
    async with Machine(command, work, seconds=SECONDS) as machine:
        await _keep(boot, machine, target)
        if boot.kexec:
            await machine.say(f"kexec {boot.kexec} {command_line(boot)}")
            files = await _keep(boot, machine, target / "second-kernel")
            known["second_kernel"] = {"options": second_kernel_options(boot, files)}
        await machine.say("off")
        await machine.powered_off()
    return known


async def _keep(boot: Boot, machine: Machine, target: Path) -> dict[str, bytes]:
    files = await machine.files()
    target.mkdir(parents=True, exist_ok=True)
    (target / "log.txt").write_text(about_firmware(files["log.txt"].decode("utf-8", "replace")))
    for name in _KEPT:
        if files.get(name):
            (target / name).write_bytes(files[name])
    if "walked-page-tables" in boot.shows:
        symbols = files["symbols.txt"].decode()
        await machine.monitor("stop")
        walked = await walked_page_tables(machine, symbols, boot.page_size)
        await machine.monitor("cont")
        (target / "walked-page-tables.txt").write_text(walked)
    return files


def second_kernel_options(boot: Boot, files: dict[str, bytes]) -> list[str]:
    """What is different for the kernel that kexec reached.

    On x86_64 it does not apply the Memory Attributes Table, and what it maps 1:1 besides the
    regions is the memory map it was handed, where ``struct efi_info`` of its boot parameters says.
    """
    if boot.architecture != "x86_64":
        return []
    low, size, _, high = struct.unpack_from("<4I", files["boot-params"], 0x1D0)
    start = (high << 32 | low) & ~0xFFF
    end = (high << 32 | low) + size + 0xFFF & ~0xFFF
    return [*boot.options, "memory_attributes=false", f"svam_buffer=[{start:#x}, {end:#x}]"]


def about_firmware(log: str) -> str:
    """The lines of a kernel log that are about firmware, or tell what a kernel chose by.

    Their times are made equal: no boot has those of another, and nothing here depends on them.
    """
    kept = [line.rstrip() for line in log.splitlines() if _ABOUT_FIRMWARE.search(line)]
    if not kept:
        raise BootError("the guest's log has no line about firmware")
    kept = [_TIME.sub("[    0.000000]", _BUILDER.sub("(builder)", line)) for line in kept]
    return "\n".join(kept) + "\n"


def _write_provenance(
    boot: Boot,
    kernel: Package,
    command: list[str],
    started: dt.datetime,
    known: dict[str, Any],
    target: Path,
) -> None:
    """``boot.yaml``: enough to make the boot again."""
    qemu = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=True)
    paths = {word for word in command if word.startswith("/")}
    shown = [Path(word).name if word in paths else word for word in command]
    shown = [re.sub(r"file=/\S*/(?=variables\.fd)", "file=", word) for word in shown]
    package = boot.firmware.package
    told = {
        "about": boot.about,
        "architecture": boot.architecture,
        "firmware": f"{package} {installed_version(package)}",
        "kernel": str(kernel),
        "qemu": qemu.stdout.splitlines()[0],
        "command": shlex.join(shown),
        "kexec": boot.kexec,
        "date": f"{started:%Y-%m-%d}",
        "strategy": boot.strategy,
        "options": list(boot.options),
        "shows": sorted(boot.shows),
        **known,
    }
    yaml = YAML()
    yaml.width = 4096
    with (target / "boot.yaml").open("w") as file:
        yaml.dump({key: value for key, value in told.items() if value or key == "shows"}, file)
