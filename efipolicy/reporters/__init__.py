"""Reports as text. The formats for ``lint`` are plugin contributions; one file a format."""

from collections.abc import Iterable

from efipolicy.plugin import Reporter, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_reporters() -> Iterable[Reporter]:
    """The formats that come with efipolicy."""
    from efipolicy.reporters.lint_text import render_text

    yield Reporter(name="text", title="for people", render=render_text)
    yield Reporter(name="json", title="for programs, versioned", render=_render_json)


def _render_json(*arguments: object) -> str:
    # Only a program that asked for JSON pays for the import.
    from efipolicy.reporters.lint_json import render_json

    return render_json(*arguments)  # type: ignore[arg-type]
