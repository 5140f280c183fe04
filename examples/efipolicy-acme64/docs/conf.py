"""How the documentation is built: ``sphinx-build -W -n docs docs/_build/html``.

``EFIPOLICY_DOCS`` is where that of efipolicy is found: an address, or a folder of built pages.
Without it, the names of efipolicy's own pages stay text.
"""

import os
from importlib.metadata import version as version_of

project = "efipolicy-acme64"
author = "The authors of efipolicy-acme64"
project_copyright = author
version = release = version_of(project)

extensions = [
    "sphinx.ext.intersphinx",  # first: what links lead out, before they are given up
    "efipolicy.sphinxext",
]
exclude_patterns = ["_build"]
nitpicky = True

EFIPOLICY = os.environ.get("EFIPOLICY_DOCS")
intersphinx_mapping = {"efipolicy": (EFIPOLICY, None)} if EFIPOLICY else {}
intersphinx_disabled_reftypes = ["std:doc"]

html_theme = "furo"
html_title = "efipolicy-acme64"
html_copy_source = False
html_show_sphinx = False
