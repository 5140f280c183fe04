"""The conformance suite for capture formats.

.. code-block:: python

    class TestFormats(FormatConformance):
        plugin = "efipolicy-acme"
        samples = tuple(Path(__file__).parent.glob("captures/*.txt"))

        def printed(self, memory_map):
            return acme_table(memory_map)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import CaptureFormat, CaptureReading
from efipolicy.source import Located, SourceSpan, SourceText
from efipolicy.testing.contributions import Kind
from efipolicy.testing.memory_maps import NamedMap, edge_maps, notation, random_maps
from efipolicy.testing.suite import Conformance

_CUTS: Final = 12
_FIELDS: Final = ("type", "physical_start", "number_of_pages", "pages", "attribute")
_NUMBERS: Final = ("physical_start", "number_of_pages", "pages")

FOREIGN: Final = {
    "nothing": "",
    "blank lines": "\n\n\n",
    "prose": "The board hangs when the kernel calls GetTime.\nIt did not with firmware 1.2.\n",
    "a kernel log": "[    0.000000] Linux version 6.12.0\n[    0.004000] Calibrating delay loop\n",
    "numbers": "0x1000 0x2000\n0x3000-0x4000 7\n1 2 3 4 5 6\n",
    "a table": "Type      Start            Pages\n--------- ---------------- -----\n",
    "YAML": "name: board\nversion: 2\nitems:\n  - {a: 1, b: 0x7e000000}\n",
    "odd characters": "\x00\x01\ufffd\u2028 0x\n\x1b[31mmem\x1b[0m\n",
}
"""Texts in which no format finds a memory map."""


class Sample(NamedTuple):
    """A captured text that a plugin reads."""

    name: str
    text: str

    def __str__(self) -> str:
        return self.name


class FormatConformance(Conformance):
    """What every capture format promises of texts it reads, and of those it does not.

    ``samples`` are captured texts, or files of UTF-8 that hold one, each read by one of the
    formats at least. A format of which a printer is given in `printed` is asked what it reads of
    what was printed.
    """

    kind: ClassVar[Kind] = "formats"
    samples: ClassVar[tuple[str | Path, ...]] = ()
    printed_maps: ClassVar[int] = 25

    def printed(self, memory_map: MemoryMap) -> str | None:
        """A memory map as the system that the format is of prints it.

        ``None`` for a map that it cannot print; for every map, where nobody overrides this.
        """
        del memory_map
        return None

    def compared(self, descriptor: MemoryDescriptor) -> tuple[object, ...]:
        """What of a descriptor the printed text holds: all of it, where nobody overrides this."""
        return (
            descriptor.type,
            descriptor.physical_start,
            descriptor.number_of_pages,
            descriptor.attribute,
        )

    def cases(self, argument: str) -> Iterable[Any] | None:
        """Formats, and samples."""
        match argument:
            case "form":
                return self.contributions()
            case "sample":
                return list(self.all_samples())
        return None

    @classmethod
    def all_samples(cls) -> Iterator[Sample]:
        """The samples with their texts. Raises `LookupError` where there are none."""
        if not cls.samples:
            raise LookupError(
                f"{cls.__name__}.samples is empty: a format is tested by its captures"
            )
        for number, sample in enumerate(cls.samples, 1):
            if isinstance(sample, Path):
                yield Sample(sample.name, sample.read_text(encoding="utf-8"))
            else:
                yield Sample(f"sample-{number}", sample)

    @classmethod
    def read(cls, text: str) -> list[tuple[CaptureFormat, CaptureReading]]:
        """The readings of a text by the plugin's formats."""
        readings = [(form, form.read(SourceText("sample", text))) for form in cls.contributions()]
        return [(form, reading) for form, reading in readings if reading is not None]

    def test_it_has_a_name_and_dialects(self, form: CaptureFormat) -> None:
        """Both are given, and no dialect twice."""
        assert form.name, "a format without a name"
        assert form.title, f"{form.name} has no title"
        assert form.dialects, f"{form.name} has no dialects"
        assert len({*form.dialects}) == len(form.dialects), f"{form.name}: {form.dialects}"

    def test_it_reads_nothing_of_foreign_texts(self, form: CaptureFormat) -> None:
        """Where there is nothing of its own it gives ``None``, and raises nothing.

        Of all readings the one that understood most lines counts: a format that takes every text
        for its own takes it from the one that can read it.
        """
        for name, text in FOREIGN.items():
            reading = form.read(SourceText("foreign", text))
            rows = reading.platform.memory_map.descriptors if reading else ()
            assert rows == (), f"{form.name} finds descriptors in {name}"
            assert reading is None, f"{form.name} takes {name} for its own"

    def test_a_sample_is_read(self, sample: Sample) -> None:
        """By a format of the plugin, in one of its dialects, and the same again."""
        readings = self.read(sample.text)
        assert readings, f"no format reads {sample}"
        for form, reading in readings:
            assert isinstance(reading, CaptureReading), f"{form.name} gives {reading!r}"
            lines = sample.text.count("\n") + 1
            assert 0 <= reading.understood <= lines, f"{form.name}: {reading.understood} of {lines}"
            capture = reading.platform.capture
            assert capture, f"{form.name} does not say how it read {sample}"
            assert capture.dialect in form.dialects, f"{form.name}: dialect {capture.dialect}"
            rows = reading.platform.memory_map.descriptors
            assert isinstance(rows, tuple), f"{form.name}: the descriptors are no tuple"
            numbers = [row.index for row in rows]
            assert numbers == sorted({*numbers}), f"{form.name} numbers the rows {numbers}"
            again = form.read(SourceText("sample", sample.text))
            assert again, f"{form.name} does not read {sample} again"
            assert again.understood == reading.understood, f"{form.name} counts otherwise again"
            assert again.platform.memory_map == reading.platform.memory_map, (
                f"{form.name} reads {sample} otherwise when it is asked again"
            )

    def test_every_descriptor_knows_its_place(self, sample: Sample) -> None:
        """A finding points to the words that a descriptor was read from, and to no others."""
        for form, reading in self.read(sample.text):
            end = 0
            rows = reading.platform.memory_map.descriptors
            for descriptor in rows:
                located = descriptor.located
                assert located, f"{form.name}: {descriptor} of {sample} has no place"
                assert located.span.text.strip(), f"{form.name}: the place of {descriptor} is empty"
            for located in sorted((row.located for row in rows if row.located), key=_start):
                assert located.span.start >= end, f"{form.name}: two rows stand at {located.span}"
                end = located.span.end
                for field in _FIELDS:
                    part = located.span_of(field)
                    assert part is None or _holds(located.span, part), (
                        f"{form.name}: {field} of the row at {located.span} stands outside it"
                    )

    def test_noise_around_it_changes_nothing(self, sample: Sample) -> None:
        """Prose above and below a capture leaves its descriptors as they are."""
        text = sample.text if sample.text.endswith("\n") else f"{sample.text}\n"
        self._reads_alike(sample, f"{FOREIGN['prose']}\n{text}\n{FOREIGN['prose']}", "prose around")

    def test_a_spoilt_number_is_told(self, sample: Sample) -> None:
        """A number whose last digit is none any more is not read as a smaller one, and not dropped.

        The line is among those that nobody could read, or the map is known to have a gap.
        """
        for form, reading in self.read(sample.text):
            for part in _numbers(reading):
                text = f"{sample.text[: part.end - 1]}~{sample.text[part.end :]}"
                spoilt = form.read(SourceText("sample", text))
                if spoilt is None:
                    continue
                invented = _regions(spoilt) - _regions(reading)
                where = f"{form.name}: `{part.text[:-1]}~` in line {part.line} of {sample}"
                assert not invented, f"{where} is read as {[*invented]}"
                lost = _regions(reading) - _regions(spoilt)
                assert not lost or _is_told(spoilt, reading), f"{where} is dropped in silence"

    def test_ends_of_lines_change_nothing(self, sample: Sample) -> None:
        """A capture from a serial console has CRLF."""
        text = sample.text.replace("\r\n", "\n").replace("\n", "\r\n")
        self._reads_alike(sample, text, "CRLF")

    def _reads_alike(self, sample: Sample, text: str, how: str) -> None:
        other = {form.name: reading for form, reading in self.read(text)}
        for form, reading in self.read(sample.text):
            rows = _rows(reading)
            assert form.name in other, f"{form.name} does not read {sample} with {how}"
            understood = other[form.name].understood
            assert understood == reading.understood, (
                f"{form.name} understands {understood} lines with {how}, not {reading.understood}"
            )
            found = _rows(other[form.name])
            assert found == rows, f"{form.name} reads {sample} otherwise with {how}"

    def test_a_capture_that_ends_early_invents_nothing(self, sample: Sample) -> None:
        """Cut after any line it has no region that the whole has not; cut anywhere nothing raises.

        Attributes may be told further down.
        """
        whole = {form.name: _regions(reading) for form, reading in self.read(sample.text)}
        lines = sample.text.splitlines(keepends=True)
        for cut in range(1, _CUTS):
            text = "".join(lines[: len(lines) * cut // _CUTS])
            for form, reading in self.read(text):
                if form.name in whole:
                    invented = _regions(reading) - whole[form.name]
                    assert not invented, f"{form.name} of part of {sample}: {[*invented]}"
            self.read(sample.text[: len(sample.text) * cut // _CUTS])

    def test_what_is_printed_is_read_back(self) -> None:
        """Where a printer is given: each descriptor, in its place."""
        for name, memory_map in self.maps():
            text = self.printed(memory_map)
            if text is None:
                continue
            wanted = [self.compared(one) for one in memory_map.descriptors]
            found = [
                [self.compared(one) for one in reading.platform.memory_map.descriptors]
                for _, reading in self.read(text)
            ]
            lines = "\n    ".join(map(notation, memory_map.descriptors))
            assert wanted in found, (
                f"{name} is printed and not read back:\n    {lines}\n  as\n{text}\n"
                f"  `compared` gives {wanted}\n  and of what was read {found}\n"
                "  (override it where the text holds less; `printed` gives None for a map that the "
                "system cannot print)"
            )

    @classmethod
    def maps(cls) -> Iterator[NamedMap]:
        """The memory maps that are printed: none is empty, and of all every bit is known."""
        for named in edge_maps():
            rows = named.memory_map.descriptors
            if rows and all(row.attribute is not None for row in rows):
                yield named
        yield from random_maps("printed", cls.printed_maps)


def _rows(reading: CaptureReading) -> list[MemoryDescriptor]:
    """The descriptors, whatever their place in the list."""
    return [replace(one, index=0) for one in reading.platform.memory_map.descriptors]


def _regions(reading: CaptureReading) -> Counter[tuple[int, int, int]]:
    """How often each type, start and number of pages is reported."""
    descriptors = reading.platform.memory_map.descriptors
    return Counter((one.type, one.physical_start, one.number_of_pages) for one in descriptors)


def _numbers(reading: CaptureReading) -> Iterator[SourceSpan]:
    """Where the numbers of the first, the middle and the last row stand, as far as that is told."""
    rows = reading.platform.memory_map.descriptors
    for place in sorted({0, len(rows) // 2, len(rows) - 1}) if rows else ():
        located = rows[place].located
        parts = [located.span_of(field) for field in _NUMBERS] if located else []
        yield from (part for part in parts if part and part.text[-1:].isalnum())


def _is_told(spoilt: CaptureReading, whole: CaptureReading) -> bool:
    """Whether a reading says that something is missing in it."""
    capture, there, before = (
        spoilt.platform.capture,
        spoilt.platform.memory_map,
        whole.platform.memory_map,
    )
    return (
        bool(capture and capture.unreadable)
        or there.extent != before.extent
        or there.extent == "partial"
        or there.missing != before.missing
    )


def _start(located: Located) -> int:
    return located.span.start


def _holds(outer: SourceSpan, inner: SourceSpan) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
