"""``efipolicy import``: what a platform file made of a capture says, and what it may not say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from efipolicy.api import lint_paths, selection_of
from efipolicy.model.finding import Report
from efipolicy.plugin.registry import Registry
from tests.conftest import MINIMAL, PLATFORMS, ROOT, Run

CAPTURES = sorted((ROOT / "tests" / "captures").rglob("*.txt"))


def status_of(capture: Path, registry: Registry) -> int:
    """How importing a capture ends: with 4 where the plugin for its architecture is missing."""
    return 4 if "riscv64" in capture.stem and "riscv64" not in registry.architectures else 0


def judged(path: Path, registry: Registry) -> tuple[object, ...]:
    """What lint says of a file, places aside: findings, and how each rule ended."""
    selection = selection_of(registry, policies=["strict"], preview=True)
    report = lint_paths([str(path)], registry, selection, today="2026-01-01")
    (item,) = report.inputs
    platform = item.platform
    assert platform is not None
    checked = item.checked
    ended = (checked.passed, checked.failed, checked.not_applicable)
    return (
        findings(report),
        [sorted(rules) for rules in ended],
        sorted(checked.not_checked),
        (platform.architecture, platform.architecture_reason, platform.name, platform.title),
        [str(error).partition(": ")[2] for error in report.errors],
    )


def findings(report: Report) -> list[tuple[str, ...]]:
    return sorted(
        (
            one.rule,
            one.severity.value,
            one.confidence.value,
            one.responsible.value,
            one.finding.message,
            str(one.region),
            one.fingerprint,
        )
        for one in report.findings
    )


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.stem)
def test_lint_says_the_same_of_a_capture_and_of_the_file_made_of_it(
    capture: Path, folder: Path, run: Run, registry: Registry
) -> None:
    made = folder / "made.yaml"
    status, out, _ = run("import", capture, "-o", made)
    assert (status, out) == (status_of(capture, registry), "")
    assert judged(made, registry) == judged(capture, registry)


@pytest.mark.parametrize("cut", [0, 7], ids=["whole", "damaged"])
def test_a_capture_and_the_file_made_of_it_do_not_differ(cut: int, folder: Path, run: Run) -> None:
    for capture in CAPTURES[0], CAPTURES[3]:
        lines = capture.read_text().splitlines()
        damaged = [x[: len(x) // 2] if cut and not n % cut else x for n, x in enumerate(lines)]
        (folder / "capture.txt").write_text("\n".join(damaged))
        run("import", "capture.txt", "-o", "made.yaml")
        status, out, _ = run("diff", "capture.txt", "made.yaml", "--policy", "strict")
        assert status == 0, out


def test_a_line_whose_words_are_left_out_is_the_same_line(folder: Path, run: Run) -> None:
    (folder / "capture.txt").write_text(
        "[    0.000000] efi: mem00: [Runtime Dxta|RUN|WB] range=[0x1000-0x1fff] (0MB)\n"
        "[    0.000000] efi: mem01: [Runtime Data|RUN|WB] range=[0x2000-0x2fff] (0MB)\n"
        "[    0.000000] efi: mem02: [Conventional|   |WB] range=[0x3000-0x3fff] (0MB)\n"
    )
    _, made, _ = run("import", "capture.txt")
    assert "{line: 1, what: the unknown type …}" in made.replace('"', "")
    (folder / "made.yaml").write_text(made)
    status, out, _ = run("diff", "capture.txt", "made.yaml", "--policy", "strict")
    assert status == 0, out
    assert run("diff", "made.yaml", "capture.txt", "--policy", "strict")[0] == 0


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.stem)
def test_importing_what_was_imported_gives_it_back(
    capture: Path, folder: Path, run: Run, registry: Registry
) -> None:
    _, made, _ = run("import", capture)
    (folder / "made.yaml").write_text(made)
    assert run("import", "made.yaml")[:2] == (status_of(capture, registry), made)


@pytest.mark.parametrize("path", sorted(PLATFORMS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_platform_file_is_given_back_with_its_comments(path: Path, run: Run) -> None:
    status, out, _ = run("import", path)
    assert (status, out) == (0, path.read_text())


def test_a_platform_file_written_as_json_is_given_back_as_it_is(folder: Path, run: Run) -> None:
    descriptor = {"type": 7, "physical_start": "0x0", "pages": 16, "note": "für später"}
    value = {
        "efipolicy": 1,
        "platform": {"name": "minimal", "architecture": "x86_64", "uefi": "2.10"},
        "memory_map": {"extent": "whole", "descriptors": [descriptor]},
    }
    for text in (json.dumps(value), json.dumps(value, indent="\t", ensure_ascii=False) + "\n\n"):
        (folder / "p.json").write_text(text, encoding="utf-8")
        assert run("import", "p.json") == (0, text, "")


def test_odd_spellings_survive(folder: Path, run: Run) -> None:
    text = "# über allem\r\n" + MINIMAL.replace("\n", "  # why\r\n").replace("0x10", "0x1_0")
    (folder / "p.yaml").write_bytes(text.encode())
    status, _, _ = run("import", "p.yaml", "-o", "again.yaml")
    assert status == 0
    assert (folder / "again.yaml").read_bytes() == text.encode()


def test_a_capture_is_not_overwritten(folder: Path, run: Run) -> None:
    text = "efi: mem00: type=7, attr=0xf, range=[0x0-0x1000) (0MB)\n"
    (folder / "log.txt").write_text(text)
    status, _, err = run("import", "log.txt", "-o", "./log.txt")
    assert status == 2
    assert "it would replace the capture itself" in err
    assert (folder / "log.txt").read_text() == text


def test_findings_do_not_change_the_exit_status(folder: Path, run: Run) -> None:
    (folder / "bad.txt").write_text("efi: mem00: type=7, attr=0x0, range=[0x0-0x0) (0MB)\n")
    assert run("lint", "bad.txt")[0] == 1
    assert run("import", "bad.txt")[0] == 0


def test_lines_that_cannot_be_read_are_told_with_their_words(folder: Path, run: Run) -> None:
    (folder / "log.txt").write_text(
        "efi: mem00: type=7, attr=0xf, range=[0x0-0x1000)\nefi: mem01: ?\n"
    )
    status, out, err = run("import", "log.txt")
    assert status == 0
    assert err == "efipolicy: warning: log.txt:2:6: no type and range behind `mem01:`\n"
    assert '  - {line: 2, what: "no type and range behind `mem01:`"}\n' in out


def test_a_line_that_cannot_be_read_is_a_finding_in_the_imported_file_too(
    folder: Path, run: Run
) -> None:
    (folder / "log.txt").write_text(
        "efi: mem00: type=7, attr=0xf, range=[0x0-0x1000)\nefi: mem01: ?\n"
    )
    assert run("import", "log.txt", "-o", "log.yaml")[0] == 0
    for name in ("log.txt", "log.yaml"):
        status, out, _ = run("lint", name, "--fail-on", "warning", "--isolated")
        assert status == 1
        assert "cannot be read as a descriptor: no type and range behind `mem01:`" in out


def test_a_text_without_a_map_is_told(folder: Path, run: Run) -> None:
    (folder / "log.txt").write_text(
        "Linux version 6.1.0 (x86_64-linux-gnu-gcc)\nefi: EFI v2.7 by EDK II\n"
    )
    status, out, err = run("import", "log.txt")
    assert status == 0
    assert "  descriptors: []\n" in out
    assert err == "efipolicy: note: log.txt holds no memory map\n"
    assert run("import", "log.txt", "-q")[2] == ""


@pytest.mark.parametrize(
    ("name", "content"),
    [("empty.txt", ""), ("other.txt", "nothing of interest\n"), ("p.yaml", "efipolicy: 1\n")],
)
def test_what_cannot_be_understood_is_unreadable_input(
    name: str, content: str, folder: Path, run: Run
) -> None:
    (folder / name).write_text(content)
    status, out, err = run("import", name)
    assert (status, out) == (3, "")
    assert err.startswith(f"efipolicy: error: {name}")


def test_a_capture_or_the_running_system_and_not_both(folder: Path, run: Run) -> None:
    (folder / "log.txt").write_text("")
    for arguments, words in (
        ((), "a CAPTURE is required, or --live"),
        (("log.txt", "--live"), "a CAPTURE or --live, not both"),
        (("-", "--live"), "a CAPTURE or --live, not both"),
    ):
        status, out, err = run("import", *arguments)
        assert (status, out) == (2, "")
        assert words in err
