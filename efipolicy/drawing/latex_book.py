"""How a book looks in which printed pictures stand: settings of Sphinx for LaTeX.

The text has the fonts of the pictures, which have every character that we write. Where they are
not installed, GNU FreeFont and then Latin Modern take their place.
"""

from __future__ import annotations

from typing import Any, Final

_FONTS: Final = r"""
\IfFontExistsTF{DejaVu Serif}{%
  \setmainfont{DejaVu Serif}[Scale=0.86]
  \setsansfont{DejaVu Sans}[Scale=0.86]
  \setmonofont{DejaVu Sans Mono}[Scale=0.84]
}{\IfFontExistsTF{FreeSerif}{%
  \setmainfont{FreeSerif}
  \setsansfont{FreeSans}
  \setmonofont{FreeMono}
}{}}
"""

_PREAMBLE: Final = r"""
\usepackage[document]{ragged2e}
\raggedbottom
\makeatletter
\AtBeginDocument{\renewcommand*\l@subsection{\@dottedtocline{2}{1.5em}{3em}}}
\@ifundefined{c@chapter}{}{\AtBeginDocument{%
  \counterwithout{figure}{chapter}\renewcommand{\thefigure}{\arabic{figure}}%
  \counterwithout{table}{chapter}\renewcommand{\thetable}{\arabic{table}}}}
\makeatother
"""

BOOK_SETTINGS: Final[dict[str, Any]] = {
    "latex_engine": "xelatex",
    "latex_use_xindy": False,
    "latex_theme": "howto",
    "latex_show_urls": "no",
    "latex_elements": {
        "fontpkg": _FONTS,
        "extraclassoptions": "oneside",
        "fvset": "\\fvset{fontsize=\\footnotesize}",
        "papersize": "a4paper",
        "pointsize": "10pt",
        "releasename": "",
        "preamble": _PREAMBLE,
    },
}
"""Values of a ``conf.py``. XeLaTeX takes fonts of the system, and every character as it is."""
