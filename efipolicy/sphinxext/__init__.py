"""A Sphinx extension: pictures of memory maps, pages of rules, strategies, platforms.

.. code-block:: python

    extensions = ["efipolicy.sphinxext"]

``efipolicy_rule_pages``, ``efipolicy_strategy_pages``, ``efipolicy_architecture_pages`` and
``efipolicy_platform_pages`` name folders of the source tree into which the pages of all rules, of
all strategies, of all architectures and of all reference platforms are written; without them
nothing is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from efipolicy import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register nodes, domain, directives and generated pages."""
    from efipolicy.sphinxext import (
        architecture_pages,
        bit_fields,
        book_pages,
        commands,
        conformance_pages,
        domain,
        domain_search,
        element_transforms,
        elements,
        extension_pages,
        file_times,
        findings_pages,
        generated,
        kexec_pages,
        larger_pages,
        mapping_pages,
        matrix_pages,
        page_table_pages,
        page_walk_pages,
        platform_pages,
        plugin_pages,
        policy_pages,
        reference_pages,
        requirement_pages,
        rule_index,
        rule_pages,
        short_html,
        site_pages,
        strategy_pages,
        style,
        ticks,
        type_pages,
        unique_ids,
    )

    app.require_sphinx("8.1")
    app.add_config_value(
        "efipolicy_rule_pages",
        None,
        "env",
        (str, type(None)),
        "Folder of the source tree into which the pages of all rules are written.",
    )
    app.add_config_value(
        "efipolicy_strategy_pages",
        None,
        "env",
        (str, type(None)),
        "Folder of the source tree into which the pages of all strategies are written.",
    )
    app.add_config_value(
        "efipolicy_architecture_pages",
        None,
        "env",
        (str, type(None)),
        "Folder of the source tree into which the pages of all architectures are written.",
    )
    app.add_config_value(
        "efipolicy_platform_pages",
        None,
        "env",
        (str, type(None)),
        "Folder of the source tree into which the pages of all reference platforms are written.",
    )
    domain.setup(app)
    domain_search.setup(app)
    elements.setup(app)
    element_transforms.setup(app)
    generated.setup(app)
    style.setup(app)
    rule_pages.setup(app)
    short_html.setup(app)
    site_pages.setup(app)
    book_pages.setup(app)
    ticks.setup(app)
    type_pages.setup(app)
    unique_ids.setup(app)
    file_times.setup(app)
    app.add_directive_to_domain("efi", "rule", rule_pages.EfiRule)
    app.add_directive_to_domain("efi", "rules", rule_index.EfiRules)
    app.add_directive_to_domain("efi", "larger-page", larger_pages.EfiLargerPage)
    app.add_directive_to_domain("efi", "platform", platform_pages.EfiPlatform)
    app.add_directive_to_domain("efi", "platforms", platform_pages.EfiPlatforms)
    app.add_directive_to_domain("efi", "memory-map", platform_pages.EfiMemoryMap)
    app.add_directive_to_domain("efi", "extension", extension_pages.EfiExtension)
    app.add_directive_to_domain("efi", "findings", findings_pages.EfiFindings)
    app.add_directive_to_domain("efi", "kexec-chain", kexec_pages.EfiKexecChain)
    app.add_directive_to_domain("efi", "mapping", mapping_pages.EfiMapping)
    app.add_directive_to_domain("efi", "matrix", matrix_pages.EfiMatrix)
    app.add_directive_to_domain("efi", "page-tables", page_table_pages.EfiPageTables)
    app.add_directive_to_domain("efi", "page-walk", page_walk_pages.EfiPageWalk)
    app.add_directive_to_domain("efi", "platform-format", reference_pages.EfiPlatformFormat)
    app.add_directive_to_domain("efi", "hooks", reference_pages.EfiHooks)
    app.add_directive_to_domain("efi", "architectures", reference_pages.EfiArchitectures)
    app.add_directive_to_domain("efi", "strategy", strategy_pages.EfiStrategy)
    app.add_directive_to_domain("efi", "strategies", strategy_pages.EfiStrategies)
    app.add_directive_to_domain("efi", "architecture", architecture_pages.EfiArchitecture)
    app.add_directive_to_domain(
        "efi", "architecture-index", architecture_pages.EfiArchitectureIndex
    )
    app.add_directive_to_domain("efi", "bit-field", bit_fields.EfiBitField)
    app.add_directive_to_domain("efi", "types", type_pages.EfiTypes)
    app.add_directive_to_domain("efi", "attributes", type_pages.EfiAttributes)
    app.add_directive_to_domain("efi", "handovers", reference_pages.EfiHandovers)
    app.add_directive_to_domain("efi", "formats", reference_pages.EfiFormats)
    app.add_directive_to_domain("efi", "requirements", requirement_pages.EfiRequirements)
    app.add_directive_to_domain("efi", "policies", policy_pages.EfiPolicies)
    app.add_directive_to_domain("efi", "policy-format", policy_pages.EfiPolicyFormat)
    app.add_directive_to_domain("efi", "conformance", conformance_pages.EfiConformance)
    app.add_directive_to_domain("efi", "plugin", plugin_pages.EfiPlugin)
    app.add_directive_to_domain("efi", "plugins", plugin_pages.EfiPlugins)
    app.add_directive_to_domain("efi", "command", commands.EfiCommand)
    app.connect("html-page-context", _let_keys_scroll)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}


def _let_keys_scroll(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: object
) -> None:
    """Make long lines of our code blocks reachable without a mouse (WCAG 2.2, 2.1.1)."""
    body = context.get("body")
    if isinstance(body, str) and ("ep-code" in body or "ep-console" in body):
        context["body"] = body.replace("<pre><span></span>", '<pre tabindex="0"><span></span>')
