"""Which rules count, and how much."""

from efipolicy.policy.loading import load_policy
from efipolicy.policy.selection import Policy, Selection

__all__ = ["Policy", "Selection", "load_policy"]
