"""How the documentation is built: ``sphinx-build -W -n docs docs/_build/html``."""

import sys
from importlib import import_module
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import efipolicy
from efipolicy.drawing.latex_book import BOOK_SETTINGS

project = "efipolicy"
author = "The efipolicy authors"
project_copyright = author
version = release = efipolicy.__version__

sys.path.append(str(Path(__file__).parent / "extensions"))
extensions = [
    "efipolicy.sphinxext",
    "recorded_boots",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "extensions"]
nitpicky = True

efipolicy_rule_pages = "reference/rules"
efipolicy_strategy_pages = "reference/strategies"
efipolicy_architecture_pages = "reference/architectures"
efipolicy_platform_pages = "reference/platforms"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_use_legacy_class_based = False
python_use_unqualified_type_names = True
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

html_theme = "furo"
html_title = "efipolicy"
html_copy_source = False
html_show_sphinx = False
html_last_updated_fmt = None

latex_engine = BOOK_SETTINGS["latex_engine"]
latex_use_xindy = BOOK_SETTINGS["latex_use_xindy"]
latex_elements = BOOK_SETTINGS["latex_elements"] | {"extraclassoptions": "oneside,openany"}


PARTS_OF_THE_API = ("", ".paging", ".handovers", ".chains")


def resolve_type(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Element | None:
    """Lead a type named by its home to its place in the plugin API.

    ``efipolicy.model.finding.Finding`` is documented as ``efipolicy.plugin.Finding``, the one
    name plugin authors use. A type that exists and is documented nowhere stays text, and so do
    those of the standard library: there is no network.
    """
    if node.get("refdomain") != "py":
        return None
    module, _, name = node["reftarget"].rpartition(".")
    documented = env.domains.python_domain.objects
    homes = (f"efipolicy.plugin{part}.{name}" for part in PARTS_OF_THE_API)
    found = next((documented[home] for home in homes if home in documented), None)
    if found and (not module or module.startswith("efipolicy")):
        uri = app.builder.get_relative_uri(node["refdoc"], found.docname)
        return nodes.reference("", "", content, internal=True, refuri=f"{uri}#{found.node_id}")
    standard = module.partition(".")[0] in sys.stdlib_module_names
    parts = [import_module(f"efipolicy.plugin{part}") for part in PARTS_OF_THE_API]
    ours = [*parts, *(value for key, value in sys.modules.items() if key.startswith("efipolicy"))]
    return content if standard or any(hasattr(value, name) for value in ours) else None


def setup(app: Sphinx) -> None:
    """Connect what this project needs besides its extensions."""
    app.connect("missing-reference", resolve_type)
