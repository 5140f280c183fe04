"""How the documentation is built: ``sphinx-build -W -n docs docs/_build/html``.

``EFIPOLICY_DOCS`` is where that of efipolicy is found, an address or a folder of built pages; by
default it is the folder in which the checkout around this example builds its own.
"""

import os
from importlib.metadata import version as version_of
from pathlib import Path

project = "efipolicy-riscv64"
author = "The efipolicy authors"
project_copyright = author
version = release = version_of(project)

extensions = [
    "sphinx.ext.intersphinx",  # first: what links lead out, before they are given up
    "efipolicy.sphinxext",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
nitpicky = True

BUILT = Path(__file__).parents[3] / "docs" / "_build" / "html"
EFIPOLICY = os.environ.get("EFIPOLICY_DOCS") or str(BUILT)
intersphinx_mapping = {"efipolicy": (EFIPOLICY, None)}
intersphinx_disabled_reftypes = ["std:doc"]
nitpick_ignore_regex = [
    ("py:.*", r"(?!efipolicy).*"),  # the standard library's
    ("py:class", r"efipolicy\.paging\..*"),  # types by their home; authors know them by the API
]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

html_theme = "furo"
html_title = "efipolicy-riscv64"
html_copy_source = False
html_show_sphinx = False
html_last_updated_fmt = None
