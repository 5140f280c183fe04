"""Fix what can be fixed in a platform file, and prove that nothing else was changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from efipolicy.engine.fix_comparison import Comparison
from efipolicy.engine.fix_edits import text_edits
from efipolicy.engine.fix_targets import Target, targets
from efipolicy.formats.platform import read_platform
from efipolicy.model.finding import Finding, Fix, InputReport, ReportedFinding, ReportedFix
from efipolicy.model.platform import Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.source import SourceText
from efipolicy.source.document import Mapping
from efipolicy.source.edit import apply_edits
from efipolicy.source.spelling import UnspellableError

MOST_ROUNDS = 10

Relint = Callable[[Platform], InputReport]
"""Judge a platform as it was judged before."""


def reported_fix(finding: Finding, platform: Platform) -> ReportedFix | None:
    """A finding's fix as edits of the platform file, or ``None`` where there is none.

    There is none in a capture, which is evidence, nor where the file is written in a way that the
    fix cannot be spelled in.
    """
    root = _document(platform)
    if finding.fix is None or root is None:
        return None
    try:
        edits = text_edits(targets(finding.fix.edits, root))
    except UnspellableError:
        return None
    return ReportedFix(finding.fix.safety, finding.fix.message, root.source, tuple(edits))


class Refusal(NamedTuple):
    """A fix that was not made, and why."""

    finding: ReportedFinding
    why: str

    def __str__(self) -> str:
        place = str(self.finding.span) if self.finding.span else self.finding.path
        return f"{place}: {self.finding.rule} was not fixed: {self.why}"


class Fixing(NamedTuple):
    """What fixing came to: the text, what is left to report of it, how many findings went away."""

    text: str
    report: InputReport
    fixed: int = 0
    refusals: tuple[Refusal, ...] = ()


def fix(report: InputReport, relint: Relint, *, unsafe: bool = False) -> Fixing:
    """Make the safe fixes of a report, and with ``unsafe`` all of them, until none is left.

    Fixes that are about one field are made one after the other, each on what the last one left.
    Each round's text is read again and may differ in the edited fields only; else, or when there
    is no end to it, the text stays as it was. What someone accepted is not fixed.
    """
    platform = report.platform
    root = _document(platform) if platform else None
    if platform is None or root is None:
        raise ValueError(f"{report.path} is no platform file")
    text, current, fixed = root.source.text, report, 0
    for _ in range(MOST_ROUNDS):
        fixable = [item for item in current.findings if _wanted(item, unsafe=unsafe)]
        if not fixable or current.platform is None:
            return Fixing(text, current, fixed, tuple(_unspellable(current, unsafe=unsafe)))
        round_ = _Round(current.platform, fixable)
        changed = round_.fixed()
        if isinstance(changed, Refusal):
            return Fixing(root.source.text, report, 0, (changed,))
        text, fixed = changed.source.text, fixed + len(round_.taken)
        current = relint(changed.platform)
    left = next((item for item in current.findings if _wanted(item, unsafe=unsafe)), None)
    if left is None:
        return Fixing(text, current, fixed, tuple(_unspellable(current, unsafe=unsafe)))
    why = f"there is no end to it after {MOST_ROUNDS} rounds"
    return Fixing(root.source.text, report, 0, (Refusal(left, why),))


def _document(platform: Platform) -> Mapping | None:
    """The document a platform was read from, unless that is a capture."""
    located = platform.located
    return located if isinstance(located, Mapping) and platform.capture is None else None


def _wanted(item: ReportedFinding, *, unsafe: bool) -> bool:
    return bool(item.fix and not item.accepted and (unsafe or item.fix.safety == "safe"))


def _unspellable(report: InputReport, *, unsafe: bool) -> Iterator[Refusal]:
    """What has a fix that the file has no place for."""
    root = _document(report.platform) if report.platform else None
    for item in report.findings:
        meant = item.finding.fix
        if root is None or meant is None or item.fix or item.accepted:
            continue
        if meant.safety == "unsafe" and not unsafe:
            continue
        try:
            text_edits(targets(meant.edits, root))
        except UnspellableError as problem:
            yield Refusal(item, str(problem))


class _Changed(NamedTuple):
    source: SourceText
    platform: Platform


class _Round:
    """As many fixes as can be made at once."""

    def __init__(self, platform: Platform, fixable: Iterable[ReportedFinding]) -> None:
        root = _document(platform)
        if root is None:
            raise ValueError("no platform file")
        self.root = root
        self.taken: list[tuple[ReportedFinding, list[Target]]] = []
        self.claimed: set[tuple[int, str | int]] = set()
        self.dropped: set[tuple[int, str | int]] = set()
        self.inside: set[tuple[int, str | int]] = set()
        for item in fixable:
            if item.finding.fix:
                self._take(item, item.finding.fix)

    def _take(self, item: ReportedFinding, meant: Fix) -> None:
        """Take a fix in, unless it is about something that another changes."""
        wanted = targets(meant.edits, self.root)
        above = [place for target in wanted for place in target.above()]
        drops = [target.identity for target in wanted if target.value is None]
        if any(target.identity in self.claimed for target in wanted):
            return
        if not self.dropped.isdisjoint(above) or not self.inside.isdisjoint(drops):
            return
        self.claimed.update(target.identity for target in wanted)
        self.dropped.update(drops)
        self.inside.update(above)
        self.taken.append((item, wanted))

    def fixed(self) -> _Changed | Refusal:
        """The changed file, or the fix that would change something else."""
        while True:
            try:
                changed = self._changed()
            except UnspellableError as problem:
                if len(self.taken) == 1:
                    return Refusal(self.taken[0][0], str(problem))
                # Each can be made, but not with the others: the rest is for later rounds.
                self.taken = self.taken[: len(self.taken) // 2]
                continue
            return self._refusal(changed) if isinstance(changed, str) else changed

    def _changed(self) -> _Changed | str:
        """The file with the fixes that were taken, or what is wrong with it."""
        wanted = [target for _, of_one in self.taken for target in of_one]
        source = self.root.source
        text = apply_edits(source.text, text_edits(wanted))
        if text == source.text:
            return "it changes nothing"
        new = source.with_text(text)
        platform, errors = read_platform(new)
        document = _document(platform) if platform else None
        if platform is None or document is None:
            return f"the file could not be read any more ({errors[0].message})"
        also = Comparison(wanted).difference(self.root, document)
        return f"it would also change {also}" if also else _Changed(new, platform)

    def _refusal(self, why: str) -> Refusal:
        """Name one of the fixes that are to blame, found by halving."""
        while len(self.taken) > 1:
            both, half = self.taken, len(self.taken) // 2
            self.taken = both[:half]
            outcome = self._changed()
            if not isinstance(outcome, str):
                self.taken = both[half:]
        return Refusal(self.taken[0][0], why)
