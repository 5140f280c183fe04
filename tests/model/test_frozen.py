import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass, replace
from inspect import signature

import pytest

from efipolicy.model.frozen import Frozen, FrozenValue
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryMap
from efipolicy.model.platform import ConfigurationTable, Platform
from efipolicy.plugin import Option, Reporter
from efipolicy.plugin.rules import Rule
from efipolicy.plugin.types import Architecture, Strategy


class Region(FrozenValue):
    """Two values, and the place where they were read."""

    start: int
    size: int = 0x1000
    line: int | None = field(default=None, compare=False, repr=False)


class Kernel(Frozen):
    """Is itself alone."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Standard:
    """The same as Python makes it."""

    start: int
    size: int = 0x1000
    line: int | None = field(default=None, compare=False, repr=False)


def test_values_are_equal_wherever_they_were_read() -> None:
    assert Region(start=1, line=3) == Region(start=1, size=0x1000, line=4)
    assert hash(Region(start=1, line=3)) == hash(Region(start=1))
    assert Region(start=1) != Region(start=2)
    assert len({Region(start=1), Region(start=1, line=9), Region(start=2)}) == 2


def test_a_value_is_never_equal_to_one_of_another_class() -> None:
    class Other(FrozenValue):
        start: int
        size: int = 0x1000

    assert Region(start=1) != Other(start=1)
    assert Region(start=1) != (1, 0x1000)


def test_what_is_no_value_is_equal_to_itself_alone() -> None:
    one = Kernel(name="a")
    assert one == one
    assert one != Kernel(name="a")
    assert len({one, Kernel(name="a")}) == 2


def test_it_is_a_dataclass_to_all_who_ask() -> None:
    assert is_dataclass(Region)
    assert [one.name for one in fields(Region)] == ["start", "size", "line"]
    assert replace(Region(start=1, line=2), size=5) == Region(start=1, size=5)
    assert replace(Region(start=1, line=2), size=5).line == 2


def test_a_function_as_a_default_is_no_method() -> None:
    class Called(Frozen):
        function: Callable[[object], str] = repr
        other: Callable[[Standard], str] = Standard.__repr__

    assert Called().function(1) == "1"
    assert Called().other is Standard.__repr__
    assert set(vars(Called())) == {"function", "other"}


def test_a_subclass_has_the_fields_of_both() -> None:
    class Named(Region):
        name: str = "?"

    one = Named(start=1, name="a")
    assert repr(one).endswith(".Named(start=1, size=4096, name='a')")
    assert one == Named(start=1, name="a", line=4)
    assert one != Region(start=1)
    with pytest.raises(FrozenInstanceError):
        one.name = "b"
    with pytest.raises(FrozenInstanceError):
        del one.start


def test_a_subclass_takes_no_decorator() -> None:
    with pytest.raises(TypeError, match="cannot inherit frozen dataclass"):

        @dataclass(frozen=True, kw_only=True)
        class Decorated(Region):
            """Would lose what its fields say of themselves."""


def test_nothing_of_it_can_change() -> None:
    one = Region(start=1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'start'"):
        one.start = 2
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'other'"):
        one.other = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'start'"):
        del one.start
    assert one == Region(start=1)


@pytest.mark.parametrize(
    "keywords",
    [{}, {"star": 1}, {"start": 1, "end": 2}, {"size": 1}, {"line": 2, "size": 3}],
)
def test_a_mistake_is_told_as_python_tells_it(keywords: dict[str, int]) -> None:
    with pytest.raises(TypeError) as python:
        Standard(**keywords)
    with pytest.raises(TypeError) as ours:
        Region(**keywords)
    # Of a misspelt one newer releases of Python ask besides what was meant.
    assert str(python.value).replace("Standard", "Region").startswith(str(ours.value))


def test_several_missing_keywords_are_all_named() -> None:
    with pytest.raises(TypeError, match="missing 7 required keyword-only arguments: 'title', "):
        Architecture(name="x", source="y")


def test_a_positional_argument_is_refused() -> None:
    with pytest.raises(TypeError):
        Region(1)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copy_is_equal(copied: object) -> None:
    assert callable(copied)
    one = Region(start=1, line=2)
    assert copied(one) == one
    assert copied(one).line == 2


def test_it_shows_itself_as_dataclasses_do() -> None:
    assert repr(Region(start=1, line=2)) == "Region(start=1, size=4096)"
    assert repr(Standard(start=1, line=2)) == "Standard(start=1, size=4096)"


def test_its_signature_has_the_fields() -> None:
    assert str(signature(Region)) == str(signature(Standard)).removesuffix(" -> None")
    # Some of the names in it are imported by type checkers alone.
    assert str(signature(Architecture)).startswith("(*, name: 'str', title: 'str', geometries: ")


@pytest.mark.parametrize(
    "kind",
    [
        *(Architecture, Strategy, Option, Reporter, Rule),
        *(Platform, MemoryMap, MemoryAttributesTable, ConfigurationTable),
    ],
)
def test_defining_the_classes_every_start_needs_compiles_nothing(kind: type) -> None:
    """Each method that `dataclasses` writes itself costs a tenth of a millisecond."""
    assert kind.__init__ is Frozen.__init__
    assert {"__init__", "__repr__", "__eq__", "__hash__", "__setattr__"}.isdisjoint(vars(kind))
