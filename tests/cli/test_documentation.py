"""The written word holds what the program has."""

from __future__ import annotations

from importlib import import_module

import pytest

from efipolicy.cli import COMMANDS
from tests.conftest import ROOT, Run

REFERENCE = (ROOT / "docs" / "reference" / "command-line.rst").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_tells_every_option_and_is_in_the_reference(
    command: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reference prints the help while it is built, so it cannot lack what the help has."""
    assert f".. efi:command:: {command} --help" in REFERENCE
    parser = import_module(f"efipolicy.cli.{command.replace('-', '_')}_")._parser()
    with pytest.raises(SystemExit):
        run(command, "--help")
    printed = capsys.readouterr().out
    for action in parser._actions:
        assert action.help, f"{command} {action.dest} is not explained"
        for name in action.option_strings:
            assert name in printed


def test_the_readme_begins_with_two_commands() -> None:
    blocks = (ROOT / "README.md").read_text().split("```")[1::2]
    assert len(blocks) == 2
    assert all(block.startswith("sh\npython3 -m venv ") for block in blocks)
    assert all(block.strip().count("\n") == 1 for block in blocks)
