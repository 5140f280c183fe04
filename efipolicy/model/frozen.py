"""Frozen values made of keywords: dataclasses that are quick to define.

`dataclasses.dataclass` writes the methods of every class as source and compiles them at every
start, which for twenty classes takes longer than to lint a small file. These share their methods.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform

if TYPE_CHECKING:
    from inspect import Signature


class _Keywords:
    """The signature of a class, for those who ask for it: its fields as keywords."""

    def __get__(self, instance: Frozen | None, owner: type[Frozen]) -> Signature:
        from inspect import Parameter, Signature
        from typing import get_type_hints

        try:
            hints = get_type_hints(owner)
        except NameError:  # one that only type checkers import
            hints = {}
        parameters = [
            Parameter(
                one.name,
                Parameter.KEYWORD_ONLY,
                default=Parameter.empty if one.default is MISSING else one.default,
                annotation=hints.get(one.name, one.type),
            )
            for one in owner.__dataclass_fields__.values()
        ]
        return Signature(parameters)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Frozen:
    """A frozen dataclass all of whose fields are keywords; equal to itself and nothing else.

    `dataclasses.replace` and `dataclasses.fields` take it. A default is one value for all: there
    are no factories. A subclass is one as it stands, and takes no decorator of `dataclasses`.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    __signature__: ClassVar = _Keywords()
    _required: ClassVar[frozenset[str]]
    _defaults: ClassVar[dict[str, Any]]

    def __init_subclass__(cls) -> None:
        dataclass(init=False, repr=False, eq=False, kw_only=True)(cls)
        fields = cls.__dataclass_fields__
        given = ((name, fields[name].default) for name in fields)
        cls._defaults = {name: default for name, default in given if default is not MISSING}
        cls._required = frozenset(fields.keys() - cls._defaults.keys())

    def __init__(self, **values: Any) -> None:
        if not self._required <= values.keys() <= self.__dataclass_fields__.keys():
            raise self._mistake(values)
        # A default that stayed with the class alone would, if a function, become a method.
        vars(self).update(self._defaults, **values)

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={getattr(self, name)!r}"
            for name, one in self.__dataclass_fields__.items()
            if one.repr
        )
        return f"{type(self).__qualname__}({shown})"

    @classmethod
    def _mistake(cls, values: dict[str, Any]) -> TypeError:
        """What Python says of a function called with other keywords than it has."""
        told = f"{cls.__qualname__}.__init__()"
        for name in values:
            if name not in cls.__dataclass_fields__:
                return TypeError(f"{told} got an unexpected keyword argument {name!r}")
        missing = [name for name in cls.__dataclass_fields__ if name in cls._required - {*values}]
        arguments = "argument" if len(missing) == 1 else "arguments"
        listed = ", ".join(map(repr, missing))
        return TypeError(
            f"{told} missing {len(missing)} required keyword-only {arguments}: {listed}"
        )


class FrozenValue(Frozen):
    """A frozen dataclass equal to another with the same values.

    A field with ``compare=False`` does not count.
    """

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash(self._compared())

    def _compared(self) -> tuple[Any, ...]:
        fields = self.__dataclass_fields__
        return tuple(getattr(self, name) for name in fields if fields[name].compare)
