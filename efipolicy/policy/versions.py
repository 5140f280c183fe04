"""Which versions of efipolicy a configuration takes: the specifiers Python packages use."""

from __future__ import annotations

import re
from typing import Final

from efipolicy.named_tuple import NamedTuple

_VERSION: Final = (
    r"(?P<release>[0-9]{1,9}(?:\.[0-9]{1,9}){0,5})"
    r"(?:(?P<pre>a|b|rc)(?P<pre_number>[0-9]{1,9}))?"
    r"(?:\.post(?P<post>[0-9]{1,9}))?"
    r"(?:\.dev(?P<dev>[0-9]{1,9}))?"
)
_CLAUSE: Final = re.compile(rf"\s*(?P<operator>==|!=|>=|<=|~=|>|<)\s*{_VERSION}(?P<any>\.\*)?\s*")
_BEYOND: Final = 1 << 40  # more than any number of a version


class Version(NamedTuple):
    """A version in the order of versions: 1.0.dev1 < 1.0a1 < 1.0rc1 < 1.0 < 1.0.post1."""

    release: tuple[int, ...]
    pre: tuple[str, int]
    post: int
    dev: int

    @property
    def is_prerelease(self) -> bool:
        """Whether it leads up to the version it is named after."""
        return self.pre[0] != "z" or self.dev < _BEYOND


class Clause(NamedTuple):
    """One comparison; ``prefix`` is the number of parts that ``==1.2.*`` looks at."""

    operator: str
    version: Version
    written: int
    prefix: bool


def parse_version(text: str) -> Version:
    """A version such as ``0.2.0rc1``. Raises `ValueError` for anything else."""
    match = re.fullmatch(_VERSION, text)
    if match is None:
        raise ValueError(f"not a version: {text}")
    return _version(match)


def parse_specifier(text: str) -> tuple[Clause, ...]:
    """The comparisons of a specifier such as ``>=0.2, <1``. Raises `ValueError` for what is none.

    They mean what they mean to pip (the version specifiers of the Python packaging guide):
    ``~=1.4.2`` is ``>=1.4.2, ==1.4.*``, and ``<1.0`` leaves out the versions that lead up to 1.0.
    """
    clauses = []
    for part in text.split(","):
        match = _CLAUSE.fullmatch(part)
        if match is None:
            raise ValueError(f"not a comparison of versions: `{part.strip()}`")
        clause = Clause(
            match["operator"], _version(match), match["release"].count(".") + 1, bool(match["any"])
        )
        if clause.prefix and clause.operator not in ("==", "!="):
            raise ValueError(f"`.*` goes with == and != only: `{part.strip()}`")
        if clause.operator == "~=" and clause.written < 2:
            raise ValueError(f"~= wants two numbers at least: `{part.strip()}`")
        clauses.append(clause)
    return tuple(clauses)


def satisfies(version: Version, clauses: tuple[Clause, ...]) -> bool:
    """Whether all comparisons hold for a version."""
    return all(_holds(version, clause) for clause in clauses)


def _version(match: re.Match[str]) -> Version:
    release = tuple(map(int, match["release"].split(".")))
    pre, post, dev = match["pre"], match["post"], match["dev"]
    phase = (pre, int(match["pre_number"])) if pre else ("z", 0)
    if not pre and post is None and dev is not None:
        phase = ("", 0)  # 1.0.dev1 leads up to the first of its pre-releases
    return Version(
        release=(*release, *[0] * (6 - len(release))),
        pre=phase,
        post=-1 if post is None else int(post),
        dev=_BEYOND if dev is None else int(dev),
    )


def _holds(version: Version, clause: Clause) -> bool:
    bound = clause.version
    same_release = version.release == bound.release
    match clause.operator:
        case "==":
            return _begins(version, clause, clause.written) if clause.prefix else version == bound
        case "!=":
            return not _holds(version, clause._replace(operator="=="))
        case "~=":
            return version >= bound and _begins(version, clause, clause.written - 1)
        case ">=":
            return version >= bound
        case "<=":
            return version <= bound
        case "<":
            return version < bound and not (same_release and _leads_up(version, bound))
        case _:
            return version > bound and version._replace(post=-1, dev=_BEYOND) != bound


def _leads_up(version: Version, bound: Version) -> bool:
    """Whether a version of the same release is a pre-release of a bound that is none."""
    if bound.is_prerelease:
        return False
    if bound.post >= 0:
        return version._replace(dev=_BEYOND) == bound
    return version.is_prerelease


def _begins(version: Version, clause: Clause, parts: int) -> bool:
    """Whether the release of a version begins with the parts a clause writes."""
    return version.release[:parts] == clause.version.release[:parts]
