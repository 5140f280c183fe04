"""Debian packages for the guests: resolved by name, downloaded, unpacked, never installed.

apt runs with folders of its own and an empty list of installed packages, so that packages of
another architecture need neither root nor a change of the machine, and what a package needs is
downloaded with it. Security updates replace versions: names are resolved at run time, and the
version that was found is part of what is recorded. Tests that run at the same time share a folder:
whoever asks for a package holds its lock until the package is there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

DEBIAN_NAMES = {"x86_64": "amd64", "arm64": "arm64"}


class PackageError(Exception):
    """A package could not be found, downloaded or unpacked."""


@dataclass(frozen=True)
class Package:
    """An unpacked package: ``name``, ``version``, and the folder that is its root."""

    name: str
    version: str
    root: Path

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Archive:
    """The archive for one architecture; ``folder`` keeps downloads between runs."""

    def __init__(self, architecture: str, folder: Path) -> None:
        self._debian = DEBIAN_NAMES[architecture]
        self._folder = folder / self._debian

    @cached_property
    def _environment(self) -> dict[str, str]:
        state, cache = self._folder / "state", self._folder / "cache"
        for needed in (state / "lists" / "partial", cache / "archives" / "partial"):
            needed.mkdir(parents=True, exist_ok=True)
        (state / "status").touch()
        configuration = self._folder / "apt.conf"
        configuration.write_text(
            f'APT::Architecture "{self._debian}";\n'
            f'APT::Architectures {{ "{self._debian}"; }};\n'
            f'Dir::State "{state}";\nDir::State::status "{state}/status";\n'
            f'Dir::Cache "{cache}";\nAPT::Sandbox::User "";\nAcquire::Retries "3";\n'
        )
        environment = {**os.environ, "APT_CONFIG": str(configuration), "LC_ALL": "C"}
        _run(["apt-get", "-q", "update"], environment)
        return environment

    def package(self, name: str) -> Package:
        """The package of that name, unpacked; of a metapackage of kernels, the newest kernel."""
        with self._locked():
            return self._unpacked([self._behind(name)])

    def with_dependencies(self, name: str) -> Package:
        """The package and everything it needs, unpacked over each other."""
        command = ["apt-get", "-qq", "--no-install-recommends", "--print-uris", "install", name]
        with self._locked():
            files = [line.split()[1] for line in self._apt(command).splitlines()]
            others = {file.partition("_")[0] for file in files} - {name}
            return self._unpacked([*sorted(others), name])

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """The folder for one process alone; the lock of one that dies is gone with it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _behind(self, name: str) -> str:
        depends = self._apt(["apt-cache", "depends", "--important", name]).split()
        images = [one for one in depends[1:] if one.startswith("linux-image-")]
        return images[0] if name.startswith("linux-image-") and images else name

    def _unpacked(self, names: Sequence[str]) -> Package:
        """These packages in one folder, named after the last."""
        name = names[-1]
        version = self._version(name)
        root = self._folder / "unpacked" / f"{name}_{version}"
        done = root.with_name(f"{root.name}.done")
        if not done.exists():
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="downloads-", dir=self._folder) as downloads:
                self._apt(["apt-get", "-qq", "download", *names], Path(downloads))
                for file in sorted(Path(downloads).glob("*.deb")):
                    self._apt(["dpkg-deb", "--extract", str(file), str(root)])
            done.touch()
        return Package(name, version, root)

    def _version(self, name: str) -> str:
        shown = self._apt(["apt-cache", "show", "--no-all-versions", name])
        versions = [line.split()[1] for line in shown.splitlines() if line.startswith("Version: ")]
        if not versions:
            raise PackageError(f"apt knows no version of {name}")
        return versions[0]

    def _apt(self, command: Sequence[str], folder: Path | None = None) -> str:
        return _run(command, self._environment, folder)


def installed_version(name: str) -> str:
    """The version of a package that is installed on this machine: QEMU and the firmware."""
    return _run(["dpkg-query", "--show", "--showformat=${Version}", name], dict(os.environ))


def _run(command: Sequence[str], environment: dict[str, str], folder: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PackageError(f"{command[0]} could not be run: {error}") from error
    if done.returncode:
        raise PackageError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
