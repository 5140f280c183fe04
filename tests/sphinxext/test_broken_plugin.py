"""A project of one's own, beside a plugin that is broken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from efipolicy.plugin.discovery import EntryPoint
from efipolicy.plugin.registry import Registry
from efipolicy.sphinxext import installed
from tests.plugin.broken_plugins import BROKEN


def test_the_project_is_built_and_the_plugin_is_warned_of(tmp_path: Path):
    (tmp_path / "conf.py").write_text('extensions = ["efipolicy.sphinxext"]\n')
    (tmp_path / "index.rst").write_text("Index\n=====\n\n.. efi:memory-map:: ovmf-x86_64\n")
    build = [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(tmp_path), str(tmp_path / "o")]
    environment = {**os.environ, "PYTHONPATH": str(BROKEN / "raises-at-import")}
    done = subprocess.run(
        build, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0
    assert done.stderr.count("plugin `raises-at-import`") == 1
    assert "Traceback" not in done.stderr
    assert "<svg" in (tmp_path / "o" / "index.html").read_text(encoding="utf-8")
    strict = subprocess.run(
        [*build, "-W", "-E"], env=environment, capture_output=True, text=True, check=False
    )
    assert strict.returncode == 1


def test_where_every_plugin_is_broken_none_is_left(monkeypatch: pytest.MonkeyPatch):
    broken = EntryPoint("uefi", "efipolicy_nowhere", "efipolicy", "1.0")
    monkeypatch.setattr(installed, "load_registry", lambda: Registry([broken]))
    # Not by its cache, which other tests share.
    assert installed.registry.__wrapped__().plugins == []
