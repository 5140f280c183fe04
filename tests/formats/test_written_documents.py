"""Every section a platform file can have is written as it was read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings

from efipolicy.formats.platform import read_platform
from efipolicy.formats.writing import platform_text
from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.source import SourceText
from efipolicy.source.document import Mapping, Node, Scalar
from tests.formats.platform_documents import complete_documents, documents


def read(text: str) -> Platform:
    platform, errors = read_platform(SourceText("p.yaml", text))
    assert errors == [], text
    assert platform is not None
    return platform


def comparable(platform: Platform) -> Platform:
    """The platform with options by what was written, not by where."""
    mapping = platform.mapping
    return replace(platform, mapping=mapping and tuple(_declaration(one) for one in mapping))


def _declaration(one: MappingDeclaration) -> MappingDeclaration:
    options: Any = {name: _written(node) for name, node in one.options.items()}
    kexec = tuple(_declaration(hop) for hop in one.kexec)
    return replace(one, options=options, strategy_span=None, kexec=kexec)


def _written(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.text, node.plain
    if isinstance(node, Mapping):
        return {key: _written(value) for key, (_, value) in node.entries.items()}
    return [_written(item) for item in node.items]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents)
def test_every_platform_file_is_written_as_it_was_read(document: str) -> None:
    platform = read(document)
    text = platform_text(platform)
    assert comparable(read(text)) == comparable(platform)
    assert platform_text(read(text)) == text


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(complete_documents)
def test_no_section_and_no_key_is_lost(document: str) -> None:
    platform = read(document)
    assert comparable(read(platform_text(platform))) == comparable(platform)
