"""The inputs that paths of a command line name."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from typing import Final

from efipolicy.errors import EfipolicyError
from efipolicy.source import InputError

STDIN: Final = "-"

_NUMBERED: Final = ("runtime-map", "memmap")
_EFI_FILES: Final = ("systab", "fw_platform_size", "config_table")
_BELOW_FIRMWARE: Final = (
    *(("efi", name) for name in ("runtime-map", *_EFI_FILES)),
    ("memmap", "0", "start"),
)
"""By these a folder called ``firmware`` is told from one of sources."""


def shown_path(path: str) -> str:
    """A path as reports show it: relative to the working directory, with ``/``."""
    try:
        path = os.path.relpath(path)
    except ValueError:  # another drive
        path = os.path.normpath(path)
    return path.replace(os.sep, "/")


class Inputs:
    """What paths name: inputs with whether each was named itself, what is passed over, errors.

    A directory is walked in sorted order, hidden entries and what ``exclude`` tells left out, and
    links to directories not followed; a pattern is expanded. A folder of sysfs, such as a copy of
    ``/sys/firmware/efi``, is one input. What is named twice, in whatever spelling, counts once; a
    link counts beside what it leads to.
    """

    def __init__(self, paths: Iterable[str], exclude: Callable[[str], bool] | None = None) -> None:
        self.exclude = exclude
        self.found: dict[str, bool] = {}
        self._spelled: dict[str, str] = {}
        self._folders: dict[str, str] = {}
        self.skipped: list[str] = []
        self.errors: list[EfipolicyError] = []
        for path in paths:
            if path != STDIN and os.path.isdir(path):
                self._walk(path)
            elif path == STDIN or os.path.exists(path):
                self.found[self._once(path)] = True
            else:
                # Without a match the pattern is a name, and opening it tells what is wrong.
                self.found.update((self._once(match), True) for match in _matches(path) or [path])

    def _walk(self, folder: str) -> None:
        before = len(self.found) + len(self.skipped) + len(self.errors)
        for parent, folders, files in os.walk(folder, onerror=self._unreadable):
            if _is_of_sysfs(parent, folders, files):
                self.found.setdefault(self._once(os.path.normpath(parent)), parent == folder)
                folders.clear()
                continue
            folders[:] = sorted(name for name in folders if self._is_wanted(parent, name))
            links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
            self.skipped += [os.path.normpath(os.path.join(parent, name)) for name in links]
            for name in sorted(files):
                path = os.path.normpath(os.path.join(parent, name))
                if not self._is_wanted(parent, name):
                    continue
                if os.path.isfile(path) or not os.path.exists(path):
                    self.found.setdefault(self._once(path), False)
                else:
                    self.skipped.append(path)  # a pipe or a device might never end
        if before == len(self.found) + len(self.skipped) + len(self.errors):
            expected = "platform files or captures"
            if self.exclude:
                expected += " that the configuration does not exclude"
            self.errors.append(InputError(folder, "a directory with nothing in it", expected))

    def _once(self, path: str) -> str:
        """The spelling in which an input was named first."""
        folder, name = os.path.split(path)
        if path == STDIN:
            return path
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder or ".")
        return self._spelled.setdefault(os.path.join(self._folders[folder], name), path)

    def _is_wanted(self, parent: str, name: str) -> bool:
        if name.startswith("."):
            return False
        return self.exclude is None or not self.exclude(os.path.join(parent, name))

    def _unreadable(self, problem: OSError) -> None:
        reason = (problem.strerror or str(problem)).lower()
        path = shown_path(str(problem.filename))
        self.errors.append(InputError(path, reason, "a readable directory"))


def _is_of_sysfs(parent: str, folders: Collection[str], files: Collection[str]) -> bool:
    """Whether a folder is one that Linux shows firmware's tables in, or the one above two such."""
    name = os.path.basename(os.path.normpath(parent))
    if name in _NUMBERED and "0" in folders:
        return any(os.path.lexists(os.path.join(parent, "0", one)) for one in ("type", "start"))
    if "runtime-map" in folders or any(one in files for one in _EFI_FILES):
        return name == "efi" or "runtime-map" in folders
    return name == "firmware" and any(
        os.path.lexists(os.path.join(parent, *path)) for path in _BELOW_FIRMWARE
    )


def _matches(pattern: str) -> list[str]:
    if not any(character in pattern for character in "*?["):
        return []
    from glob import glob

    return sorted(name for name in glob(pattern, recursive=True) if os.path.isfile(name))
