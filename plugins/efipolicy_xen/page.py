"""Where the texts of this package's strategies are."""

import os


def page_of(strategy: str) -> str:
    """The path of what the documentation says of a strategy, reStructuredText."""
    return f"{os.path.dirname(__file__)}/pages/{strategy}.rst"
