"""Findings, and the report that holds them."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from efipolicy.errors import EfipolicyError
from efipolicy.model.address import AddressRange
from efipolicy.model.platform import Acceptance, Platform, Subject
from efipolicy.named_tuple import NamedTuple
from efipolicy.source import SourceSpan, SourceText
from efipolicy.source.edit import TextEdit


class Severity(Enum):
    """How much a finding matters; the order of the members is the order of gravity."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return _SEVERITY_RANKS[self]


_SEVERITY_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Confidence(Enum):
    """How sure a finding is, given what its input says."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Responsible(Enum):
    """Whose work it is to make a finding go away."""

    FIRMWARE = "firmware"
    LOADER = "loader"
    KERNEL = "kernel"
    PLATFORM = "platform"


class Related(NamedTuple):
    """Another place that belongs to a finding, and a word on why."""

    subject: Subject
    message: str


class Edit(NamedTuple):
    """A change of the platform file that a fix consists of.

    ``value`` is what the field is to hold, as the model has it: an integer for addresses, counts
    and bits (attributes included), the word for a choice or flag, a type's number. ``field`` is the
    file's key, or a path from the subject: ``image.base``, ``types.2`` for the third of a list.
    ``None`` drops the item at the path from its list, without a path the subject. How a value is
    spelt is the file's matter, not the rule's.
    """

    subject: Subject
    field: str | None = None
    value: int | str | None = None


class Fix(NamedTuple):
    """How a finding can be made to go away in a platform file.

    A fix is ``safe`` when it cannot make the declaration say something the platform does not do;
    an ``unsafe`` one needs a person who knows the platform. ``message`` is an imperative sentence.
    """

    safety: Literal["safe", "unsafe"]
    message: str
    edits: tuple[Edit, ...]


class ReportedFix(NamedTuple):
    """A fix as edits of the text its finding was read from."""

    safety: Literal["safe", "unsafe"]
    message: str
    source: SourceText
    edits: tuple[TextEdit, ...]


class Finding(NamedTuple):
    """What a rule has to say: about what, and why.

    ``region`` is the offending range, by default all of a descriptor. ``field`` names the key of
    the subject that is wrong, so that a reporter can underline it. ``requirements``, ``help``,
    ``responsible`` and ``unless`` override what the rule says of all its findings.
    """

    subject: Subject
    message: str
    region: AddressRange | None = None
    field: str | None = None
    related: tuple[Related, ...] = ()
    requirements: tuple[str, ...] = ()
    help: str | None = None
    responsible: Responsible | None = None
    unless: tuple[str, ...] | None = None
    fix: Fix | None = None


class NotJudged(NamedTuple):
    """What a rule yields for a part it could not judge, with what it would have needed.

    A rule that finds nothing and could not judge something has not passed.
    """

    needs: str


class ReportedFinding(NamedTuple):
    """A finding with everything the policy and the input add to it.

    ``pinned`` names the policy because of which nobody can silence it.
    """

    finding: Finding
    rule: str
    severity: Severity
    confidence: Confidence
    responsible: Responsible
    requirements: tuple[str, ...]
    sources: tuple[str, ...]
    help: str
    help_uri: str
    region: AddressRange | None
    path: str
    span: SourceSpan | None
    fingerprint: str
    accepted: Acceptance | None = None
    fix: ReportedFix | None = None
    pinned: str | None = None


class AcceptanceUse(NamedTuple):
    """What became of an acceptance.

    ``moved``: the region it was written for lies elsewhere now, at ``region``. ``idle``: its rule
    was not judged, so nobody knows, or is pinned, so that it has no effect.
    """

    acceptance: Acceptance
    state: Literal["used", "moved", "expired", "unmatched", "reasonless", "unknown-rule", "idle"]
    region: AddressRange | None = None


class NotChecked(NamedTuple):
    """A rule that could not be judged, and the facts it lacked."""

    rule: str
    needs: str


class Checked(NamedTuple):
    """Per input, how the rules of the policy ended; each rule is in exactly one of the four."""

    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    not_applicable: tuple[str, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()


class JudgedStrategy(NamedTuple):
    """A strategy whose plan was judged: its name, the plan's status, and why it is this one.

    ``reason`` is ``None`` where the platform names the strategy itself.
    """

    name: str
    status: str
    reason: str | None


class InputReport(NamedTuple):
    """What became of one input. ``platform`` is ``None`` when it could not be read.

    ``strategies`` are those whose plans rules asked for. ``acceptances`` are those of the input and
    ``configured`` those of the configuration, with what became of them here.
    """

    path: str
    kind: Literal["platform", "capture", "evidence"]
    format: str | None
    platform: Platform | None
    checked: Checked = Checked()
    findings: tuple[ReportedFinding, ...] = ()
    acceptances: tuple[AcceptanceUse, ...] = ()
    configured: tuple[AcceptanceUse, ...] = ()
    strategies: tuple[JudgedStrategy, ...] = ()


class Fixed(NamedTuple):
    """What was changed before the report was made: findings that went away, and files written."""

    findings: int
    files: int


class KnownFinding(NamedTuple):
    """A finding of a baseline: by its fingerprint, and in words for people."""

    fingerprint: str
    rule: str
    platform: str
    message: str


class BaselineUse(NamedTuple):
    """The baseline a report was compared with, and what of it is there no more."""

    path: str
    fixed: tuple[KnownFinding, ...]


class Report(NamedTuple):
    """The outcome of linting: every input, every finding, everything that went wrong.

    ``configuration`` are findings about the configuration itself.
    """

    inputs: tuple[InputReport, ...]
    errors: tuple[EfipolicyError, ...]
    today: str
    skipped: tuple[str, ...] = ()
    fixed: Fixed | None = None
    configuration: tuple[ReportedFinding, ...] = ()
    baseline: BaselineUse | None = None

    @property
    def findings(self) -> tuple[ReportedFinding, ...]:
        """The findings of all inputs, input by input, then those about the configuration."""
        of_inputs = tuple(finding for report in self.inputs for finding in report.findings)
        return of_inputs + self.configuration
