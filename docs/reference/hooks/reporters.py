"""One line a finding, as the build farm wants them."""

from collections.abc import Iterable

from efipolicy.plugin import RenderOptions, Report, Reporter, hookimpl

EFIPOLICY_API = 1


def render(report: Report, _options: RenderOptions) -> str:
    """The whole text, final line end and all."""
    lines = [f"{finding.severity.value} {finding.rule}" for finding in report.findings]
    return "".join(f"{line}\n" for line in lines)


@hookimpl
def efipolicy_reporters() -> Iterable[Reporter]:
    """The format ``acme``, for ``--format acme``."""
    yield Reporter(name="acme", title="one line a finding", render=render)
