"""The file system a guest boots into: busybox, PID 1, and what a kexec needs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.e2e.packages import Archive

INIT = Path(__file__).with_name("init.sh")


def initramfs(archive: Archive, folder: Path, *, kexec_to: Path | None = None) -> Path:
    """An initramfs; with ``kexec_to`` it holds kexec, that kernel, and an initramfs for it."""
    busybox = archive.package("busybox-static").root / "bin" / "busybox"
    plain = _packed(_root(folder / "root", busybox), folder / "initrd")
    if kexec_to is None:
        return plain
    root = _root(folder / "root-kexec", busybox)
    _copy_kexec(archive.with_dependencies("kexec-tools").root, root)
    shutil.copy(kexec_to, root / "kernel")
    shutil.copy(plain, root / "initrd")
    return _packed(root, folder / "initrd-kexec")


def _root(root: Path, busybox: Path) -> Path:
    (root / "bin").mkdir(parents=True)
    shutil.copy(busybox, root / "bin" / "busybox")
    shutil.copy(INIT, root / "init")
    (root / "init").chmod(0o755)
    return root


def _copy_kexec(unpacked: Path, root: Path) -> None:
    """The program and the shared libraries of the packages it depends on."""
    shutil.copy(unpacked / "sbin" / "kexec", root / "bin" / "kexec")
    for libraries in (unpacked / "lib", unpacked / "usr" / "lib"):
        for file in libraries.rglob("*.so*"):
            if file.is_file() and file.parent.name.endswith("-linux-gnu"):
                target = root / "lib" / file.parent.name / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
    for loader in (*unpacked.glob("lib*/ld-linux*"),):
        target = root / loader.parent.name / loader.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(loader.resolve(), target)


def _packed(root: Path, target: Path) -> Path:
    names = "\0".join(sorted(str(path.relative_to(root)) for path in root.rglob("*")))
    command = ["cpio", "--quiet", "--null", "-o", "-H", "newc", "--owner=0:0", "--reproducible"]
    with target.open("wb") as file:
        subprocess.run(command, cwd=root, input=names.encode(), stdout=file, check=True)
    return target
