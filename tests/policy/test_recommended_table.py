"""The shipped policies say of every requirement what was found to be right on real machines."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from efipolicy.plugin import Rule
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection, load_policy
from efipolicy.policy.requirements import load_requirements

POLICIES = ("recommended", "uefi", "strict")

UNTOLD = {
    "accept/": "acceptances are the linter's own, no requirement's",
    "capture/": "reading a text is the linter's own business, no requirement's",
    "kexec/fault-in-service-after-kexec": "what firmware is known to touch, not what it may",
    "kexec/runtime-services-lost-after-kexec": "a kernel may do without runtime services",
    "linux/big-mmio-window": "a note; no sentence of UEFI is broken",
    "linux/call-mode-never-exercised": "UEFI allows both modes; what was tested is no clause",
    "linux/device-registers-mapped-encrypted": "what Linux makes of a type in a guest",
    "linux/fixed-window-end-not-2m-aligned": "a proposed layout's own demand",
    "linux/mmio-offered-as-write-back": "a note; no sentence of UEFI is broken",
    "linux/saved-state-not-per-cpu": "how a kernel keeps its own state",
    "linux/runtime-memory-at-page-zero": "a note; no sentence of UEFI is broken",
    "plan/declaration-contradicts-strategy": "the platform file against itself, no requirement's",
    "plan/firmware-access-faults": "what firmware is known to touch, under one mapping",
    "plan/frame-beyond-physical-width": "the processor's demand on page tables, not UEFI's",
    "plan/identity-mapping-writable-and-executable": "protection is an operating system's choice",
    "plan/layout-follows-unsorted-map": "no clause asks for an order of the memory map",
    "plan/mapping-out-of-reach": "the processor's demand on page tables, not UEFI's",
    "plan/no-identity-mapping": "UEFI asks for one mapping, not for two",
    "plan/os-page-shared-by-different-regions": "what a kernel's larger pages cost",
    "plan/page-zero-mapped": "protection is an operating system's choice",
    "plan/misaligned-frame-in-large-leaf": "the processor's demand on page tables, not UEFI's",
    "plan/runtime-memory-too-high": "a limit that a policy sets",
    "plan/same-frame-with-two-cache-types": "the processor's demand on page tables, not UEFI's",
    "plan/too-many-runtime-descriptors": "a limit that a policy sets",
    "plan/too-much-runtime-memory": "a limit that a policy sets",
    "linux/handover-device-tree-too-big": "the arm64 boot protocol's demand, not UEFI's",
    "linux/handover-idmap-text-over-one-page": "what a proposed kernel entry costs",
    "linux/handover-image-misaligned": "the arm64 boot protocol's demand, not UEFI's",
    "linux/handover-image-outside-one-region": "what Linux asks of a loader, not UEFI",
    "linux/handover-memory-not-cacheable": "what Linux asks of an entry with caches on, not UEFI",
    "linux/handover-mmu-left-on": "the arm64 boot protocol's demand, not UEFI's",
    "linux/handover-mmu-on-without-efi": "what Linux asks of a loader, not UEFI",
    "linux/handover-mmu-or-caches-off": "what a kernel entry costs; no sentence of UEFI is broken",
    "plan/unknown-window-address": "a note; no sentence of UEFI is broken",
    "plan/va32-exhaustion": "room for addresses is an operating system's matter",
    "plan/window-overflow": "room for addresses is an operating system's matter",
    "plan/writable-and-executable": "protection is an operating system's choice",
}
"""Rules of which the table says nothing: those of a pack, or one, and why."""

OTHERWISE = {
    # Linux on x86-64 and on Itanium sends such entries, EDK II passes them by: it is the entry of
    # a region that the map does not have that fails the call, and another rule's error.
    "uefi/virtual-map-entry-without-runtime": {
        "recommended": "off",
        "uefi": "info",
        "strict": "info",
    },
}
"""Rules about a harmless part of what their requirement forbids, with the severity they have."""


class Row(NamedTuple):
    """The severities a requirement's rules may have, ``off`` among them, under each policy."""

    recommended: frozenset[str]
    uefi: frozenset[str]
    strict: frozenset[str]


def read_table() -> dict[str, Row]:
    rows = {}
    text = Path(__file__).with_name("recommended-table.txt").read_text()
    for line in text.splitlines():
        if line and not line.startswith("#"):
            code, recommended, *others = line.split()
            cells = [recommended, *(recommended if cell == "=" else cell for cell in others)]
            rows[code] = Row(*(frozenset(cell.split("|")) for cell in cells))
    return rows


TABLE = read_table()


def severity_under(policy: str, rule: Rule, registry: Registry) -> str:
    severity = Selection([load_policy(policy, registry.policies)]).severity(rule)
    return severity.value if severity else "off"


def reason_untold(rule: Rule) -> str | None:
    return UNTOLD.get(rule.id) or UNTOLD.get(f"{rule.pack}/")


def test_the_table_is_about_every_requirement_of_ours(registry: Registry) -> None:
    requirements, _ = load_requirements(registry.requirements)
    ours = {entry.code for entry in requirements if entry.distribution == "efipolicy"}
    assert set(TABLE) == ours


@pytest.mark.parametrize("policy", POLICIES)
def test_a_rule_has_the_severity_of_its_requirement(registry: Registry, policy: str) -> None:
    wrong = []
    for rule in registry.rules.values():
        told = [getattr(TABLE[code], policy) for code in rule.requirements if code in TABLE]
        severity = severity_under(policy, rule, registry)
        exception = OTHERWISE.get(rule.id)
        allowed = {exception[policy]} if exception else frozenset().union(*told)
        if told and severity not in allowed:
            expected = " or ".join(sorted(allowed))
            wrong.append(f"{rule.id} ({', '.join(rule.requirements)}): {severity}, not {expected}")
    assert not wrong, f"{policy}:\n" + "\n".join(wrong)


def test_a_rule_of_which_the_table_says_nothing_is_listed_with_the_reason(
    registry: Registry,
) -> None:
    untold = [rule for rule in registry.rules.values() if not TABLE.keys() & rule.requirements]
    assert [rule.id for rule in untold if not reason_untold(rule)] == []


def test_no_reason_is_given_for_a_rule_of_which_the_table_speaks(registry: Registry) -> None:
    assert registry.rules.keys() >= OTHERWISE.keys()
    for name in UNTOLD:
        if not name.endswith("/"):
            assert not TABLE.keys() & registry.rules[name].requirements, name
