"""``python -m efipolicy``."""

import sys

# ``python -m`` puts the working directory first: the place of what is linted, not of code.
if not sys.flags.safe_path:
    del sys.path[0]

from efipolicy.cli import main

sys.exit(main())
