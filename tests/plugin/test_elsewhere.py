"""Who has what no plugin in use has: what is told of a name, and what nobody claims to know."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from efipolicy.plugin.discovery import OWN_DISTRIBUTION, entry_points
from efipolicy.plugin.elsewhere import whose
from efipolicy.plugin.registry import Registry
from tests.conftest import MINIMAL, Run

OWN = [point for point in entry_points() if point.distribution == OWN_DISTRIBUTION]
LOOK = "; `efipolicy plugins` lists who provides what"


def registry(*blocked: str, path: Path | None = None) -> Registry:
    points = [*OWN, *(entry_points([str(path)]) if path else ())]
    return Registry(points, blocked=blocked)


@pytest.mark.parametrize(
    ("kind", "name", "plugin"),
    [
        ("strategies", "x86-topdown", "linux"),
        ("strategies", "identity", "identity"),
        ("strategies", "freebsd-1to1", "bsd"),
        ("handovers", "handover-efi-mmu-on", "linux"),
        ("policies", "riscv-brs", "policies"),
        ("formats", "efi-shell", "formats"),
        ("formats", "linux-dmesg", "formats"),
        ("reporters", "json", "reporters"),
        ("rules", "uefi/zero-pages", "uefi"),
        ("rules", "uefi/*", "uefi"),
        ("rules", "*/zero-pages", "uefi"),
        ("rules", "arm64/of-the-next-version", "arm64"),
        ("rules", "accept/expired", "accept"),
    ],
)
def test_what_a_blocked_plugin_of_ours_has_is_known(kind: str, name: str, plugin: str) -> None:
    if (kind, name) == ("formats", "linux-dmesg"):
        name = registry().formats["linux"].dialects[0]
    told = whose(kind, name, registry(plugin))
    assert told.startswith(f"; plugin `{plugin}` (efipolicy ")
    assert told.endswith(f"is blocked; take -{plugin} out of EFIPOLICY_PLUGINS")


def test_a_similar_name_comes_before_a_guess_and_after_knowledge() -> None:
    assert whose("strategies", "x86-topdwn", registry()) == "; did you mean `x86-topdown`?"
    assert whose("rules", "uefi", registry(), similar="; perhaps") == "; perhaps"
    assert "take -linux out" in whose("strategies", "x86-topdown", registry("linux"), similar="; x")


@pytest.mark.parametrize(
    ("kind", "name"),
    [("strategies", "riscv-stub"), ("strategies", "riscv64-x"), ("rules", "riscv64/some-rule"),
     ("rules", "riscv64/*"), ("reporters", "riscv")],
)  # fmt: skip
def test_what_is_named_after_an_architecture_of_another_distribution_is_known(
    kind: str, name: str
) -> None:
    told = whose(kind, name, registry())
    assert told == (
        f"; `{name}` sounds like riscv64: install its plugin with `pip install efipolicy-riscv64`"
    )


@pytest.mark.parametrize("kind", ["strategies", "handovers", "rules", "formats", "reporters"])
def test_what_nobody_can_know_is_not_guessed(kind: str) -> None:
    assert whose(kind, "qqq", registry()) == LOOK
    assert whose(kind, "qqq", registry("linux", "uefi")) == LOOK


def test_an_architecture_of_ours_whose_entry_point_is_gone_is_known_by_its_pack() -> None:
    points = [point for point in OWN if point.name != "ia64"]
    told = whose("rules", "ia64/some-rule", Registry(points, blocked=()))
    assert "its plugin `ia64` comes with efipolicy; install it with `pip install efipolicy`" in told


@pytest.fixture
def strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two distributions of strangers, one of which raises when somebody imports it."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, text in {
        "raiser": "raise OSError('never')\n",
        "worker": "EFIPOLICY_API = 1\n",
    }.items():
        (tmp_path / f"stranger_{name}.py").write_text(text)
        info = tmp_path / f"stranger_{name}-1.0.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_text(f"[efipolicy]\n{name} = stranger_{name}\n")
    return tmp_path


def test_a_blocked_stranger_is_not_asked_and_not_even_imported(strangers: Path) -> None:
    whole = registry("worker", "raiser", path=strangers)
    told = whose("strategies", "qqq", whole)
    assert told == (
        "; perhaps plugin `raiser` (stranger-raiser 1.0), which is blocked, or "
        "plugin `worker` (stranger-worker 1.0), which is blocked, has it"
    )
    assert "stranger_worker" not in sys.modules
    told = whose("rules", "worker/some-rule", whole)
    assert told.endswith("is blocked; take -worker out of EFIPOLICY_PLUGINS")


def test_a_stranger_that_failed_may_have_it(strangers: Path) -> None:
    told = whose("strategies", "qqq", registry(path=strangers))
    assert told == "; perhaps plugin `raiser` (stranger-raiser 1.0), which failed, has it"


@pytest.mark.parametrize(
    ("line", "blocked"),
    [
        ("lint a.yaml --format json", "reporters"),
        ("lint a.yaml --from linux", "formats"),
        ("explain linux/some-rule", "linux"),
        ("rules linux/*", "linux"),
        ("rules uefi/zero-pages", "uefi"),
    ],
)
def test_commands_tell_it(
    line: str, blocked: str, folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.yaml").write_text(MINIMAL)
    monkeypatch.setenv("EFIPOLICY_PLUGINS", f"-{blocked}")
    status, _, err = run(*line.split())
    assert status == 2
    assert f"`{blocked}`" in err
    assert "EFIPOLICY_PLUGINS" in err


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("plan a.yaml --strategy x86-topdown", 2),
        ("plan a.yaml --strategy x86-topdown --format json", 2),
        ("whatif a.yaml --strategy x86-topdown", 2),
        ("kexec a.yaml --chain x86-topdown,identity", 2),
        ("lint a.yaml --select linux/*", 2),
        ("plan strategy.yaml", 3),
        ("lint strategy.yaml", 3),
        ("lint strategy.yaml --format json", 3),
        ("docs strategy.yaml --into .", 3),
        ("lint handover.yaml", 3),
    ],
)
def test_a_name_of_a_blocked_plugin_is_told_wherever_it_stands(
    line: str, status: int, folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "conf.py").touch()
    (folder / "a.yaml").write_text(MINIMAL)
    (folder / "strategy.yaml").write_text(f"{MINIMAL}mapping:\n  - {{strategy: x86-topdown}}\n")
    handover = "handover: {variant: handover-efi-mmu-on}\n"
    (folder / "handover.yaml").write_text(MINIMAL + handover)
    monkeypatch.setenv("EFIPOLICY_PLUGINS", "-linux")
    seen, out, err = run(*line.split())
    assert seen == status, (out, err)
    assert "take -linux out of EFIPOLICY_PLUGINS" in out + err


def test_a_name_of_nobody_s_leads_to_the_list(folder: Path, run: Run) -> None:
    (folder / "a.yaml").write_text(MINIMAL)
    _, _, err = run("plan", "a.yaml", "--strategy", "qqq")
    assert err.endswith(f"{LOOK}\n")
    _, _, err = run("lint", "a.yaml", "--select", "riscv64/*")
    assert "`pip install efipolicy-riscv64`" in err


@pytest.mark.parametrize("name", ["linux", "arm64", "uefi"])
def test_a_check_within_one_process_asks_the_plugins_of_its_time(
    name: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("plugins", "--check")[0] == 0
    monkeypatch.setenv("EFIPOLICY_PLUGINS", f"-{name}")
    status, out, err = run("plugins", "--check")
    assert (status, err) == (0, "")
    assert "examples that need what is not installed: " in out
