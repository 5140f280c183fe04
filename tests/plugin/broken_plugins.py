"""The deliberately broken distributions, and what each is told to be."""

from __future__ import annotations

from typing import NamedTuple

from tests.conftest import FIXTURES

BROKEN = FIXTURES / "broken"

PLATFORM = """\
efipolicy: 1
platform: {name: broken, architecture: x86_64}
memory_map:
  descriptors:
    - {type: EfiConventionalMemory, physical_start: 0x0, pages: 0x10, attribute: [WB]}
    - {type: EfiPersistentMemory, physical_start: 0x100000, pages: 0x10, attribute: [WB]}
mapping:
  - {os: acme}
"""
LINT = "lint broken.yaml --format json"


class Broken(NamedTuple):
    """What is told of a broken distribution, by which command, and with which remedy."""

    told: str
    command: str = "plugins --format json"
    remedy: str = "repair or remove it"
    name: str | None = None


def planning(strategy: str) -> str:
    """The command line that plans with a strategy."""
    return f"plan broken.yaml --strategy {strategy}"


CASES = {
    "an-attribute": Broken("names an attribute; a plugin of efipolicy is a module: write"),
    "anothers-architecture": Broken(
        "the architecture `arm64` is already contributed by plugin `arm64` (efipolicy "
    ),
    "anothers-module": Broken("its module efipolicy_uefi is plugin `uefi` (efipolicy "),
    "anothers-pack": Broken(
        "the rule `uefi/overlapping-descriptors` is already contributed by plugin `uefi`"
    ),
    "anothers-strategy": Broken("the strategy `identity` is already contributed by plugin"),
    "asynchronous-rule": Broken(
        "failed: it gave an object of builtins.coroutine, not an iterable of Finding", LINT
    ),
    "broken-encoding": Broken("its entry_points.txt is not UTF-8"),
    "changes-directory": Broken("it changed the working directory to /"),
    "choice-raises": Broken(
        "hook efipolicy_strategy_choices of plugin `choice-raises` (broken-choice-raises 1.0) "
        "failed: OSError: acme (broken_choice_raises.py, line 10)",
        LINT,
    ),
    "clears-path": Broken("places out of sys.path, where modules are found"),
    "dotted-function": Broken(
        "names the module `broken_dotted_function.plugin`, which does not exist",
        remedy="install broken-dotted-function again or remove it",
    ),
    "empty-architecture": Broken("architecture `empty64`: geometries lacks page tables"),
    "endless-hook": Broken("efipolicy_rules gave more than 262144 values, and perhaps no end"),
    "endless-rule": Broken("failed: it yielded more than 262144 values, and perhaps no end", LINT),
    "error-for-terminals": Broken("RuntimeError: \N{REPLACEMENT CHARACTER}[31mno licence"),
    "examples-of-text": Broken("rule `examples/text`: examples is 'one bad, one good', not tuple"),
    "exits-at-import": Broken("it raised SystemExit (no licence), which would end the program"),
    "exits-in-a-hook": Broken("it raised SystemExit (3), which would end the program"),
    "exits-in-a-rule": Broken("it raised SystemExit (0), which would end the program", LINT),
    "fails-when-deleted": Broken("what it left behind raised OSError: no connection"),
    "finds-nonsense": Broken("a finding: subject is 'the map', not an object of the model", LINT),
    "format-raises": Broken("failed: IndexError: log.txt", "lint log.txt --format json"),
    "format-reads-nonsense": Broken(
        "failed: it gave an object of builtins.tuple, not CaptureReading or None",
        "lint log.txt --format json",
    ),
    "gives-a-coroutine": Broken("efipolicy_rules gave an object of builtins.coroutine, not an"),
    "gives-a-string": Broken("efipolicy_formats gave 'linux', not an iterable of CaptureFormat"),
    "gives-and-raises": Broken("LookupError: half way (broken_gives_and_raises.py, line 11)"),
    "gives-its-own-class": Broken(
        "efipolicy_rules gave an object of broken_gives_its_own_class.Rule, not Rule"
    ),
    "gives-none": Broken("efipolicy_rules gave None, not an iterable of Rule"),
    "gives-one": Broken("efipolicy_rules gave one Rule, not an iterable of them"),
    "hook-is-a-class": Broken(
        "its efipolicy_rules is a class, not a function marked with @hookimpl"
    ),
    "hook-is-a-list": Broken("its efipolicy_rules is a list, not a function marked with @hookimpl"),
    "level-in-words": Broken("it states EFIPOLICY_API = 'one', which is no number", remedy="write"),
    "level-missing": Broken("it states no EFIPOLICY_API", remedy="write `EFIPOLICY_API = 1`"),
    "level-too-new": Broken("states EFIPOLICY_API = 99; this", remedy="upgrade efipolicy, or"),
    "level-too-old": Broken("states EFIPOLICY_API = 0;", remedy="upgrade broken-level-too-old,"),
    "lowers-recursion-limit": Broken("it lowered the limit of recursion to 200"),
    "missing-dependency": Broken(
        "it needs the module `frobnicate`, which is not installed (broken_missing_dependency.py,",
        remedy="install that, or broken-missing-dependency again with its dependencies",
    ),
    "missing-policies": Broken("FileNotFoundError: [Errno 2] No such file or directory"),
    "misspelt-hook": Broken("unknown hook 'efipolicy_ruls'; did you mean `efipolicy_rules`?"),
    "mutates-its-input": Broken("FrozenInstanceError: cannot assign to field 'type'", LINT),
    "newer-name": Broken(
        "it imports `Teleporter` from efipolicy.plugin, which this efipolicy does not have",
        remedy="upgrade efipolicy or broken-newer-name",
    ),
    "no-module-at-all": Broken("its line `no-module-at-all` in entry_points.txt does not read"),
    "no-such-module": Broken(
        "its entry point names the module `broken_nowhere.plugin`, which does not exist",
        remedy="install broken-no-such-module again or remove it",
    ),
    "no-version": Broken(
        "failed: RuntimeError: the licence server is away (broken_no_version.py, line 5)",
        name="plugin `no-version` (broken-no-version without a version)",
    ),
    "prints-at-import": Broken("it printed `welcome to acme` to standard output"),
    "prints-in-a-hook": Broken("it printed `hello from acme` to standard output"),
    "prints-in-a-rule": Broken("it printed `hm 2` to standard output, which holds the", LINT),
    "raises-at-import": Broken("RuntimeError: the licence server is away (broken_raises_at_import"),
    "raises-on-one-platform": Broken("failed: KeyError: 'persistent' (broken_raises_on_one", LINT),
    "recursion-at-import": Broken("RecursionError: maximum recursion depth exceeded"),
    "recursion-in-a-rule": Broken("RecursionError: maximum recursion depth exceeded", LINT),
    "relative-policies": Broken("a policy folder: path is '.', not absolute"),
    "reporter-gives-bytes": Broken(
        "failed: it gave an object of builtins.bytes, not str", "lint broken.yaml --format bytes"
    ),
    "reporter-raises": Broken("failed: ValueError: no paper", "lint broken.yaml --format teletype"),
    "same-name": Broken(
        "its name is taken by plugin `shared` (broken-first 1.0)",
        remedy="remove one of the two: pip uninstall broken-second",
        name="plugin `shared` (broken-second 2.0)",
    ),
    "same-rule-twice": Broken("it contributes the rule `twice/twice` twice"),
    "silent-error": Broken("failed: MuteError: no message (broken_silent_error.py, line 11)"),
    "strategy-plans-nonsense": Broken(
        "its plan: an item of mappings is 7, not Mapping", planning("nonsense")
    ),
    "strategy-plans-nothing": Broken("it gave None, not MappingPlan", planning("nothing")),
    "strategy-raises": Broken("ZeroDivisionError: no room (broken_st", planning("raising")),
    "twice-in-metadata": Broken("its entry_points.txt names two plugins so"),
    "raises-our-error": Broken("failed: our limit is 3; repair or remove it, or block", LINT),
    "region-backwards": Broken(
        "failed: the region of a finding is [0x2000, 0x1000), which is none", LINT
    ),
    "subject-nowhere": Broken("a finding: subject is an object of broken_subject_nowhere.P", LINT),
    "unknown-architecture": Broken(
        "architecture `unknown`: its name means that nobody knows which one it is"
    ),
    "unmarked-misspelt-hook": Broken(
        "its function efipolicy_ruls is no hook and not marked with @hookimpl; did you mean "
        "`efipolicy_rules`?"
    ),
    "unmarked-hook": Broken("its function efipolicy_rules is not marked with @hookimpl"),
    "utf-16-metadata": Broken("its entry_points.txt is UTF-16, not UTF-8"),
    "wrapper": Broken("its hook efipolicy_rules is a wrapper"),
    "wrong-argument": Broken(
        "its hook efipolicy_strategy_choices takes `plattform`; it may take `platform`, `declared`"
        "; did you mean `platform`?"
    ),
    "wrong-option": Broken("strategy `colourful`: the kind of option colour is 'colour', not a"),
}
