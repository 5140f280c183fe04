"""The suites that every architecture, strategy and rule passes, efipolicy's own included."""

from efipolicy.testing import ArchitectureConformance, RuleConformance, StrategyConformance

TestArchitecture = ArchitectureConformance.of("efipolicy-riscv64")
TestRules = RuleConformance.of("efipolicy-riscv64")
TestStrategy = StrategyConformance.of("efipolicy-riscv64", placement="up")
