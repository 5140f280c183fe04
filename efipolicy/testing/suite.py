"""What the conformance suites share: whose contributions they test, and how pytest asks for them.

A suite is a class. ``TestAcme = StrategyConformance.of("efipolicy-acme")`` is a whole test file;
an author who promises more sets attributes or overrides methods in a subclass. pytest calls
``pytest_generate_tests`` of the class, so this needs no import of pytest.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, ClassVar, Self

from efipolicy.testing.contributions import Kind, Source, contributed


class Conformance:
    """The promises of one kind of contribution, each a method that raises `AssertionError`.

    ``plugin`` says whose contributions are tested, as of `contributed`; ``only`` names those of
    them that are, all when it is empty.
    """

    plugin: ClassVar[Source]
    only: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind]

    @classmethod
    def of(cls, plugin: Source, **attributes: Any) -> type[Self]:
        """The suite for what a plugin contributes; ``attributes`` override those of the class.

        Raises `TypeError` for an attribute the suite does not have: a promise that is misspelt
        would not be tested.
        """
        unknown = [name for name in attributes if not hasattr(cls, name)]
        if unknown:
            raise TypeError(f"{cls.__name__} has no attribute {', '.join(unknown)}")
        return type(cls.__name__, (cls,), {"plugin": plugin, **attributes})

    @classmethod
    def contributions(cls) -> tuple[Any, ...]:
        """What is tested. Raises what `contributed` raises."""
        found = contributed(cls.plugin, cls.kind)
        if not cls.only:
            return found
        chosen = tuple(one for one in found if _name(one) in cls.only)
        if missing := {*cls.only} - {_name(one) for one in chosen}:
            raise LookupError(f"no {cls.kind} named {', '.join(sorted(missing))}")
        return chosen

    def cases(self, argument: str) -> Iterable[Any] | None:
        """What a test is run with for one of its arguments; ``None`` leaves that to fixtures."""
        raise NotImplementedError

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Run each test once for each of its cases."""
        for argument in metafunc.fixturenames:
            cases = self.cases(argument)
            if cases is not None:
                metafunc.parametrize(argument, list(cases), ids=_named)


def none(of: object, complaints: Iterable[str]) -> None:
    """Assert that nobody complains: what is wrong is told line by line, five at most."""
    found = [*islice(complaints, _MOST + 1)]
    more = ["…"] if len(found) > _MOST else []
    assert not found, "\n  ".join([f"{of}:", *found[:_MOST], *more])


_MOST = 5


def _name(contribution: Any) -> str:
    name: str = getattr(contribution, "id", None) or contribution.name
    return name


def _named(case: Any) -> str:
    """The contribution's name, or what a case says of itself."""
    return _name(case) if hasattr(case, "name") and not isinstance(case, tuple) else str(case)
