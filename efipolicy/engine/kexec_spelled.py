"""Chains of kernels as a command line spells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from efipolicy.engine.kexec_chains import kernel_of, memory_is_range, role_of
from efipolicy.engine.kexec_state import ChainKernel
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.errors import UsageError
from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.registry import Registry
from efipolicy.source.shape import suggestion

_OF_THE_WAY: Final = ("channel", "loader", "skip_svam", "kind", "memory")
"""What is said of the way to a kernel, so not of the first one."""

HOP_KEYS: Final = (*_OF_THE_WAY, "page_size", "virtual_address_bits")
"""What ``--chain`` takes of a kernel besides its strategy's options."""

_CLOSING: Final = {"[": "]", "{": "}", '"': '"', "'": "'"}


class ChainWord(NamedTuple):
    """One kernel as ``--chain`` spells it: its strategy, and what is said of it by name."""

    strategy: str
    values: Mapping[str, str]


def chain_words(text: str) -> list[ChainWord]:
    """The kernels of ``S:NAME=VALUE,NAME=VALUE,S2``. Raises `UsageError` for what is none.

    A comma within brackets or quotation marks is part of a value. Quotation marks around a value,
    as a platform file has them around a version, are none of it.
    """
    found: list[tuple[str, dict[str, str]]] = []
    for part in _split(text):
        head, colon, rest = part.partition(":")
        values = part
        if "=" not in head:
            found.append((head.strip(), {}))
            values = rest
            if not colon:
                continue
        name, equals, value = values.partition("=")
        name = name.strip()
        if not equals or not name or not found:
            raise UsageError(f"--chain: found `{part}`, expected S or S:NAME=VALUE")
        strategy, said = found[-1]
        if name in said:
            raise UsageError(f"--chain: found `{name}` twice for {strategy}, expected it once")
        said[name] = _unquoted(value.strip())
    if len(found) < 2 or not all(strategy for strategy, _ in found):
        raise UsageError(f"--chain {text}: expected two strategies or more, with commas between")
    return [ChainWord(*one) for one in found]


def _split(text: str) -> Iterator[str]:
    """The parts between commas that stand in no brackets and no quotation marks."""
    start, open_ = 0, ""
    for place, letter in enumerate(text):
        if open_ and letter == open_[-1]:
            open_ = open_[:-1]
        elif letter in _CLOSING and open_[-1:] not in ('"', "'"):
            open_ += _CLOSING[letter]
        elif letter == "," and not open_:
            yield text[start:place]
            start = place + 1
    if open_:
        raise UsageError(f"--chain: found `{text[start:]}` without a closing `{open_[-1]}`")
    yield text[start:]


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] in "\"'" and value[0] == value[-1]
    return value[1:-1] if quoted else value


def spelled_chain(
    text: str, platform: Platform, registry: Registry, choice: PlanChoice
) -> list[ChainKernel]:
    """The kernels that ``--chain`` names. Raises `UsageError` for what it cannot mean.

    They have the page size and the address width of the first mapping that the platform declares,
    where the command line says no other.
    """
    words = chain_words(text)
    for name in words[0].values:
        if name in _OF_THE_WAY:
            raise UsageError(
                f"--chain: found `{name}` of {words[0].strategy}, which is the first kernel; "
                "expected it of one that follows by kexec"
            )
    return [_spelled(word, platform, registry, choice) for word in words]


def _spelled(
    word: ChainWord, platform: Platform, registry: Registry, choice: PlanChoice
) -> ChainKernel:
    said = {name: text for name, text in word.values.items() if name in HOP_KEYS}
    known = registry.strategies.get(word.strategy)
    if known:
        mine = [option.name for option in known.options]
        for name in word.values:
            if name not in mine and name not in HOP_KEYS:
                hint = suggestion(name, [*mine, *HOP_KEYS])
                have = ", ".join([*mine, *HOP_KEYS])
                raise UsageError(f"{word.strategy} has no option `{name}`; it has {have}{hint}")
    options = {name: text for name, text in word.values.items() if name not in said}
    hop = _hop_of(word.strategy, said)
    exact = PlanChoice(
        strategy=word.strategy,
        options=options,
        page_size=hop.page_size or choice.page_size,
        virtual_address_bits=hop.virtual_address_bits or choice.virtual_address_bits,
    )
    made = planned(_with_its_width(platform, exact), registry, exact)
    return kernel_of(word.strategy, hop, made, role_of(word.strategy, registry))


def _with_its_width(platform: Platform, exact: PlanChoice) -> Platform:
    """The platform, its declared address width left out where that is of another page size."""
    declared = platform.mapping[0] if platform.mapping else None
    if declared is None or exact.page_size in (None, declared.page_size):
        return platform
    return replace(platform, mapping=None)


def _hop_of(strategy: str, said: Mapping[str, str]) -> MappingDeclaration:
    """What is said of a kernel, read as the platform file's own keys are."""
    from efipolicy.formats.platform_mapping import HOP_FIELDS
    from efipolicy.source import SourceText
    from efipolicy.source.document import parse
    from efipolicy.source.shape import Reading

    values: dict[str, Any] = {}
    reading = Reading()
    for name, text in said.items():
        node, errors = parse(SourceText("--chain", text + "\n"))
        if errors or node is None:
            raise UsageError(f"--chain {strategy}:{name}={text}: cannot be read as a value")
        values[name] = HOP_FIELDS[name].read(node, reading)
        if reading.errors:
            problem = reading.errors[0].message
            raise UsageError(f"--chain {strategy}:{name}={text}: {problem}")
    hop = MappingDeclaration(strategy=strategy, options={}, **values)
    if hop.memory and (hop.kind != "crash" or not memory_is_range(hop)):
        raise UsageError(
            f"--chain {strategy}:memory={said['memory']}: expected [start, end) with start below "
            "end, of a kernel with kind=crash"
        )
    return hop
