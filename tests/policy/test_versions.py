"""Version specifiers mean what they mean to pip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy import __version__
from efipolicy.policy.versions import parse_specifier, parse_version, satisfies


@pytest.mark.parametrize(
    ("specifier", "inside", "outside"),
    [
        ("==0.2.0", "0.2", "0.2.1"),
        ("==0.2.*", "0.2.9", "0.3"),
        ("!=0.2.0", "0.2.1", "0.2"),
        ("!=0.2.*", "0.3", "0.2.7"),
        (">=0.2", "0.2.0", "0.2.0rc1"),
        ("<=0.2", "0.2.0", "0.2.1"),
        (">0.2", "0.2.1", "0.2.0"),
        (">0.2", "0.2.1", "0.2.0.post1"),
        ("<1", "0.99", "1.0.0"),
        ("<1", "0.99", "1.0rc1"),
        ("<1.0rc2", "1.0rc1", "1.0rc2"),
        ("~=0.2", "0.9", "1.0"),
        ("~=0.2.1", "0.2.9", "0.3.0"),
        ("~=0.2.1", "0.2.1", "0.2.0"),
        (" >=0.2 , <1 ", "0.5", "1.1"),
        (">=0.2,!=0.3.0,<1", "0.3.1", "0.3"),
    ],
)
def test_a_specifier_takes_some_versions_and_not_others(
    specifier: str, inside: str, outside: str
) -> None:
    clauses = parse_specifier(specifier)
    assert satisfies(parse_version(inside), clauses)
    assert not satisfies(parse_version(outside), clauses)


def test_versions_come_in_the_order_of_releases() -> None:
    ordered = ["1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0b1", "1.0rc1", "1.0", "1.0.post1", "1.0.1"]
    versions = [parse_version(text) for text in ordered]
    assert versions == sorted(versions)


def test_our_own_version_is_one() -> None:
    assert parse_version(__version__)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0.2", "not a comparison of versions: `0.2`"),
        ("=>0.2", "`=>0.2`"),
        (">=0.2,", "``"),
        ("^0.2", "`^0.2`"),
        ("==0.2.x", "`==0.2.x`"),
        (">=0.2.*", "`.*` goes with == and != only"),
        ("~=1", "~= wants two numbers at least"),
        ("===0.2", "`===0.2`"),
    ],
)
def test_what_is_no_specifier_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_specifier(text)
    assert told in str(caught.value)


RELEASES = st.lists(st.integers(0, 3), min_size=2, max_size=3)
TAILS = st.sampled_from(["", "a1", "b2", "rc1", ".dev1", "rc1.dev2"])
VERSIONS = st.builds(lambda parts, tail: ".".join(map(str, parts)) + tail, RELEASES, TAILS)
OPERATORS = st.sampled_from(["==", "!=", ">=", "<=", ">", "<", "~="])


@given(VERSIONS, OPERATORS, VERSIONS)
def test_a_comparison_says_what_the_packaging_library_says(
    version: str, operator: str, bound: str
) -> None:
    packaging = pytest.importorskip("packaging.specifiers")
    expected = packaging.SpecifierSet(operator + bound).contains(version, prereleases=True)
    assert satisfies(parse_version(version), parse_specifier(operator + bound)) == expected
