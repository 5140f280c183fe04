"""What a picture of a kexec chain shows: cards, columns, rows, verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from efipolicy.drawing.kexec_chain_rows import ChainRow, chain_rows, folded
from efipolicy.drawing.kexec_chain_words import (
    ChainCard,
    ChainVerdict,
    firmware_card,
    first_card,
    kernel_name,
    next_card,
    verdict_on,
)
from efipolicy.engine.kexec_channel import transition
from efipolicy.engine.kexec_matrix import cases
from efipolicy.engine.kexec_state import ChainKernel, Transition, after, first_boot
from efipolicy.model.chain import Case, ChainReport
from efipolicy.model.platform import Platform
from efipolicy.named_tuple import NamedTuple

MOST_KERNELS: Final = 4
"""Kernels that one picture has room for; a longer chain has a picture for each hop."""


class ChainFigure(NamedTuple):
    """One picture: kernels ``first`` and after, with firmware between the first two.

    ``heads`` stand over the columns of addresses, one for each card. ``rows`` are all regions,
    ``drawn`` what is drawn of them. ``cases`` are what else may become of the only hop.
    """

    first: int
    title: str
    cards: tuple[ChainCard, ...]
    heads: tuple[str, ...]
    rows: tuple[ChainRow, ...]
    drawn: tuple[ChainRow, ...]
    verdicts: tuple[ChainVerdict, ...]
    cases: tuple[Case, ...] = ()

    @property
    def failed(self) -> ChainVerdict | None:
        """The first verdict that is not good."""
        return next((one for one in self.verdicts if one.verdict != "ok"), None)

    def __str__(self) -> str:
        cards = [f"[{card.heading}: {card.name}; {', '.join(card.lines)}]" for card in self.cards]
        lines = [self.title, *cards, *self.drawn, *self.verdicts]
        lines += [f"else {case.verdict}: {case.when}" for case in self.cases]
        return "\n".join(map(str, lines))


def describe_kexec_chain(
    platform: Platform, kernels: Sequence[ChainKernel], report: ChainReport
) -> tuple[ChainFigure, ...]:
    """The pictures of a chain: one for up to `MOST_KERNELS` kernels, else one for each hop.

    ``report`` is the verdict on these kernels (`efipolicy.engine.kexec.simulate`). ``str`` of a
    picture is its text. Every region with EFI_MEMORY_RUNTIME is in one row of ``rows``, and in one
    of ``drawn``, whose ``regions`` sum up to the number of ``rows``. Raises `ValueError` where the
    report is about another number of kernels.
    """
    taken = _transitions(platform, kernels, report)
    rows = chain_rows(platform, taken, report.hops)
    hops = range(len(taken))
    parts = [hops] if len(kernels) <= MOST_KERNELS else [range(hop, hop + 1) for hop in hops]
    return tuple([_figure(taken, report, rows, part) for part in parts])


def _transitions(
    platform: Platform, kernels: Sequence[ChainKernel], report: ChainReport
) -> list[Transition]:
    if len(kernels) != len(report.hops) + 1:
        raise ValueError(f"{len(kernels)} kernels and verdicts on {len(report.hops)} hops")
    state = first_boot(platform, kernels[0])
    taken: list[Transition] = []
    for second, hop in zip(kernels[1:], report.hops, strict=True):
        taken.append(transition(platform, state, second))
        state = after(taken[-1], hop.verdict)
    return taken


def _figure(
    taken: Sequence[Transition], report: ChainReport, rows: Sequence[ChainRow], hops: range
) -> ChainFigure:
    first = hops.start
    left = (
        next_card(first + 1, taken[first - 1], report.hops[first - 1])
        if first
        else first_card(taken[0].state)
    )
    rights = [next_card(hop + 2, taken[hop], report.hops[hop]) for hop in hops]
    verdicts = [verdict_on(hop + 2, taken[hop], report.hops[hop], rows) for hop in hops]
    sliced = tuple([_sliced(row, taken[first], hops) for row in rows])
    return ChainFigure(
        first=first + 1,
        title=_title(taken, hops),
        cards=(left, firmware_card(taken[first].state), *rights),
        heads=_heads(taken, hops),
        rows=sliced,
        drawn=folded(sliced),
        verdicts=tuple(verdicts),
        cases=_other_cases(taken[first]) if len(hops) == 1 else (),
    )


def _sliced(row: ChainRow, taken: Transition, hops: range) -> ChainRow:
    """A row with the columns of some hops only, the first of which is ``taken``."""
    first = hops.start
    used = row.used[first : hops.stop]
    if not first:
        return row._replace(used=used)
    holder = next((one for one in taken.state.layout if row.physical.start in one.physical), None)
    frozen = row.physical.start
    if holder and holder.virtual_start is not None:
        frozen = holder.virtual_start + row.physical.start - holder.physical.start
    return row._replace(given=row.used[first - 1], frozen=frozen, used=used)


def _title(taken: Sequence[Transition], hops: range) -> str:
    names = [taken[hops.start].state.kernel.name, *[taken[hop].second.name for hop in hops]]
    which = "kexec chain"
    if len(hops) != len(taken):
        which += f", hop {hops.start + 1} of {len(taken)}"
    return f"{which}: {' to '.join(names)}"


def _heads(taken: Sequence[Transition], hops: range) -> tuple[str, ...]:
    """What each column of addresses is."""
    state = taken[hops.start].state
    heads = ["virtual address given", "address frozen in firmware"]
    if hops.start:
        heads[0] = "virtual address used"
    if not state.firmware.virtual:
        failed = state.kernel.calls and not state.running and not hops.start
        heads = ["address asked for" if failed else "physical address", "address in firmware"]
    for hop in hops:
        physical = taken[hop].second.addresses == "physical"
        heads.append("physical address used" if physical else "virtual address used")
    return tuple(heads)


def _other_cases(taken: Transition) -> tuple[Case, ...]:
    """What else may become of a hop of which nothing was said but the strategy."""
    second = taken.second
    said = second.channel != "auto" or second.loader != "unspecified" or second.kind == "crash"
    if said or second.carried or not taken.state.running:
        return ()
    return cases(taken.platform, taken.state, second)[1:]


def verdict_title(figure: ChainFigure) -> str:
    """The conclusion for those who do not see the picture."""
    kept = sum(set(row.kinds) == {"same"} for row in figure.rows)
    failed = figure.failed
    told = [f"{kept} of {len(figure.rows)} runtime regions keep their virtual address."]
    told += [one.sentence for one in figure.verdicts]
    where = f" ({failed.verdict} in {kernel_name(failed.number)})" if failed else ""
    told.append(f"Verdict: {failed.word.lower() if failed else 'pass'}{where}.")
    return " ".join(told)
