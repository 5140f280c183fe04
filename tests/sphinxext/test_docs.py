"""The words of the documentation are true."""

import re
from importlib.util import module_from_spec, spec_from_file_location

import pytest

from efipolicy.cli import COMMANDS
from efipolicy.errors import ExitStatus
from efipolicy.plugin import rules_in
from efipolicy.plugin.registry import Registry
from efipolicy.testing.examples import RuleCase, examples_of
from tests.conftest import ROOT

DOCS = ROOT / "docs"
GENERATED = {"_build", "architectures", "platforms", "rules", "strategies"}
PAGES = [path for path in sorted(DOCS.rglob("*.rst")) if not GENERATED & {*path.parts}]


def acme():
    """The plugin that the guide shows."""
    spec = spec_from_file_location("efipolicy_acme", DOCS / "howto/efipolicy_acme/__init__.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("case", examples_of(acme().efipolicy_rules()), ids=str)
def test_the_plugin_of_the_guide_works(case: RuleCase):
    assert case.found() == case.expected


def test_the_plugin_of_the_guide_states_its_level():
    assert acme().EFIPOLICY_API == 1
    assert rules_in


def test_every_command_and_every_status_is_in_the_reference():
    text = (DOCS / "reference" / "command-line.rst").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"\n{command}\n{'-' * len(command)}\n" in text
        assert f".. efi:command:: {command} --help" in text
    for status in ExitStatus:
        assert f"\n   * - {status.value}\n" in text


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_commands_and_rules_that_pages_name_exist(path, registry: Registry):
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"(?:efi:command::|\$ efipolicy|``efipolicy) ([a-z][a-z-]*)", text)
    assert set(named) <= {*COMMANDS}
    assert set(re.findall(r"(?<!`):efi:rule:`([^`]+)`", text)) <= set(registry.rules)


def test_the_tutorial_repairs_what_it_says():
    text = (DOCS / "tutorial" / "first-lint.rst").read_text(encoding="utf-8")
    platform = ROOT / "policies/efipolicy_policies/platforms/broken-x86_64.yaml"
    assert platform.read_text(encoding="utf-8").count("pages: 0x6ef01") == 1
    assert "``0x6ef01``" in text
