"""Frozen values made of keywords: dataclasses that are quick to define.

`dataclasses.dataclass` writes the methods of every class as source and compiles them at every
start, which for twenty classes takes longer than to lint a small file. These share their methods,
and `dataclasses` looks at one when somebody asks it for the fields.
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


class _Fields:
    """The fields of a class as `dataclasses` knows them, worked out when they are asked for."""

    def __get__(self, instance: Frozen | None, owner: type[Frozen]) -> dict[str, Field[Any]]:
        dataclass(init=False, repr=False, eq=False, kw_only=True)(owner)
        found: dict[str, Field[Any]] = vars(owner)["__dataclass_fields__"]  # now its own
        return found


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Frozen:
    """A frozen dataclass all of whose fields are keywords; equal to itself and nothing else.

    `dataclasses.replace` and `dataclasses.fields` take it. A default is one value for all: there
    are no factories. A subclass is one as it stands, and takes no decorator of `dataclasses`.
    """

    __dataclass_fields__: ClassVar[Any]
    __signature__: ClassVar = _Keywords()
    _names: ClassVar[frozenset[str]] = frozenset()
    _required: ClassVar[frozenset[str]] = frozenset()
    _compared: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        cls.__dataclass_fields__ = _Fields()
        required, defaults, compared = set(cls._required), dict(cls._defaults), [*cls._compared]
        for name, annotation in cls.__annotations__.items():
            if "ClassVar" in str(annotation):
                continue
            given = vars(cls).get(name, MISSING)
            declared = given if isinstance(given, Field) else None
            default = declared.default if declared else given
            required.discard(name)
            if default is MISSING:
                required.add(name)
            else:
                defaults[name] = default
            if name not in compared and (declared is None or declared.compare is not False):
                compared.append(name)
        cls._names = frozenset((*required, *defaults))
        cls._required, cls._defaults = frozenset(required), defaults
        cls._compared = tuple(compared)

    def __init__(self, **values: Any) -> None:
        if not self._required <= values.keys() <= self._names:
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
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self._compared)
