"""The command line. One file a command; only here are files opened for writing and text printed."""

from __future__ import annotations

import sys

COMMANDS = {
    "lint": "lint platform files, captures, directories, globs, `-`",
    "import": "write a platform file from a capture",
    "plan": "print the mapping a strategy installs",
    "pagetable": "print the page tables of that mapping, and what is wrong with them",
    "whatif": "print what every strategy comes to with every page size and address width",
    "kexec": "print what becomes of firmware when kernels follow each other by kexec",
    "where": "print what lies at an address: descriptor, tables, mapping",
    "verify": "compare the predicted mapping with what a kernel installed",
    "diff": "print what differs between two platforms, captures or boots",
    "docs": "write a reference site about platforms, or its pages into a project",
    "explain": "print the page of a rule",
    "rules": "print the installed rules, what they check, and what no rule checks",
    "plugins": "print what is installed, who it came from, whether it is healthy",
    "new-plugin": "write the distribution of a new plugin: code, tests, documentation, CI",
    "schema": "print the JSON Schema of the platform file, of policies, of the configuration",
}


def main(argv: list[str] | None = None) -> int:
    """Run a command and return the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments == ["--version"]:
        from efipolicy import __version__

        print(f"efipolicy {__version__}")
        return 0
    from efipolicy.cli.running import run

    status = run(arguments)
    if argv is None:
        # The process ends. To look through every module for cycles first would cost milliseconds.
        import gc

        gc.freeze()
    return status
