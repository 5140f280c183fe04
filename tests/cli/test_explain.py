"""``efipolicy explain``: every page is there, and what it says is true."""

from __future__ import annotations

import json
import re
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from textwrap import dedent

import pytest

from efipolicy.cli import main
from efipolicy.plugin import Bad
from efipolicy.plugin.registry import Registry
from efipolicy.testing.examples import EXAMPLE_DAY
from tests.conftest import Run

RULES = sorted(Registry().rules)


def section(page: str, heading: str) -> str:
    """The indented block that follows a line of a page."""
    lines = page[page.index(heading) :].splitlines()[2:]
    block = []
    for line in lines:
        if line and not line.startswith("    "):
            break
        block.append(line)
    return dedent("\n".join(block)).strip("\n") + "\n"


@cache
def explained(name: str) -> tuple[int, str, str]:
    """The page of a rule, which two tests look at: the exit status and both outputs."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        status = main(["explain", name])
    return status, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("name", RULES)
def test_a_page_has_what_fails_what_passes_and_what_to_do(registry: Registry, name: str) -> None:
    status, page, err = explained(name)
    assert (status, err) == (0, "")
    rule = registry.rules[name]
    assert page.startswith(f"{name}\n{'=' * len(name)}\n\nseverity")
    assert rule.summary in page
    assert f"To do: {rule.help}." in page
    for fails, heading in ((True, "Fails:"), (False, "Passes:")):
        shown = sum(isinstance(example, Bad) is fails for example in rule.examples)
        assert page.count(f"\n{heading}\n") == shown > 0
    for code in rule.requirements:
        assert f"\n{code}: " in page
    for option in rule.options:
        assert f"    {option.name} (" in page


@pytest.mark.parametrize("name", RULES)
def test_the_acceptance_on_a_page_accepts_what_its_example_shows(
    folder: Path, run: Run, registry: Registry, name: str
) -> None:
    page = explained(name)[1]
    rule = registry.rules[name]
    if "acceptances" in rule.facts:
        assert "cannot be accepted itself" in page
        return
    example = re.split(r"\n\n(?:error|warning|info)\[", section(page, "Fails:"))[0]
    if not example.startswith("efipolicy: 1"):
        pytest.skip("no platform file can say it")
    given = next(one for one in rule.examples if isinstance(one, Bad)).given
    settings = json.dumps({"severity": "error", **given.get("options", {})})
    (folder / "policy.yaml").write_text(
        f'efipolicy-policy: 1\nsummary: x\nrules: {{"*": declared, {name}: {settings}}}\n'
    )
    accept = section(page, "To accept it, in ")
    options = ("--policy", "policy.yaml", "--format", "json", "--today", EXAMPLE_DAY)
    options += ("--select", name)  # another rule may report the same instead
    (folder / "p.yaml").write_text(example + "\n" + accept)
    status, out, err = run("lint", "p.yaml", *options)
    assert status in (0, 1, 4), out + err  # 4: an architecture nobody brings
    findings = [item for item in json.loads(out)["findings"] if item["rule"] == name]
    assert any(item["accepted"] for item in findings)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("uefi/zero-page", "did you mean `uefi/zero-pages`?"),
        ("UEFI-MAP-003", "it is checked by uefi/zero-pages"),
        ("LOONG-001", "unknown rule `LOONG-001`"),
        ("", "unknown rule ``"),
    ],
)
def test_what_is_no_rule_is_told_with_what_may_have_been_meant(
    run: Run, name: str, told: str
) -> None:
    status, out, err = run("explain", name)
    assert (status, out) == (2, "")
    assert told in err
