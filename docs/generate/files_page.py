"""The page of the files that stages write, from dvc.yaml and docs/reference/files.yaml."""

from collections.abc import Iterator
from typing import Any

import yaml
from settings_page import ROOT

HEAD = """# Files that stages write

This page is made from `dvc.yaml` and `docs/reference/files.yaml`. DATASET and MODEL stand for
names. Git tracks `metrics/`, DVC the rest; every file follows to the byte from what its stage
reads. `logs/`, `checkpoints/` and `studies/` belong to this machine alone. [How the stages work
together](../architecture.md).
"""


def files_page() -> str:
    """Return the page in Markdown."""
    meanings = yaml.safe_load((ROOT / "docs/reference/files.yaml").read_text())
    parts = [HEAD]
    for name, stage in stages().items():
        parts += [f"\n## {name}\n", f"{stage['desc']}.\n", f"Reads: {', '.join(read(stage))}.\n"]
        parts += rows(outputs(stage), meanings)
    return "\n".join(parts) + "\n"


def stages() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    return found


def outputs(stage: dict[str, Any]) -> list[str]:
    """Return the outputs and metrics of a stage, with DATASET and MODEL for their names."""
    outs = [*stage.get("outs", []), *stage.get("metrics", [])]
    return [named(out if isinstance(out, str) else next(iter(out))) for out in outs]


def read(stage: dict[str, Any]) -> list[str]:
    """Return the files and settings that a stage reads, without its code."""
    params = [p if isinstance(p, str) else next(iter(p)) for p in stage["params"]]
    deps = [dep for dep in stage["deps"] if not dep.startswith("src/")]
    return [f"`{named(name)}`" for name in [*deps, *params]]


def named(path: str) -> str:
    for group in ("dataset", "model"):
        path = path.replace(f"${{item.{group}}}", group.upper())
    return path.replace("${experiment}", "EXPERIMENT")


def rows(outs: list[str], meanings: dict[str, Any]) -> Iterator[str]:
    """Yield a table of files."""
    if not outs:
        yield "It writes nothing: its exit status tells."
        return
    yield "| file | holds |"
    yield "|---|---|"
    for out in outs:
        inside = meanings[out] if isinstance(meanings[out], dict) else {"": meanings[out]}
        for name, meaning in inside.items():
            yield f"| `{out}{'/' if name else ''}{name}` | {meaning} |"
