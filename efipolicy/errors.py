"""What can go wrong besides a finding, and the exit status each kind ends with."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """How a command ended; the same meaning for every command. The highest condition wins."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INPUT = 3
    PLUGIN = 4
    INTERNAL = 5


class EfipolicyError(Exception):
    """Something efipolicy could not do, told in one sentence a user can act on.

    ``path`` is the input it is about, as reports show it.
    """

    status = ExitStatus.INTERNAL
    path: str | None = None


class UsageError(EfipolicyError):
    """The command line or the configuration asks for something that does not exist."""

    status = ExitStatus.USAGE


class PluginError(EfipolicyError):
    """A plugin could not be loaded, broke its promise, or is missing."""

    status = ExitStatus.PLUGIN
