"""What comes with efipolicy keeps the promises that the kit asks of a stranger's plugin."""

from efipolicy.plugin import AddressRange
from efipolicy.testing import (
    ArchitectureConformance,
    FormatConformance,
    RuleConformance,
    StrategyConformance,
)
from tests.conftest import ROOT

CAPTURES = ROOT / "tests" / "captures"

TestArchitectures = ArchitectureConformance.of("efipolicy", rounds=5)
TestFormats = FormatConformance.of("efipolicy", samples=tuple(sorted(CAPTURES.glob("*.txt"))))
TestRules = RuleConformance.of("efipolicy")
TestStrategies = StrategyConformance.of("efipolicy", random_maps=1)

X86_WINDOW = AddressRange((1 << 64) - (68 << 30), (1 << 64) - (4 << 30))
"""EFI_VA_END to EFI_VA_START (Linux 6.12, Documentation/arch/x86/x86_64/mm.rst)."""

TestTopDown = StrategyConformance.of(
    "linux",
    only=("x86-topdown", "x86-dense-from-4g"),
    window=X86_WINDOW,
    placement="down",
    random_maps=4,
)
TestFixedWindow = StrategyConformance.of(
    "linux", only=("x86-fixed-window",), window=X86_WINDOW, order_matters=False, random_maps=4
)
