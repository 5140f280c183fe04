"""The names of a new plugin: which are valid, which are taken, and what follows from one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from efipolicy.errors import UsageError
from efipolicy.model.platform import UNKNOWN_ARCHITECTURE
from efipolicy.plugin.registry import Registry

PREFIX = "efipolicy-"
"""How the distributions of plugins are called."""

MOST_CHARACTERS = 40
"""So that no line of a new plugin is too long."""

_VALID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_INDEXED = re.compile(r"[a-z0-9]|[a-z0-9][a-z0-9._-]*[a-z0-9]", re.IGNORECASE)
"""What the packaging index takes as the name of a project (the name format of core metadata)."""


def checked_name(name: str) -> str:
    """The name, when it can be one: lower case and digits, words joined by single hyphens.

    It becomes part of the name of a distribution, of ids of rules and of codes. Raises `UsageError`
    for another one, with the spelling that would do.
    """
    if _VALID.fullmatch(name) and len(name) <= MOST_CHARACTERS and not name.startswith(PREFIX):
        return name
    raise UsageError(f"`{name}` cannot be the name of a plugin: {_fault(name)}{_instead(name)}")


def _fault(name: str) -> str:
    if name.casefold().startswith(PREFIX):
        return f"`{PREFIX}` is put before it anyway"
    if len(name) > MOST_CHARACTERS:
        return f"it has {len(name)} characters, the most are {MOST_CHARACTERS}"
    if not _INDEXED.fullmatch(name):
        return "expected ASCII letters and digits, with single `-` between words"
    return "expected lower case, with single `-` between words"


def _instead(name: str) -> str:
    """What is left of a name when its spelling is mended, where that is a name."""
    mended = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-").removeprefix(PREFIX)
    if mended == name or not _VALID.fullmatch(mended) or len(mended) > MOST_CHARACTERS:
        return ""
    return f"; did you mean `{mended}`?"


def refuse_taken(kind: str, name: str, registry: Registry) -> None:
    """Raise `UsageError` for a name that an installed plugin has for something already.

    Two plugins of one name, or two contributions of one kind with one name, cannot be installed
    together.
    """
    taken = next(_taken(kind, name, registry), None)
    if taken:
        raise UsageError(
            f"the name `{name}` is taken: {taken}; choose another one, "
            "or add to a plugin of yours with --into DIR"
        )


def refuse_offered(kind: str, name: str, registry: Registry) -> None:
    """Raise `UsageError` for a name that an installed plugin has for a contribution of the kind."""
    for offered, what in _offered(kind, registry):
        if offered == name:
            raise UsageError(f"the name `{name}` is taken: {what}; choose another one")


def _taken(kind: str, name: str, registry: Registry) -> Iterator[str]:
    from efipolicy.plugin.elsewhere import ELSEWHERE

    distribution, module = PREFIX + name, module_of(name)
    for plugin in registry.plugins:
        point = plugin.entry_point
        if point.name == name:
            yield f"{plugin.owner} is installed"
        if point.distribution == distribution:
            yield f"the distribution {distribution} {point.version} is installed"
        if point.module.partition(".")[0] == module:
            yield f"{plugin.owner} has the module `{module}`"
    for offered, what in _offered(kind, registry):
        if offered == name:
            yield what
    for architecture, project in ELSEWHERE.items():
        if project == distribution:
            yield f"{project} is the plugin for the architecture {architecture}"


def _offered(kind: str, registry: Registry) -> Iterator[tuple[str, str]]:
    """The names of what is installed of the kind, each with what it is."""
    match kind:
        case "architecture":
            yield UNKNOWN_ARCHITECTURE, "it means that nobody knows which architecture it is"
            for one in registry.architectures:
                yield one, f"{_owner(registry, 'architectures', one)} has an architecture `{one}`"
        case "strategy":
            for one in registry.strategies:
                yield one, f"{_owner(registry, 'strategies', one)} has a strategy `{one}`"
        case "rules":
            for one, rule in registry.rules.items():
                yield rule.pack, f"{_owner(registry, 'rules', one)} has the pack `{rule.pack}`"
        case "format":
            for one, form in registry.formats.items():
                owner = _owner(registry, "formats", one)
                yield one, f"{owner} has a capture format `{one}`"
                for dialect in form.dialects:
                    said = f"{owner} has a dialect `{dialect}`"
                    yield dialect, said
                    yield dialect.removesuffix("-log"), said
        case "reporter":
            for one in registry.reporters:
                yield one, f"{_owner(registry, 'reporters', one)} has a report format `{one}`"


def _owner(registry: Registry, kind: str, name: str) -> str:
    return registry.owner(kind, name).owner


def module_of(name: str) -> str:
    """The package of a plugin: its distribution as an identifier."""
    return (PREFIX + name).replace("-", "_")


def code_of(name: str) -> str:
    """What the codes of its requirements begin with: ``ACME`` in ``ACME-001``."""
    return name.upper()


def dialect_of(name: str) -> str:
    """How reports call what it reads: ``acme-log``."""
    return name if name.endswith("-log") else f"{name}-log"


def title_of(name: str) -> str:
    """The name for people."""
    return " ".join(word[:1].upper() + word[1:] for word in name.split("-"))
