"""Platform files of every shape, drawn from the description the reader itself goes by."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from hypothesis import strategies as st

from efipolicy.formats.platform import PLATFORM_FILE
from efipolicy.formats.platform_values import (
    Date,
    FormatVersion,
    Gaps,
    PageSize,
    QuotedRevision,
    Width,
)
from efipolicy.source.shape import (
    AnyNode,
    Bits,
    Choice,
    Flag,
    Integer,
    ListOf,
    MappingOf,
    Number,
    Pattern,
    Record,
    Shape,
    Text,
)

Texts = st.SearchStrategy[str]

EDGES = (
    *(0, 1, 2, 16, 40, 48, 64, 0xFFF, 0x1000, 0x2000, 0x10000),
    *(0x7F00_0000, 0x7F00_1000, 0x7F00_8000, 0x7F01_0000, 0x2000_0000, 0x2000_8000),
    *(1 << 32, 1 << 39, 1 << 47, 1 << 48, 0xE000_0000_7F00_0000, 1 << 63),
    *(0xFFFF_FFFE_FF00_0000, 0xFFFF_FFFF_FFFF_E000, 0xFFFF_FFFF_FFFF_F000, (1 << 64) - 1),
)
PAGES = (0, 1, 2, 8, 16, 32, 0x400, 1 << 52, (1 << 64) - 1)
WORDS = ("linux", "windows", "xen", "U-Boot", "TSEG", "Ampere Altra", "EL1", "something")
PATTERNS = (
    *("x86-topdown", "identity", "FACS", "SSDT"),
    *("uefi/zero-pages", "kexec/second-set-virtual-address-map"),
    *("8868e871-e4f1-11d3-bc22-0080c73c8881", "b7799cb0-eca2-4943-9667-1fae07b747fa"),
    *("0123456789abcdef0123456789abcdef", "6.12.15"),
)
ARCHITECTURES = ("x86_64", "arm64", "i386", "ia64", "riscv64", "unknown")


def integers(shape: Integer) -> Texts:
    """A number the shape takes, at an edge for preference."""
    lowest, highest = shape.minimum, shape.maximum
    edges = [edge for edge in EDGES if lowest <= edge <= highest]
    return st.one_of(*[st.sampled_from(edges)] * 4, st.integers(lowest, highest)).map(str)


def flow(items: list[str]) -> str:
    return f"[{', '.join(items)}]"


def numbers(shape: Number) -> Texts:
    return st.one_of(st.sampled_from(sorted(shape.names)), integers(shape.number))


def bits(shape: Bits) -> Texts:
    names = st.lists(st.sampled_from(sorted(shape.names)), unique=True, max_size=4).map(flow)
    return st.one_of(names, integers(shape.number))


def lists(shape: ListOf) -> Texts:
    fewest, most = (shape.length, shape.length) if shape.length is not None else (0, 3)
    return st.lists(texts(shape.item), min_size=fewest, max_size=most).map(flow)


def mappings(shape: MappingOf) -> Texts:
    names = shape.names.choices if shape.names else ("kernel", "regions")
    pairs = st.lists(st.tuples(st.sampled_from(names), texts(shape.value)), max_size=2)
    return pairs.map(lambda each: braces(dict(each)))


def braces(values: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {value}" for name, value in values.items()) + "}"


@st.composite
def records(draw: st.DrawFn, shape: Record) -> str:
    """About half of the keys that may be left out."""
    given = {*shape.required} | ({draw(st.sampled_from(shape.one_of))} if shape.one_of else set())
    free = [name for name in shape.fields if name not in given and name not in shape.one_of]
    mask = draw(st.integers(0, (1 << len(free)) - 1))
    given |= {name for place, name in enumerate(free) if mask >> place & 1}
    names = [name for name in shape.fields if name in given]
    return braces({name: draw(field(name, shape.fields[name].shape)) for name in names})


def field(name: str, shape: Shape) -> Texts:
    """The value of a key. So many addresses and so few pages that regions meet each other."""
    return st.sampled_from(list(map(str, PAGES))) if name == "pages" else texts(shape)


def patterns(shape: Pattern) -> Texts:
    words = ARCHITECTURES if "architecture" in shape.phrase else PATTERNS
    return st.sampled_from([word for word in words if re.fullmatch(shape.pattern, word)])


def quoted(words: tuple[str, ...]) -> Texts:
    return st.sampled_from([json.dumps(word) for word in words])


def texts(shape: Shape) -> Texts:
    """YAML in flow style that the shape takes."""
    for kind, make in _MAKERS.items():
        if isinstance(shape, kind):
            return make(shape)
    raise NotImplementedError(type(shape))


_MAKERS: dict[type[Shape], Callable[..., Texts]] = {
    Gaps: lambda _shape: st.just("[]"),
    Integer: integers,
    Number: numbers,
    Bits: bits,
    ListOf: lists,
    MappingOf: mappings,
    Record: records,
    Pattern: patterns,
    Choice: lambda shape: quoted((*shape.choices, *shape.also)),
    Flag: lambda shape: st.sampled_from(sorted(shape.words)),
    Text: lambda _shape: quoted(WORDS),
    AnyNode: lambda _shape: st.sampled_from(['"6.12"', '"4.2"', "all"]),
    QuotedRevision: lambda _shape: quoted(("2.0", "2.3.1", "2.5", "2.10", "2.11")),
    PageSize: lambda _shape: st.sampled_from(["4K", "16K", "64K", "0x1000"]),
    Width: lambda _shape: st.sampled_from(["32", "64"]),
    Date: lambda _shape: quoted(("2030-01-01",)),
    FormatVersion: lambda _shape: st.just("1"),
}

platform_files = texts(PLATFORM_FILE)

MAP = """
  descriptor_version: 1
  descriptor_size: 48
  extent: whole
  origin: firmware
  descriptors:
    - {type: 7, physical_start: 0x0, pages: 0x1000, attribute: [WB]}
    - {type: 4, physical_start: 0x20000000, pages: 16, attribute: [WB]}
    - {type: 5, physical_start: 0x7f000000, pages: 8, attribute: [RUNTIME, WB]}
    - {type: 6, physical_start: 0x7f008000, pages: 8, attribute: [RUNTIME, WB]}
    - {type: 9, physical_start: 0x7f010000, pages: 1, attribute: [WB]}
    - {type: 11, physical_start: 0x100000000, pages: 2, attribute: [RUNTIME, UC]}
"""


@st.composite
def kernels(draw: st.DrawFn) -> str:
    """A healthy memory map, and what anybody may say of the kernels that run on it."""
    header = PLATFORM_FILE.fields["platform"].shape
    assert isinstance(header, Record)
    sections = {
        name: draw(texts(PLATFORM_FILE.fields[name].shape))
        for name in ("mapping", "hardware", "runtime_properties", "configuration_tables")
    }
    sections["platform"] = braces(
        {
            "name": "fuzzed",
            "architecture": draw(st.sampled_from(ARCHITECTURES)),
            "firmware": draw(texts(header.fields["firmware"].shape)),
        }
    )
    lines = [f"{name}: {text}" for name, text in sections.items()]
    return "\n".join(("efipolicy: 1", *lines, f"memory_map:{MAP}"))
