"""``efi:kexec-chain``: the picture of a kexec chain on a platform, and its data table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, cast

from docutils import nodes
from docutils.parsers.rst import directives

from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.kexec_chain import (
    ChainFigure,
    describe_kexec_chain,
    kexec_chain_svg,
    kexec_row_anchors,
)
from efipolicy.drawing.kexec_chain_rows import UsedAddress
from efipolicy.drawing.notation import address_text, counted, grouped, groups_for
from efipolicy.drawing.svg import Form
from efipolicy.engine.kexec import simulate
from efipolicy.engine.kexec_chains import declared_chain, kernel_of, role_of
from efipolicy.engine.kexec_spelled import spelled_chain
from efipolicy.engine.kexec_state import ChainKernel
from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import PlanChoice
from efipolicy.errors import EfipolicyError
from efipolicy.model.chain import ChainHop, ChainReport
from efipolicy.model.efi import type_name
from efipolicy.model.finding import InputReport, Severity
from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.sphinxext.elements import efi_figure, efi_fold, severity_mark
from efipolicy.sphinxext.installed import drawn_findings, registry
from efipolicy.sphinxext.parts import Cell, literal, paragraph, table
from efipolicy.sphinxext.platform_directive import PlatformDirective
from efipolicy.sphinxext.ticks import tick

_OPEN_ROWS: Final = 40
_PACK: Final = "kexec/"


class EfiKexecChain(PlatformDirective):
    """``.. efi:kexec-chain:: name-or-path``: what becomes of firmware along a chain of kernels.

    ``:hops:`` names the strategies as ``--chain`` does, options included. A chain of no such
    names is the one that the platform declares.
    """

    option_spec = {  # noqa: RUF012 - docutils reads it so
        **PlatformDirective.option_spec,
        "hops": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """The pictures, and below each the same as a table."""
        report = self.linted()
        platform = cast(Platform, report.platform)
        hops = self.options.get("hops")
        try:
            if hops:
                words = "".join(hops.split("\n"))
                kernels = spelled_chain(words, platform, registry(), PlanChoice())
            else:
                kernels = declared_chain(platform, registry(), PlanChoice()) or []
            if kernels:
                return chain_nodes(report, kernels, declared=not hops)
        except EfipolicyError as problem:
            raise self.error(str(problem)) from problem
        raise self.error(f"{platform.name} declares no chain; say one with :hops:")


def platform_chain(report: InputReport, native: Planned | None) -> list[nodes.Node]:
    """The chain that a platform declares, else its native kernel and another one like it.

    Raises what planning raises.
    """
    platform = cast(Platform, report.platform)
    kernels = declared_chain(platform, registry(), PlanChoice())
    if kernels:
        return chain_nodes(report, kernels, declared=True)
    if native is None:
        return []
    name = native.plan.strategy
    if native.role is None:
        return [paragraph(f"Nothing is known of kexec with {name}: its strategy does not say.")]
    declared = next(iter(platform.mapping or ()), MappingDeclaration(options={}))
    kernel = kernel_of(name, declared, native, role_of(name, registry()))
    told = f"The platform declares no chain; this is {name}, and another kernel like it."
    return [paragraph(told), *chain_nodes(report, [kernel, kernel], declared=False)]


def chain_nodes(
    report: InputReport, kernels: Sequence[ChainKernel], *, declared: bool
) -> list[nodes.Node]:
    """The pictures of a chain, the same as tables, and what the verdicts take for granted.

    Findings of rules on kexec are about the chain that a platform ``declared``; no other has them.
    """
    platform = cast(Platform, report.platform)
    judged = simulate(platform, kernels)
    figures = describe_kexec_chain(platform, kernels, judged)
    names = nodes.make_id("-".join(kernel.name for kernel in kernels))
    base = f"{nodes.make_id(platform.name)}-{names}"
    found = drawn_findings(report) if declared else []
    mine = [one for one in found if one.rule.startswith(_PACK)]
    made: list[nodes.Node] = []
    for figure in figures:
        part = base if len(figures) == 1 else f"{base}-{figure.first}"
        pills = mine if figure.failed or figure is figures[-1] else []
        made += _one(platform, figure, part, pills)
        if figure.failed:
            mine = []
    return [*made, _hops(judged, figures), *_assumed(judged)]


def _one(
    platform: Platform, figure: ChainFigure, base: str, findings: Sequence[DrawnFinding]
) -> list[nodes.Node]:
    """One picture and its table."""
    figure_id, table_id = f"kexec-{base}", f"k-{base}"
    title = platform.title or platform.name

    def drawn(form: Form) -> str:
        linked = form == "inline"
        return kexec_chain_svg(
            [figure],
            figure_id=figure_id,
            findings=findings if linked else [replace(f, href=None) for f in findings],
            table_id=table_id if linked and figure.rows else None,
            form=form,
        )

    label = f"{figure.title}, on {title}"
    picture = efi_figure(
        svg=drawn("inline"),
        standalone=drawn("standalone"),
        figure=figure_id,
        table=table_id if figure.rows else "",
        label=f"{label[:1].upper()}{label[1:]}",
    )
    return [picture, *_data_table(figure, figure_id, table_id)]


def _data_table(figure: ChainFigure, figure_id: str, table_id: str) -> list[nodes.Node]:
    """Each region with its address in firmware and in every kernel."""
    if not figure.rows:
        return []
    anchors = kexec_row_anchors(figure, figure_id)
    physical = groups_for(max(row.physical.end for row in figure.rows))
    rows: list[list[Cell]] = []
    for row in figure.rows:
        number = str(row.number)
        link = nodes.reference(number, number, internal=True, refid=anchors[row.number])
        rows.append(
            [
                link,
                type_name(row.type),
                [
                    literal(address_text(row.physical.start, physical)),
                    nodes.Text(" to "),
                    literal(address_text(row.physical.end, physical)),
                ],
                _address(row.given),
                "not known" if row.frozen is None else literal(address_text(row.frozen, 2)),
                *map(_address, row.used),
            ]
        )
    cards = [card.heading for card in figure.cards]
    heads = ("region", "type", "physical", *cards)
    made = table(
        heads,
        rows,
        ids=[table_id],
        row_ids=[f"{table_id}-{row.number}" for row in figure.rows],
        title=f"Runtime regions: {figure.title}",
        classes=["ep-chain"],
    )
    if len(rows) <= _OPEN_ROWS:
        return [made]
    return [efi_fold("", made, summary=f"All {counted(len(rows), 'region')}")]


def _address(one: UsedAddress) -> Cell:
    note = f" ({one.note})" if one.note else ""
    if one.address is None:
        return one.note or "no address"
    shown = literal(address_text(one.address, 2))
    if one.agreement in ("differs", "fault"):
        return [shown, nodes.Text(" "), severity_mark(Severity.ERROR, (one.note or "differs"))]
    return [shown, nodes.Text(note)]


def _hops(judged: ChainReport, figures: Sequence[ChainFigure]) -> nodes.table:
    """Each hop: what reaches the next kernel, the verdict, and what that means."""
    sentences = [verdict.sentence for figure in figures for verdict in figure.verdicts]
    rows: list[list[Cell]] = []
    for hop, sentence in zip(judged.hops, sentences, strict=True):
        example = grouped(hop.counter_example.sentence) if hop.counter_example else ""
        why = f" {example[:1].upper()}{example[1:]}." if example else ""
        names = f"{hop.first} to {hop.second}"
        kind = ", a crash kernel" if hop.kind == "crash" else ""
        rows.append([f"{names}{kind}", _carried(hop), verdict_mark(hop.verdict), sentence + why])
    heads = ("hop", "handed over", "verdict", "what it means")
    return table(heads, rows, classes=["ep-hops"])


def verdict_mark(verdict: str) -> nodes.Node:
    """A verdict with its sign."""
    if verdict == "ok":
        return tick("pass")
    lost = verdict == "runtime-disabled"
    return severity_mark(Severity.WARNING if lost else Severity.ERROR, verdict)


def _carried(hop: ChainHop) -> str:
    carried = hop.carried
    if carried.channel == "none":
        return "nothing"
    size = f" of {carried.descriptor_size} bytes" if carried.descriptor_size else ""
    return f"{carried.channel}: {counted(carried.map_entries, 'entry', 'entries')}{size}"


def _assumed(judged: ChainReport) -> list[nodes.Node]:
    if not judged.assumptions:
        return []
    items = [nodes.list_item("", paragraph(told)) for told in judged.assumptions]
    return [efi_fold("", nodes.bullet_list("", *items), summary="What is taken for granted")]
