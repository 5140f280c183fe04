"""What can be named on the command line, and what is said of input that is no good."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MINIMAL, PLATFORMS, ROOT, Run

BAD = MINIMAL.replace("pages: 0x10", "pages: 0")

WRONG: dict[str, tuple[bytes, str]] = {
    "empty.yaml": (b"", "found an empty file, expected a platform file or a captured log"),
    "blank.txt": (b" \n\n", "found an empty file"),
    "core.bin": (b"\x7fELF\x02\x01\x00\x00", "found binary data, expected text"),
    "tabs.yaml": (
        b"efipolicy: 1\nplatform:\n\tname: x\n",
        "tabs.yaml:3:1\n",
    ),
    "twice.yaml": (
        MINIMAL.replace("platform:", "platform: {}\nplatform:").encode(),
        "found a second `platform`, expected each key once (first on line 2)",
    ),
    "overflow.yaml": (
        MINIMAL.replace("0x10,", "0x1_0000_0000_0000_0000,").encode(),
        "which does not fit 64 bits",
    ),
    "negative.yaml": (MINIMAL.replace("0x10,", "-16,").encode(), "found `-16`, a negative number"),
    "key.yaml": (MINIMAL.replace("pages", "number").encode(), "found the unknown key `number`"),
    "type.yaml": (
        MINIMAL.replace("EfiConventional", "EfiConvential").encode(),
        "did you mean `EfiConventionalMemory`?",
    ),
    "list.yaml": (b"- 1\n- 2\n", "found YAML without the key `efipolicy`"),
    "nomap.txt": (b"[ 0.0] Linux version 6.1\nnothing of interest\n", "nomap.txt"),
    "scalar.yaml": (b"efipolicy: 1\n", "found the platform file without `memory_map`"),
}


@pytest.mark.parametrize("name", WRONG)
def test_input_that_is_no_good_is_told_and_the_others_are_linted(
    folder: Path, run: Run, name: str
) -> None:
    content, message = WRONG[name]
    (folder / name).write_bytes(content)
    (folder / "bad.yaml").write_text(BAD)
    status, out, err = run("lint", name, "bad.yaml")
    assert status == 3
    assert message in out
    assert name in out
    assert f"not linted {name}" in out
    assert "error[uefi/zero-pages]" in out
    assert "Traceback" not in out + err


def test_an_unknown_architecture_is_named_with_what_is_installed(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(MINIMAL.replace("x86_64", "x86_46"))
    status, out, _ = run("lint", "p.yaml")
    assert status == 4
    assert "architecture `x86_46` is not installed" in out
    assert "did you mean `x86_64`?" in out
    assert "linted p.yaml" in out, "the rules of all architectures still apply"


def test_a_directory_is_walked_in_order_and_the_rest_is_counted(folder: Path, run: Run) -> None:
    (folder / "sub" / ".git").mkdir(parents=True)
    (folder / "sub" / ".git" / "bad.yaml").write_text(BAD)
    (folder / "sub" / "b.yaml").write_text(BAD)
    (folder / "a.yaml").write_text(MINIMAL)
    (folder / "README.md").write_text("not a map\n")
    (folder / "other.yaml").write_text("a: 1\n")
    (folder / "image.png").write_bytes(b"\x89PNG\0\0")
    status, out, _ = run("lint", ".")
    assert status == 1
    said = (
        "platform, 1 descriptor, unknown extent, origin unknown, architecture x86_64, "
        "strategy x86-topdown (a current kernel, as Linux 6.12: since 3.14 on 64-bit firmware)"
    )
    assert [line for line in out.splitlines() if line.startswith("linted")] == [
        f"linted a.yaml: {said}",
        f"linted sub/b.yaml: {said}",
    ]
    assert "skipped 3 files (-v lists them)" in out
    assert "skipped README.md" in run("lint", ".", "-v")[1]


def test_a_broken_platform_file_in_a_walk_is_not_skipped(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(MINIMAL.replace("pages", "pagess"))
    (folder / "q.yaml").write_text(MINIMAL)
    status, out, _ = run("lint", ".")
    assert status == 3
    assert "found the unknown key `pagess`" in out


@pytest.mark.parametrize("content", [None, "not a map\n"])
def test_a_directory_with_nothing_to_lint_is_never_clean(
    folder: Path, run: Run, content: str | None
) -> None:
    (folder / "d").mkdir()
    if content:
        (folder / "d" / "notes.txt").write_text(content)
    status, out, _ = run("lint", "d")
    assert status == 3
    assert "expected platform file" in out or "expected a platform file" in out


def test_without_a_path_the_working_directory_is_linted(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(BAD)
    assert run("lint")[0] == 1


def test_a_glob_is_expanded_and_a_name_given_twice_counts_once(folder: Path, run: Run) -> None:
    (folder / "a.yaml").write_text(MINIMAL)
    (folder / "b.yaml").write_text(MINIMAL)
    _, out, _ = run("lint", "*.yaml", "a.yaml", "--format", "json")
    assert [item["path"] for item in json.loads(out)["inputs"]] == ["a.yaml", "b.yaml"]


def test_a_glob_that_matches_nothing_is_an_error(folder: Path, run: Run) -> None:
    status, out, _ = run("lint", "*.yaml")
    assert status == 3
    assert "*.yaml" in out


def test_paths_are_relative_to_the_working_directory(folder: Path, run: Run) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "p.yaml").write_text(BAD)
    _, out, _ = run("lint", folder / "sub" / "p.yaml", "--format", "json")
    value = json.loads(out)
    assert value["inputs"][0]["path"] == value["findings"][0]["path"] == "sub/p.yaml"


def test_formats_go_to_files_and_one_to_the_output(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(BAD)
    status, out, _ = run("lint", "p.yaml", "--format", "json=out.json", "--format", "text")
    assert status == 1
    assert "error[uefi/zero-pages]" in out
    assert json.loads((folder / "out.json").read_text())["summary"]["error"] == 1


def test_colour_is_for_terminals_and_for_who_asks(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "p.yaml").write_text(BAD)
    assert "\x1b[" not in run("lint", "p.yaml")[1]
    assert "\x1b[" in run("lint", "p.yaml", "--color", "always")[1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run("lint", "p.yaml")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run("lint", "p.yaml")[1]
    assert "\x1b[" not in run("lint", "p.yaml", "--color", "never")[1]


def test_fail_on_decides_which_findings_end_with_1(folder: Path, run: Run) -> None:
    text = MINIMAL.replace("[WB]", "[]")  # a warning: memory without a cache type
    (folder / "p.yaml").write_text(text)
    assert run("lint", "p.yaml")[0] == 0
    assert run("lint", "p.yaml", "--fail-on", "warning")[0] == 1


def test_the_architecture_of_a_capture_can_be_said(folder: Path, run: Run) -> None:
    (folder / "memmap.txt").write_text(
        "Type       Start            End              # Pages          Attributes\n"
        "RT_Data    0000000080000000-0000000080007FFF 0000000000000008 8000000000000008\n"
        "MMIO       0000000080008000-000000008000FFFF 0000000000000008 0000000000000001\n"
    )
    status, out, _ = run("lint", "memmap.txt")
    assert (status, "capture/architecture-unknown" in out) == (0, True)
    status, out, _ = run("lint", "memmap.txt", "--arch", "arm64", "--format", "json")
    value = json.loads(out)
    assert status == 1
    found = {finding["rule"] for finding in value["findings"] if finding["severity"] == "error"}
    assert found == {"arm64/mixed-cacheability-in-64k-page"}
    assert value["inputs"][0]["architecture_reason"] == {
        "kind": "option",
        "evidence": "--arch arm64",
    }


@pytest.mark.parametrize("path", sorted(PLATFORMS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_reference_platform_is_what_it_says_it_is(path: Path, run: Run) -> None:
    status, out, _ = run("lint", path, "--format", "json")
    found = {finding["rule"] for finding in json.loads(out)["findings"]}
    if path.stem == "broken-x86_64":
        assert status == 1
        assert len(found) >= 10
    elif path.stem == "hp-rx8620-ia64":
        assert found == {
            "capture/incomplete-map",
            "uefi/acpi-table-outside-acpi-memory",
            "uefi/configuration-table-in-reserved-memory",
            "uefi/runtime-bit-on-reserved-memory",
        }
    else:
        assert (status, found) == (0, set()), "a healthy platform is quiet"


@pytest.mark.parametrize("name", ["ovmf-x86_64", "aavmf-arm64"])
def test_healthy_firmware_is_quiet_under_every_policy(name: str, run: Run) -> None:
    for policy in ("uefi", "strict"):
        _, out, _ = run("lint", PLATFORMS / f"{name}.yaml", "--policy", policy, "--format", "json")
        severities = {finding["severity"] for finding in json.loads(out)["findings"]}
        assert severities <= {"info"}


def _loaded_by(*arguments: str) -> set[str]:
    """The modules that a command loads, when nothing is loaded before it."""
    code = (
        f"import sys\nfrom efipolicy.cli import main\nmain({[*arguments]!r})\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    # Measuring coverage would load modules of its own.
    environment = {name: value for name, value in os.environ.items() if "COV" not in name}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


NEVER_NEEDED = {
    "asyncio",
    "decimal",
    "difflib",
    "docutils",
    "email",
    "hashlib",
    "importlib.metadata",
    "json",
    "jsonschema",
    "logging",
    "pathlib",
    "pkgutil",
    "random",
    "shutil",
    "sphinx",
    "subprocess",
    "tempfile",
    "textwrap",
    "tomllib",
    "unittest",
    "zipfile",
    "efipolicy.drawing",
    "efipolicy.engine.fixing",
    "efipolicy.engine.kexec",
    "efipolicy.formats.archives",
    "efipolicy.formats.live",
    "efipolicy.paging.walker",
    "efipolicy.plugin.guarding",
    "efipolicy.plugin.levels",
    "efipolicy.plugin.sound",
    "efipolicy.testing",
    "efipolicy_linux.x86_earlier",
}
"""Start-up time is a promise; these would cost more than everything else together."""


def test_lint_imports_only_what_it_needs() -> None:
    loaded = _loaded_by("lint", str(PLATFORMS / "aavmf-arm64.yaml"), "-q")
    assert loaded & NEVER_NEEDED == set()
    formats = {
        *("efipolicy.formats.linux", "efipolicy.formats.marks"),
        *("efipolicy.formats.logical_lines", "efipolicy.formats.writing"),
    }
    assert loaded & formats == set(), "a platform file is no capture"


def test_importing_a_log_loads_neither_rules_nor_policies_nor_a_yaml_parser(
    tmp_path: Path,
) -> None:
    log = next((ROOT / "tests/captures").glob("*-linux-x86-v3.txt"))
    loaded = _loaded_by("import", str(log), "-o", str(tmp_path / "p.yaml"), "-q")
    assert "efipolicy.formats.linux" in loaded
    assert loaded & {*NEVER_NEEDED, "ruamel", "_ruamel_yaml", "datetime"} == set()
    of_judging = ("efipolicy.engine", "efipolicy.policy")
    assert [one for one in loaded if ".rules." in one or one.startswith(of_judging)] == []


def test_a_pipe_in_a_directory_is_passed_over(folder: Path, run: Run) -> None:
    """Opening it would wait for ever."""
    os.mkfifo(folder / "pipe")
    (folder / "p.yaml").write_text(MINIMAL)
    status, out, _ = run("lint", ".", "-v")
    assert status == 0
    assert "skipped pipe" in out


def test_a_link_to_a_folder_is_not_followed_and_one_to_nothing_is_an_error(
    folder: Path, run: Run
) -> None:
    (folder / "p.yaml").write_text(MINIMAL)
    (folder / "loop").symlink_to(folder)
    status, out, _ = run("lint", ".", "-v")
    assert (status, "skipped loop" in out) == (0, True)
    (folder / "gone.yaml").symlink_to(folder / "nowhere")
    status, out, _ = run("lint", ".")
    assert status == 3
    assert "not linted gone.yaml" in out


def test_a_folder_that_cannot_be_read_is_an_error(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "p.yaml").write_text(MINIMAL)
    (folder / "closed").mkdir()
    original = os.scandir

    def guarded(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return original(path)

    monkeypatch.setattr("os.scandir", guarded)
    status, out, _ = run("lint", ".")
    assert status == 3
    assert "found permission denied, expected a readable directory" in out


def test_files_that_only_mention_the_key_are_no_platform_files(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(MINIMAL)
    (folder / "compose.yaml").write_text("services:\n  efipolicy:\n    image: x\n")
    (folder / "notes.md").write_text(f"Write this file:\n\n```yaml\n{MINIMAL}```\n")
    (folder / "ci.log").write_text("efipolicy: error: unknown command `lnt`\n")
    (folder / "code.py").write_text('"""A text."""\nTEXT = """\nefipolicy: 1\n"""\n')
    status, out, _ = run("lint", ".", "-v")
    assert status == 0, out
    assert out.count("\nskipped ") + out.startswith("skipped ") == 4


def test_recognising_a_file_takes_time_in_proportion_to_its_length() -> None:
    """Blank lines once made it cubic: a file of a walk could hang the linter."""
    from efipolicy.formats.platform import is_platform_file
    from efipolicy.source import SourceText

    for text in ("\n" * 50_000 + "efipolicy", " \n" * 50_000 + "{efipolicy", "{" + "\n" * 50_000):
        assert not is_platform_file(SourceText("x", text + "efipolicy"))


def test_a_kernel_log_named_as_yaml_is_still_a_kernel_log(folder: Path, run: Run) -> None:
    (folder / "boot.yaml").write_text(
        "efi: mem00: type=7, attr=0xf, range=[0x0000000000000000-0x0000000000008000) (0MB)\n"
    )
    assert "linted boot.yaml: linux-x86-raw" in run("lint", "boot.yaml")[1]


def test_a_log_with_a_stray_nul_is_read(folder: Path, run: Run) -> None:
    row = "efi: mem00: type=7, attr=0xf, range=[0x0000000000000000-0x0000000000008000) (0MB)\n"
    (folder / "serial.txt").write_text("boot\0\n" + row * 3)
    assert "linted serial.txt: linux-x86-raw" in run("lint", "serial.txt")[1]


MAPPING = "mapping:\n  - {strategy: x86-topdown, options: {kernel: '6.1'}}\n"


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("x86-topdown", "x86-topdwn", "found the unknown strategy `x86-topdwn`"),
        ("kernel", "kernal", "found the unknown option `kernal`"),
        ("'6.1'", "6.1", "found 6.1 without quotes"),
        ("'6.1'", "'2.6'", "found 2.6, expected a quoted version"),
        ("'6.1'", "new", "found new without quotes"),
        ("'6.1'}", "'6.1', order: upwards}", "found `upwards`, expected one of `auto`"),
        ("'6.1'}", "'6.1', svam_buffer: [0b1, 2]}", "found `0b1`, expected an unsigned 64-bit"),
        ("'6.1'}", "'6.1', svam_buffer: [2, 1]}", "found [0x2, 0x1), expected a range"),
        ("'6.1'}", "'6.1'}, page_size: 64K", "found pages of 0x10000 bytes, expected x86_64's: 4K"),
        ("'6.1'}", "'6.1'}, virtual_address_bits: 39", "found 39-bit virtual addresses"),
        ("'6.1'}", "'6.1'}, kexec: [{strategy: nope}]", "found the unknown strategy `nope`"),
    ],
)
def test_a_declared_mapping_that_means_nothing_is_an_error_with_its_place(
    folder: Path, run: Run, old: str, new: str, error: str
) -> None:
    (folder / "p.yaml").write_text(MINIMAL + MAPPING.replace(old, new))
    status, out, _ = run("lint", "p.yaml")
    assert status == 3
    assert error in out
    assert "--> p.yaml:7:" in out
    assert "linted p.yaml" in out, "the memory map was judged all the same"
    if "kexec" not in new:
        status, _, err = run("plan", "p.yaml")
        assert (status, error in err) == (3, True)


def test_a_declared_mapping_that_is_right_is_quiet(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(MINIMAL + MAPPING)
    assert run("lint", "p.yaml")[0] == 0


def test_a_number_of_many_digits_is_refused_and_not_converted(folder: Path, run: Run) -> None:
    for old, new in (
        ("0x10,", "9" * 5000 + ","),
        ("minimal,", f'minimal, uefi: "2.{"1" * 5000}",'),
    ):
        (folder / "p.yaml").write_text(MINIMAL.replace(old, new))
        assert run("lint", "p.yaml")[0] == 3


def test_a_rule_that_a_policy_names_and_nobody_has_is_told(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(MINIMAL)
    (folder / "ours.yaml").write_text(
        "efipolicy-policy: 1\nsummary: Ours\nrules: {uefi/zero-page: off}\n"
    )
    status, _, err = run("lint", "p.yaml", "--policy", "ours.yaml")
    assert status == 2
    assert "ours.yaml:3:9: found `uefi/zero-page`, which names no rule" in err
    assert "did you mean `uefi/zero-pages`?" in err


def test_where_nothing_was_looked_at_nothing_is_said_to_be_clean(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(MINIMAL.replace("pages", "pagess"))
    _, out, _ = run("lint", "p.yaml")
    assert "nothing linted; 1 input not understood" in out
    assert "no findings" not in out


def test_a_selection_of_nothing_is_refused(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(MINIMAL)
    assert run("lint", "p.yaml", "--select", "uefi/*", "--ignore", "*")[0] == 2


def test_an_input_named_twice_counts_once_however_it_is_spelled(folder: Path, run: Run) -> None:
    (folder / "bad.yaml").write_text(BAD)
    (folder / "sub").mkdir()
    (folder / "link.yaml").symlink_to("bad.yaml")
    spellings = ("bad.yaml", "./bad.yaml", "sub/../bad.yaml", folder / "bad.yaml", "./b*.yaml", ".")
    status, out, _ = run("lint", *spellings, "--format", "json")
    assert status == 1
    assert [item["path"] for item in json.loads(out)["inputs"]] == ["bad.yaml", "link.yaml"]


def test_json_can_say_on_and_off(folder: Path, run: Run) -> None:
    """Only `true` and `false` are words that JSON need not quote."""
    text = MINIMAL + "handover: {variant: x, mmu: \"on\", cache: 'off'}\n"
    (folder / "p.yaml").write_text(text)
    assert "expected `on` or `off`" not in run("lint", "p.yaml")[1]
    (folder / "p.yaml").write_text(text.replace('"on"', "true"))
    assert "expected `on` or `off`" in run("lint", "p.yaml")[1]
