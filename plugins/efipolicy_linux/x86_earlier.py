"""The x86 strategies beside ``x86-topdown``, those that were only proposed among them."""

from efipolicy_linux.i386_ioremap import I386_IOREMAP
from efipolicy_linux.x86_dense_from_4g import X86_DENSE_FROM_4G
from efipolicy_linux.x86_fixed_window import X86_FIXED_WINDOW
from efipolicy_linux.x86_ioremap_svam import X86_IOREMAP_SVAM
from efipolicy_linux.x86_mixed import X86_MIXED
from efipolicy_linux.x86_phys_private import X86_PHYS_PRIVATE
from efipolicy_linux.x86_shared_1to1 import X86_SHARED_1TO1

STRATEGIES = (
    X86_IOREMAP_SVAM,
    X86_PHYS_PRIVATE,
    X86_SHARED_1TO1,
    X86_DENSE_FROM_4G,
    X86_FIXED_WINDOW,
    X86_MIXED,
    I386_IOREMAP,
)
