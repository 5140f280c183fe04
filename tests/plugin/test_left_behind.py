"""What a plugin leaves to run when nobody calls it, and what it raises that is not its to raise."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from efipolicy.errors import PluginError
from efipolicy.plugin.discovery import EntryPoint, Plugin
from efipolicy.plugin.guarding import guarded, quietly
from efipolicy.plugin.paging import Fault
from efipolicy.plugin.registry import Registry
from tests.plugin.conftest import Process, Ran

Installed = Callable[[str, str], Path]

LINT = "lint broken.yaml --format json"

RULE = '''
from efipolicy.plugin import Severity, hookimpl, rule

@rule("acme/acme", severity=Severity.INFO, requirements=("A-1",), sources=("m",), help="h",
      examples=())
def check(memory_map):
    """A rule of nobody's."""
    {work}
    return ()

@hookimpl
def efipolicy_rules():
    yield check
'''


@pytest.fixture
def installed(folder: Path) -> Installed:
    """Install a plugin of some name whose module has some text, in a folder of its own."""

    def install(name: str, text: str) -> Path:
        place = folder / f"of-{name}"
        info = place / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "entry_points.txt").write_text(f"[efipolicy]\n{name} = {name}_plugin\n")
        (place / f"{name}_plugin.py").write_text(f"EFIPOLICY_API = 1\n{text}")
        return place

    return install


@pytest.mark.parametrize("line", ["plugins", "lint broken.yaml", LINT])
def test_a_thread_that_raises_is_told_in_one_line_with_its_plugin(
    line: str, process: Process, installed: Installed
) -> None:
    text = "import threading\ndef work():\n    raise OSError('no\\nline')\n"
    start = "one = threading.Thread(target=work, name='w\\nx')\none.start()\none.join()\n"
    ran = process(line, installed("acme", text + start))
    assert ran.status == 4
    assert ran.err == (
        "efipolicy: error: thread `w x` of plugin `acme` (acme 1.0) failed: OSError: no line "
        "(acme_plugin.py, line 4); repair or remove it, or block it with EFIPOLICY_PLUGINS=-acme\n"
    )


def test_a_thread_in_other_code_is_told_without_a_plugin(
    process: Process, installed: Installed
) -> None:
    text = "import json, threading\none = threading.Thread(target=json.loads, args=('x',))\n"
    ran = process("plugins", installed("acme", text + "one.start()\none.join()\n"))
    assert ran.status == 4
    assert ran.err.startswith("efipolicy: error: thread `Thread-1 (loads)` failed: JSONDecodeError")
    assert ran.err.count("\n") == 1


def test_of_two_plugins_the_one_whose_code_it_is_is_named(
    process: Process, installed: Installed
) -> None:
    text = "import threading\ndef work():\n    raise OSError\n"
    start = "one = threading.Thread(target=work)\none.start()\none.join()\n"
    ran = process("plugins", installed("acme", ""), installed("zeta", text + start))
    assert "of plugin `zeta` (zeta 1.0) failed: OSError: no message" in ran.err
    assert "`acme`" not in ran.err


def test_threads_of_a_program_that_uses_the_library_are_its_own(
    installed: Installed, folder: Path
) -> None:
    code = (
        "import threading; from efipolicy.plugin.registry import Registry\n"
        "threading.excepthook = lambda raised: print('mine', raised.exc_type.__name__)\n"
        "Registry()\n"
        "import json; one = threading.Thread(target=json.loads, args=('x',))\n"
        "one.start(); one.join()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed("acme", ""))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert (done.stdout, done.stderr) == ("mine JSONDecodeError\n", "")


def test_a_thread_that_ends_itself_is_no_failure(process: Process, installed: Installed) -> None:
    text = "import sys, threading\none = threading.Thread(target=sys.exit)\none.start()\n"
    ran = process("plugins", installed("acme", text))
    assert (ran.status, ran.err) == (0, "")


def test_a_thread_that_raises_when_all_is_done_is_still_told_in_one_line(
    process: Process, installed: Installed
) -> None:
    text = (
        "import threading\ndef work():\n    threading.main_thread().join()\n    raise OSError\n"
        "threading.Thread(target=work).start()\n"
    )
    ran = process("plugins", installed("acme", text))
    assert "Traceback" not in ran.err
    assert ran.err.count("\n") == 1
    assert "of plugin `acme` (acme 1.0) failed: OSError" in ran.err


def test_a_callback_at_exit_that_raises_is_told_in_one_line(
    process: Process, installed: Installed
) -> None:
    text = "import atexit\n@atexit.register\ndef work():\n    raise OSError('no connection')\n"
    ran = process("plugins", installed("acme", text))
    assert ran.err == (
        "efipolicy: error: callback at exit of plugin `acme` (acme 1.0) failed: OSError: no "
        "connection (acme_plugin.py, line 5); repair or remove it, or block it with "
        "EFIPOLICY_PLUGINS=-acme\n"
    )


def test_debug_shows_where_a_thread_raised(process: Process, installed: Installed) -> None:
    text = "import threading\ndef work():\n    raise OSError\n"
    start = "one = threading.Thread(target=work)\none.start()\none.join()\n"
    ran = process("plugins --debug", installed("acme", text + start))
    assert ran.err.count("Traceback") == 1
    assert ran.status == 4


@pytest.mark.parametrize(
    "text", ["raise KeyboardInterrupt\n", RULE.format(work="raise KeyboardInterrupt('stop')")]
)
def test_an_interrupt_that_nobody_sent_is_a_failure_of_the_plugin(
    text: str, process: Process, installed: Installed
) -> None:
    ran = process(LINT, installed("acme", text))
    assert ran.status == 4, ran
    (told,) = ran.told
    assert "of plugin `acme`" in told or told.startswith("plugin `acme`")
    assert "it raised KeyboardInterrupt" in told
    assert "which would end the program (acme_plugin.py, line " in told
    assert json.loads(ran.out)["inputs"][0]["status"] == "linted"


@pytest.mark.parametrize("base", ["SystemExit", "KeyboardInterrupt", "GeneratorExit"])
def test_who_would_end_the_program_need_not_say_why(
    base: str, process: Process, installed: Installed
) -> None:
    text = f"class Mute({base}):\n    def __str__(self): raise OSError\nraise Mute\n"
    ran = process("plugins", installed("acme", text))
    assert ran.status == 4
    told = "failed: it raised Mute, which would end the program (acme_plugin.py, line 4); repair"
    assert told in ran.err


@pytest.mark.parametrize("text", ["{work}\n", RULE])
def test_an_interrupt_of_the_users_stops_a_plugin_at_work(
    text: str, process: Process, installed: Installed
) -> None:
    work = "import os, signal; os.kill(os.getpid(), signal.SIGINT); os.read(os.pipe()[0], 1)"
    ran = process(LINT, installed("acme", text.format(work=work)))
    assert (ran.status, ran.err) == (130, "")


@pytest.mark.parametrize("instead", ["pass", "raise OSError"])
def test_a_plugin_cannot_keep_the_user_from_stopping(
    instead: str, process: Process, installed: Installed
) -> None:
    text = (
        "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n"
        f"    os.read(os.pipe()[0], 1)\nexcept BaseException:\n    {instead}\n"
    )
    ran = process(LINT, installed("acme", text))
    assert (ran.status, ran.err) == (130, "")


def test_a_handler_of_somebody_elses_stays() -> None:
    def mine(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, mine)
    try:
        with pytest.raises(KeyboardInterrupt):
            quietly(lambda: signal.raise_signal(signal.SIGINT))
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)
    assert quietly(lambda: signal.getsignal(signal.SIGINT)) is not before
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("raised", [OSError("gone"), SystemExit("gone"), KeyboardInterrupt("gone")])
def test_the_words_for_a_fault_are_the_plugins_too(
    raised: BaseException, registry: Registry
) -> None:
    def describe(fault: Fault) -> str:
        raise raised

    arm64 = registry.architectures["arm64"]
    formats_of = arm64.entry_formats
    assert formats_of
    worded = replace(
        arm64, entry_formats=lambda geometry: formats_of(geometry)._replace(describe=describe)
    )
    acme = Plugin(EntryPoint("acme", "acme_plugin", "acme", "1.0"))
    geometry = arm64.geometries[arm64.default_page_size][0]
    formats = guarded("architectures", worded, acme).entry_formats(geometry)
    told = r"the describe of architecture arm64 of plugin `acme` \(acme 1.0\) failed: .*gone"
    with pytest.raises(PluginError, match=told):
        formats.describe(Fault("permission", "read"))


CHOICES = """
from efipolicy.plugin import StrategyChoice, hookimpl

@hookimpl
def efipolicy_strategy_choices(declared):
    if declared.os in ("acme", "no-such-system"):
        yield StrategyChoice({choice})
"""


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("'x86-topdwn', ''", "the unknown strategy 'x86-topdwn'; did you mean `x86-topdown`?"),
        ("'arm64-novamap', ''", "the strategy `arm64-novamap`, which is for arm64, on x86_64"),
        ("'identity', '', {'kernl': '6.12'}", "identity with the unknown option 'kernl'; it has "),
        (
            "'x86-topdown', '', {'kernel': '6.12'}",
            "x86-topdown with kernel '6.12', no value of that option",
        ),
        ("'x86-topdown', '', {'kernel': object()}", "kernel an object of builtins.object, no val"),
    ],
)
def test_a_choice_that_means_nothing_is_an_error_of_its_plugin(
    choice: str, told: str, process: Process, installed: Installed
) -> None:
    ran = process(LINT, installed("acme", CHOICES.format(choice=choice)))
    assert_the_choice_is_told(ran, told)
    assert json.loads(ran.out)["inputs"][0]["status"] == "linted"


@pytest.mark.parametrize("line", ["plugins --check", "plan broken.yaml", "where broken.yaml 0x0"])
def test_a_choice_that_means_nothing_is_told_by_every_command_that_asks(
    line: str, process: Process, installed: Installed
) -> None:
    ran = process(line, installed("acme", CHOICES.format(choice="'x86-topdwn', ''")))
    assert_the_choice_is_told(ran, "the unknown strategy 'x86-topdwn'")


def assert_the_choice_is_told(ran: Ran, told: str) -> None:
    assert ran.status == 4, ran
    hook = "hook efipolicy_strategy_choices of plugin `acme` (acme 1.0) failed: it chose "
    mine = [one for one in ran.told if hook in one and told in one]
    assert len(mine) == 1, ran
    assert mine[0].endswith("or block it with EFIPOLICY_PLUGINS=-acme")


@pytest.mark.parametrize("choice", ["7, ''", "'identity', '', []", "'identity', None"])
def test_a_choice_of_the_wrong_types_is_an_error_of_its_plugin(
    choice: str, process: Process, installed: Installed
) -> None:
    ran = process(LINT, installed("acme", CHOICES.format(choice=choice)))
    assert ran.status == 4
    assert any("`acme` (acme 1.0) failed: a choice: " in one for one in ran.told)


def test_a_choice_that_means_something_is_taken(process: Process, installed: Installed) -> None:
    choice = "'x86-topdown', 'its manual', {'kernel': (6, 12), 'efi_debug': True}"
    acme = installed("acme", CHOICES.format(choice=choice))
    ran = process("plan broken.yaml", acme)
    assert (ran.status, ran.err) == (0, "")
    assert "x86-topdown" in ran.out


def test_nobody_is_blamed_for_a_strategy_of_a_plugin_that_is_blocked(
    process: Process, installed: Installed
) -> None:
    acme = installed("acme", CHOICES.format(choice="'x86-topdown', ''"))
    ran = process(LINT, acme, blocked="-linux")
    assert (ran.status, ran.told) == (0, [])


POLICY = """
import os
from efipolicy.plugin import PolicyFolder, hookimpl

@hookimpl
def efipolicy_policies():
    yield PolicyFolder(path=os.path.join(os.path.dirname(os.path.abspath(__file__)), "policies"))
"""


@pytest.mark.parametrize(
    "line",
    [
        "lint broken.yaml --policy acme",
        "lint broken.yaml --policy acme --format json",
        "lint broken.yaml --policy mine.yaml",
        "lint broken.yaml --config configuration.yaml",
        "diff broken.yaml broken.yaml --policy acme",
        "docs broken.yaml -o site --policy acme",
        "plugins --check",
    ],
)
def test_a_broken_policy_of_a_plugin_is_an_error_of_that_plugin(
    line: str, process: Process, installed: Installed, folder: Path
) -> None:
    acme = installed("acme", POLICY)
    (acme / "policies").mkdir()
    policy = acme / "policies" / "acme.yaml"
    policy.write_text("efipolicy-policy: 1\nsummary: Acme.\nrules: {acme/*: fatal}\nrulse: {}\n")
    (folder / "mine.yaml").write_text(
        "efipolicy-policy: 1\nsummary: Mine.\nextends: acme\nrules: {}\n"
    )
    (folder / "configuration.yaml").write_text("policy: acme\n")
    ran = process(line, acme)
    assert ran.status == 4, ran
    assert len(ran.told) == 2, ran
    for one in ran.told:
        assert "plugin `acme` (acme 1.0): " in one
        assert "policy `acme`" in one
        assert f"{policy}:" in one
        assert one.endswith("or block it with EFIPOLICY_PLUGINS=-acme")


def test_of_two_plugins_the_one_that_brings_the_policy_is_named(
    process: Process, installed: Installed
) -> None:
    acme = installed("acme", POLICY.replace('"policies"', '"acme"'))
    text = POLICY.replace('"policies"', '"zeta"')
    (acme / "zeta_plugin.py").write_text(f"EFIPOLICY_API = 1\n{text}")
    info = acme / "zeta-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[efipolicy]\nzeta = zeta_plugin\n")
    for name in ("acme", "zeta"):
        (acme / name).mkdir()
        (acme / name / f"{name}.yaml").write_text("efipolicy-policy: 1\nrules: {}\n")
    ran = process("lint broken.yaml --policy zeta", acme)
    assert ran.status == 4
    (told,) = ran.told
    assert "policy `zeta` of plugin `zeta` (zeta 1.0): " in told


def test_a_broken_policy_of_the_users_own_is_not_the_plugins(
    process: Process, installed: Installed, folder: Path
) -> None:
    acme = installed("acme", POLICY)
    (acme / "policies").mkdir()
    (acme / "policies" / "acme.yaml").write_text(
        "efipolicy-policy: 1\nsummary: Acme.\nrules: {uefi/*: error}\n"
    )
    (folder / "mine.yaml").write_text("efipolicy-policy: 1\nextends: acme\nrules: {}\n")
    ran = process("lint broken.yaml --policy mine.yaml", acme)
    assert ran.status == 2
    assert "acme 1.0" not in ran.err


@pytest.mark.parametrize(
    "line",
    [
        "plan broken.yaml --strategy identity",
        "plan broken.yaml --strategy x86-fixed-window --seeds 2",
        "pagetable broken.yaml --strategy identity",
        "whatif broken.yaml",
        "kexec broken.yaml",
        "kexec broken.yaml --chain identity,identity",
        "where broken.yaml 0x0",
        "verify broken.yaml broken.yaml --strategy identity",
        "diff broken.yaml broken.yaml",
    ],
)
def test_every_json_tells_of_a_plugin_that_failed(
    line: str, process: Process, installed: Installed
) -> None:
    ran = process(f"{line} --format json", installed("acme", "raise OSError('no licence')\n"))
    assert ran.status == 4
    told = [one for one in json.loads(ran.out)["errors"] if "plugin `acme`" in one["message"]]
    assert [one["status"] for one in told] == [4]
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("line", [LINT, "plan broken.yaml --strategy identity --format json"])
def test_the_json_has_what_a_thread_raised(
    line: str, process: Process, installed: Installed
) -> None:
    text = "import threading\ndef work():\n    raise OSError\n"
    start = "one = threading.Thread(target=work)\none.start()\none.join()\n"
    ran = process(line, installed("acme", text + start))
    (told,) = json.loads(ran.out)["errors"]
    assert (told["status"], ran.status) == (4, 4)
    assert f"efipolicy: error: {told['message']}\n" == ran.err


def test_the_json_of_where_tells_of_an_architecture_that_is_not_installed(
    process: Process, folder: Path
) -> None:
    text = (folder / "broken.yaml").read_text().replace("x86_64", "acme64")
    (folder / "acme.yaml").write_text(text)
    ran = process("where acme.yaml 0x0 --format json")
    assert ran.status == 4
    (told,) = json.loads(ran.out)["errors"]
    assert told["path"] == "acme.yaml"
    assert "architecture `acme64` is not installed, so neither mapping nor" in told["message"]
    assert ran.err == f"efipolicy: error: {told['message']}\n"


def test_a_policy_with_a_name_for_terminals_is_listed_on_its_line(
    process: Process, installed: Installed
) -> None:
    acme = installed("acme", POLICY)
    (acme / "policies").mkdir()
    (acme / "policies" / "a\n\x1b[31mb.yaml").write_text("efipolicy-policy: 1\n")
    ran = process("plugins", acme)
    assert "  policies: a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[31mb\n" in ran.out


def test_the_json_of_a_whole_run_has_no_errors(process: Process) -> None:
    ran = process("plan broken.yaml --strategy identity --format json")
    assert "errors" not in json.loads(ran.out)
