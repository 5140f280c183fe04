"""Where the configuration is. Apart from its reader, which most runs never need."""

from __future__ import annotations

import os

CONFIGURATION = ".efipolicy.yaml"


def find_configuration(start: str = ".") -> str | None:
    """The nearest configuration file: of a folder, or of one above it in the same repository.

    Outside a repository only the folder's own counts, so that nobody's file in a shared folder far
    above has a say.
    """
    try:
        start = folder = os.path.abspath(start)
    except OSError:  # the working directory was removed
        return None
    nearest = None
    while True:
        path = os.path.join(folder, CONFIGURATION)
        # A link that leads nowhere is a configuration too: opening it tells what is wrong.
        if nearest is None and (os.path.isfile(path) or os.path.islink(path)):
            nearest = path
        if (nearest and folder == start) or os.path.exists(os.path.join(folder, ".git")):
            return nearest
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
