"""Named tuples that are quick to define.

`typing.NamedTuple` compiles the text of every annotation to see that it may be a type. Type
checkers see to that here, and for the eighty that linting a small file needs it would take as long
as the linting. To type checkers, and from Python 3.14 on, it is the standard one.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING or sys.version_info >= (3, 14):
    from typing import NamedTuple
else:
    from collections import namedtuple

    class _QuickNamedTuple(type):
        """Makes a class body with annotated fields a named tuple, as `typing.NamedTuple` does."""

        def __new__(metaclass, name, _, body):  # noqa: ANN001, ANN204
            annotations = body.pop("__annotations__", {})
            defaults = [body.pop(field) for field in annotations if field in body]
            module = body.pop("__module__")
            made = namedtuple(name, annotations, defaults=defaults, module=module)  # noqa: PYI024
            made.__annotations__ = annotations
            for attribute, value in body.items():
                setattr(made, attribute, value)
            return made

    NamedTuple = type.__new__(_QuickNamedTuple, "NamedTuple", (), {})

__all__ = ["NamedTuple"]
