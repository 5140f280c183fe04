"""``python -m efipolicy``."""

import sys

from efipolicy.cli import main

sys.exit(main())
