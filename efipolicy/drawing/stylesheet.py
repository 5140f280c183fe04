"""The one description of how classes look, and the stylesheets and literal values made of it."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import Final

from efipolicy.drawing.tokens import FAMILIES, SEVERITIES, tokens

_SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',Arial,sans-serif"
_MONO = "ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
_FONTS = {
    "@sans": f"var(--font-stack,{_SANS})",
    "@mono": f"var(--font-stack--monospace,{_MONO})",
}
_PRINT_FONTS = {
    "@sans": "'DejaVu Sans','Liberation Sans',Arial,sans-serif",
    "@mono": "'DejaVu Sans Mono','Liberation Mono',monospace",
}

_NAMES = re.compile(r'class="([^"]*)"')
_CLASS = re.compile(r"\.(ep-[a-z-]+)")
_VARIABLE = re.compile(r"var\(--ep-([a-z-]+)\)")

Properties = dict[str, str]


def _line(colour: str, width: str = "1", dashes: str | None = None) -> Properties:
    line = {"fill": "none", "stroke": colour, "stroke-width": width}
    return line | ({"stroke-dasharray": dashes} if dashes else {})


def _families() -> dict[str, Properties]:
    return {
        family: {"fill": f"${family}", "stroke": f"${family}-s", "stroke-width": "1"}
        for family in FAMILIES
    } | {"oem": {"fill": "$bg", "stroke": "$ink", "stroke-width": "1", "stroke-dasharray": "4 3"}}


def _severities() -> dict[str, Properties]:
    classes: dict[str, Properties] = {}
    for severity in SEVERITIES:
        classes[severity] = {"fill": f"${severity}"}
        classes[f"{severity}-l"] = _line(f"${severity}", "1.3")
        classes[f"{severity}-x"] = _line(f"${severity}-on", "1.5") | {
            "stroke-linecap": "round",
            "stroke-linejoin": "round",
        }
    return classes


CLASSES: Final[dict[str, Properties]] = {
    "fig": {"font-family": "@sans", "font-size": "12px", "fill": "$ink"},
    "m": {"font-family": "@mono", "font-size": "11.5px", "font-variant-ligatures": "none"},
    "b": {"font-weight": "600"},
    "i": {"font-style": "italic"},
    "s": {"font-size": "11px"},
    "xs": {"font-size": "10px"},
    "h": {"font-size": "14px", "font-weight": "650"},
    "u": {"fill": "$mut"},
    "e": {"text-anchor": "end"},
    "c": {"text-anchor": "middle"},
    **_families(),
    **_severities(),
    "strip": {"stroke-width": "0.6"},
    "leaf": {"fill-opacity": "0.16", "stroke": "none"},
    "plain": {"stroke": "none"},
    "on": {"fill": "$on-strong"},
    "hair": _line("$faint"),
    "stripe": {"stroke-width": "0.5", "stroke-opacity": "0.6"},
    "page": {"fill": "$bg"},
    "track": {"fill": "$faint"},
    "axis": _line("$rule"),
    "side": _line("$rule", dashes="2 3"),
    "break": _line("$mut"),
    "boundary": _line("$mut", "0.8", "6 3"),
    "arrow": _line("$mut", "1.2") | {"stroke-linecap": "round", "stroke-linejoin": "round"},
    "set": {"fill": "$ink"},
    "clear": _line("$mut"),
    "set-u": {"fill": "$mut"},
    "pill": {"fill": "$bg"},
    "tag": {"fill": "$bg", "height": "17px", "rx": "8.5px"},
    "lead": {"stroke-dasharray": "1 3", "stroke-width": "1.3"},
    "more": _line("$mut"),
    "rib": {"fill-opacity": "0.22", "stroke-width": "1"},
    "win": _line("$ink", "1.5"),
    "num": {"fill": "$bg", "stroke": "$mut", "stroke-width": "1", "height": "16px", "rx": "8px"},
    "accepted": _line("$mut", "1.2"),
    "accepted-l": _line("$mut", "1.2", "3 2"),
    "tint": {"fill": "$hov"},
    "hit": {"fill": "none", "pointer-events": "all"},
    "o": {"pointer-events": "none"},
}
"""Properties by class, without the ``ep-`` in front; a later class overrides an earlier one.

