"""What a log of edk2 proves of its machine: the DXE core prints the path it was built at."""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import NOTHING_SAYS
from efipolicy.model.platform import ArchitectureReason

_MACHINES: Final = {
    "X64": "x86_64",
    "IA32": "i386",
    "AARCH64": "arm64",
    "ARM": "arm32",
    "RISCV64": "riscv64",
    "LOONGARCH64": "loongarch64",
}
_CORE: Final = re.compile(r"MdeModulePkg[/\\]Core[/\\]Dxe[/\\]DxeMain\b")
_MACHINE: Final = re.compile(rf"[/\\]({'|'.join(_MACHINES)})[/\\]\Z")


def built_for(text: CaptureText) -> tuple[str, ArchitectureReason]:
    """The architecture of the DXE core, which is the firmware's; PEI may be of another."""
    for core in _CORE.finditer(text.text):
        machine = _MACHINE.search(text.text, max(0, core.start() - 16), core.start())
        if machine and not text.is_remark(core.start()):
            evidence = f"the DXE core was built in `{machine[1]}/{core[0]}`"
            return _MACHINES[machine[1]], ArchitectureReason(kind="stated", evidence=evidence)
    return NOTHING_SAYS
