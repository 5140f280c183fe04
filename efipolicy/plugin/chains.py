"""What rules receive of simulated kernels, apart from `efipolicy.plugin` because few of them do.

Import it for type checking only: the values come as the facts ``accesses`` and ``chain_report``.
"""

from efipolicy.model.access import AccessOutcome
from efipolicy.model.chain import ChainHop, ChainReport, CounterExample, Verdict

__all__ = ["AccessOutcome", "ChainHop", "ChainReport", "CounterExample", "Verdict"]
