import copy
import pickle
from typing import NamedTuple as StandardNamedTuple
from typing import get_type_hints

import pytest

from efipolicy.named_tuple import NamedTuple


class Window(NamedTuple):
    """A run of addresses."""

    start: int
    size: int = 0x1000
    names: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        """The address after the last."""
        return self.start + self.size

    def __str__(self) -> str:
        return f"{self.start:#x}-{self.end:#x}"


class Standard(StandardNamedTuple):
    """The same as Python makes it."""

    start: int
    size: int = 0x1000
    names: tuple[str, ...] = ()


def test_it_is_what_python_makes_of_the_same_fields() -> None:
    ours, theirs = Window(1, names=("a",)), Standard(1, names=("a",))
    assert tuple(ours) == tuple(theirs)
    assert repr(ours).replace("Window", "Standard") == repr(theirs)
    assert Window._fields == Standard._fields
    assert Window._field_defaults == Standard._field_defaults
    assert get_type_hints(Window) == get_type_hints(Standard)
    assert Window.__module__ == Standard.__module__
    assert Window.__doc__ == "A run of addresses."


def test_its_methods_are_those_of_the_class() -> None:
    assert Window(0x1000).end == 0x2000
    assert str(Window(0x1000)._replace(size=1)) == "0x1000-0x1001"


def test_a_value_without_default_has_to_be_given() -> None:
    with pytest.raises(TypeError, match="start"):
        Window()  # type: ignore[call-arg]


def test_it_can_be_copied_and_sent_elsewhere() -> None:
    window = Window(5, 6, ("b",))
    assert copy.deepcopy(window) == pickle.loads(pickle.dumps(window)) == window
