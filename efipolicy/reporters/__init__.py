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
    yield Reporter(name="markdown", title="for a pull request or a job", render=_render_markdown)
    yield Reporter(name="html", title="a page with pictures, in one file", render=_render_html)
    yield Reporter(name="sarif", title="for code scanning: SARIF 2.1.0", render=_render_sarif)
    yield Reporter(name="junit", title="for Jenkins and others: JUnit XML", render=_render_junit)
    yield Reporter(name="github", title="annotations in GitHub Actions", render=_render_github)
    yield Reporter(name="gitlab", title="for GitLab's Code Quality", render=_render_gitlab)


def _render_json(*arguments: object) -> str:
    # Only a program that asked for JSON pays for the import.
    from efipolicy.reporters.lint_json import render_json

    return render_json(*arguments)  # type: ignore[arg-type]


def _render_sarif(*arguments: object) -> str:
    from efipolicy.reporters.lint_sarif import render_sarif

    return render_sarif(*arguments)  # type: ignore[arg-type]


def _render_junit(*arguments: object) -> str:
    from efipolicy.reporters.lint_junit import render_junit

    return render_junit(*arguments)  # type: ignore[arg-type]


def _render_github(*arguments: object) -> str:
    from efipolicy.reporters.lint_github import render_github

    return render_github(*arguments)  # type: ignore[arg-type]


def _render_gitlab(*arguments: object) -> str:
    from efipolicy.reporters.lint_gitlab import render_gitlab

    return render_gitlab(*arguments)  # type: ignore[arg-type]


def _render_markdown(*arguments: object) -> str:
    from efipolicy.reporters.lint_markdown import render_markdown

    return render_markdown(*arguments)  # type: ignore[arg-type]


def _render_html(*arguments: object) -> str:
    from efipolicy.reporters.lint_html import render_html

    return render_html(*arguments)  # type: ignore[arg-type]