``$name`` is a colour of `efipolicy.drawing.tokens`, ``@name`` a stack of fonts.
"""

PATTERN_CLASSES: Final = {
    f"p-{token}": {"fill": "none", "stroke": f"${token}"}
    for token in ("on-strong", *(f"{family}-s" for family in FAMILIES))
}
"""The strokes of textures."""

_INTERACTION = """\
.ep-fig a{text-decoration:none}
.ep-fig a:hover>.ep-hit,.ep-fig a:focus-visible>.ep-hit,.ep-fig a:target>.ep-hit{fill:var(--ep-hov)}
.ep-fig a:hover>.ep-rib,.ep-fig g:hover>.ep-rib{fill-opacity:.5}
.ep-num,.ep-num+text{pointer-events:none}
.ep-fig g:has(>.ep-side){pointer-events:bounding-box}
.ep-fig a:focus-visible{outline:2px solid var(--ep-link);outline-offset:1px}
@media (forced-colors:active){
.ep-fig [class]{fill:Canvas;stroke:CanvasText}
.ep-fig.ep-fig text,.ep-fig.ep-fig tspan{fill:CanvasText;stroke:none}
.ep-fig [class*="-l"],.ep-fig [class*="-x"],.ep-fig .ep-axis,.ep-fig .ep-break{fill:none}
.ep-fig .ep-arrow{fill:none}
.ep-fig .ep-hit{fill:none;stroke:none}
}
"""

_PAGE = """\
.ep-figure{overflow-x:auto;margin:1em 0}
.ep-figure svg{display:block;max-width:100%;height:auto;min-width:640px}
@media print{.ep-figure svg{max-height:95vh;width:auto}}
"""


def _rules() -> str:
    lines = []
    for name, properties in (CLASSES | PATTERN_CLASSES).items():
        written = ";".join(f"{key}:{_css_value(value)}" for key, value in properties.items())
        lines.append(f".ep-{name}{{{written}}}\n")
    return "".join(lines)


def _css_value(value: str) -> str:
    if value.startswith("$"):
        return f"var(--ep-{value[1:]})"
    return _FONTS.get(value, value)


def _variables(theme: int, used: Collection[str] | None = None) -> str:
    return "".join(
        f"--ep-{name}:{token[theme]};"
        for name, token in tokens().items()
        if used is None or name in used
    )


def page_stylesheet() -> str:
    """The stylesheet of a page with inline pictures.

    The colours hang on ``body`` in the order Furo uses, so that the theme of the operating
    system, the switch on the page and paper all get theirs.
    """
    light, dark = _variables(0), _variables(1)
    return (
        f"body{{{light}}}\n"
        "@media not print{\n"
        f'body[data-theme="dark"]{{{dark}}}\n'
        f'@media (prefers-color-scheme:dark){{body:not([data-theme="light"]){{{dark}}}}}\n'
        "}\n" + _rules() + _INTERACTION + _PAGE
    )


def standalone_stylesheet(drawn: str) -> str:
    """The stylesheet inside a picture that is a file of its own: what its elements need."""
    names = frozenset(name for names in _NAMES.findall(drawn) for name in names.split())
    return _stylesheet_for(names | {"ep-fig"}, links="<a " in drawn)


@cache
def _stylesheet_for(classes: frozenset[str], *, links: bool) -> str:
    lines = (_needed(line, classes, links=links) for line in (_rules() + _INTERACTION).split("\n"))
    text = "".join(f"{line}\n" for line in lines if line)
    used = {*_VARIABLE.findall(text)}
    light, dark = _variables(0, used), _variables(1, used)
    return f"svg{{{light}}}\n@media (prefers-color-scheme:dark){{svg{{{dark}}}}}\n{text}"


def _needed(line: str, classes: Collection[str], *, links: bool) -> str:
    """A rule with those of its selectors that a picture has something for; empty without any."""
    selectors, brace, declarations = line.partition("{")
    if not brace or line.startswith("@"):
        return line
    kept = [
        selector
        for selector in selectors.split(",")
        if links or " a" not in selector
        if all(name in classes for name in _CLASS.findall(selector))
    ]
    return f"{','.join(kept)}{{{declarations}" if kept else ""


@cache
def literal_properties(classes: str) -> Properties:
    """What a printed element gets instead of its classes: light colours, literal fonts."""
    wanted = {name.removeprefix("ep-") for name in classes.split()}
    colours = tokens()
    properties: Properties = {}
    for name, declared in (CLASSES | PATTERN_CLASSES).items():
        if name in wanted:
            properties |= declared
    for key, value in properties.items():
        if value.startswith("$"):
            properties[key] = colours[value[1:]].light
        elif key == "font-weight":
            properties[key] = "bold"
        else:
            properties[key] = _PRINT_FONTS.get(value, value)
    properties.pop("pointer-events", None)
    properties.pop("font-variant-ligatures", None)
    return properties
