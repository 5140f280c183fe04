"""Which rules count, and how much."""

from efipolicy.policy.loading import load_policy
from efipolicy.policy.selection import Policy, Selection, Setting

__all__ = ["Policy", "Selection", "Setting", "load_policy"]
