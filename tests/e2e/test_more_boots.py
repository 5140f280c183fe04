"""More recorded boots, where a folder with them is named: ``EFIPOLICY_MORE_BOOTS``.

Each is a folder with ``dmesg.txt``, and with a runtime map or page tables of the same boot. A log
without a map, as kernels print it without ``efi=debug``, predicts nothing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.e2e.checks import KNOWN_ONLY_AFTERWARDS, Run, printed_map

MORE = Path(os.environ.get("EFIPOLICY_MORE_BOOTS") or os.devnull)
OBSERVED = [
    (log, observed)
    for log in sorted(MORE.glob("*/dmesg.txt"))
    if printed_map(log.read_text(errors="replace"))
    for observed in sorted(log.parent.glob("*.txt"))
    if observed.name == "runtime-map.txt" or "page_tables" in observed.name
]
OPEN = (*KNOWN_ONLY_AFTERWARDS, "boot-services memory that stays mapped, as with efi=debug")
"""Boots are not known one by one here: option `efi_debug` is not given to any."""
UNTOLD = ("arm64-stub-virtmap",)
"""What a log cannot tell: an Altra is told by SMBIOS only, and so is a narrow kernel."""


@pytest.mark.parametrize(
    ("log", "observed"), OBSERVED, ids=[f"{log.parent.name}-{seen.name}" for log, seen in OBSERVED]
)
def test_what_a_kernel_did_is_what_is_predicted(log: Path, observed: Path, run: Run) -> None:
    tried = []
    for words in ((), *(("--strategy", name) for name in UNTOLD)):
        status, text, errors = run("verify", log, observed, *words, "--format", "json")
        if status == 4:
            assert "pip install efipolicy-" in errors  # an architecture of a third party
            return
        found = json.loads(text)
        tried.append(found["status"])
        if found["status"] == "match":
            assert found["compared"] > 0
            assert all(one["why"].startswith(OPEN) for one in found["explained"])
            return
    pytest.fail(f"no strategy matches: {tried}")
