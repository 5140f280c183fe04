"""The layouts of many seeds as text, and as version 1 of the JSON of ``plan --seeds``."""

from __future__ import annotations

from efipolicy.engine.seeds import SeedsTried
from efipolicy.model.address import size_text
from efipolicy.reporters.lint_json import dump, region_json
from efipolicy.reporters.lint_summary import counted

_NAMES = ("min", "median", "max")


def seeds_text(tried: SeedsTried) -> str:
    """How much room the layouts leave, and the first one that breaks something."""
    last = tried.first_seed + tried.seeds - 1
    layouts = counted(tried.seeds, "layout")
    lines = [f"{tried.strategy}: {layouts}, seeds {tried.first_seed} to {last}", ""]
    if tried.headroom is None:
        lines.append("no region is placed")
    else:
        values = [f"{number:#x} ({_size(number)})" for number in tried.headroom]
        width = max(map(len, values))
        lines += [
            f"headroom {name:<6}  {value:>{width}}"
            for name, value in zip(_NAMES, values, strict=True)
        ]
    lines.append("")
    failure = tried.first_failure
    if failure is None:
        lines.append("no layout breaks anything")
    else:
        lines.append(f"the first layout that breaks something is that of seed {failure.seed}")
        lines += [
            f"problem[{problem.rule}]: {problem.message}"
            + (f" at {problem.region}" if problem.region else "")
            for problem in failure.problems
        ]
    return "\n".join(lines) + "\n"


def _size(number: int) -> str:
    return f"-{size_text(-number)}" if number < 0 else size_text(number)


def seeds_json(tried: SeedsTried) -> str:
    """One JSON object, indented, with a final line end. Headroom is bytes."""
    failure = tried.first_failure
    return dump(
        {
            "version": 1,
            "strategy": tried.strategy,
            "seeds": tried.seeds,
            "headroom": dict(zip(_NAMES, tried.headroom or (None, None, None), strict=True)),
            "first_failure": failure
            and {
                "seed": failure.seed,
                "problems": [
                    {
                        "rule": problem.rule,
                        "message": problem.message,
                        "region": region_json(problem.region),
                    }
                    for problem in failure.problems
                ],
            },
        }
    )
