"""Where Windows protects the memory of runtime services with its hypervisor (HVCI)."""

from __future__ import annotations

from efipolicy.plugin import Platform

_ARCHITECTURES = ("x86_64", "arm64")


def with_hvci(platform: Platform, code: str) -> tuple[str, ...]:
    """A requirement, and WIN-002 besides on a platform that can run Windows with HVCI."""
    return (code, "WIN-002") if platform.architecture in _ARCHITECTURES else (code,)
