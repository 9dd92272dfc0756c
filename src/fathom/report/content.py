"""The content of the page for machines, `report.json`, and for a pull request, `summary.md`."""

import dataclasses
import math
from typing import Any

import numpy as np
from pydantic import BaseModel

from fathom.report.digits import format_difference, format_fixed
from fathom.report.drawing import Drawing


def to_json(content: Any) -> Any:
    """Return content without its drawings, as values that JSON has.

    No number is rounded: the page rounds these very values.
    """
    if isinstance(content, BaseModel):
        return to_json(content.model_dump())
    if dataclasses.is_dataclass(content):
        fields = {f.name: getattr(content, f.name) for f in dataclasses.fields(content)}
        return to_json(fields)
    if isinstance(content, dict):
        return {str(k): to_json(v) for k, v in content.items() if not is_drawing(v)}
    if isinstance(content, list | tuple):
        return [to_json(value) for value in content if not is_drawing(value)]
    if isinstance(content, np.generic):
        return to_json(content.item())
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content if isinstance(content, str | int | float | None) else str(content)


def is_drawing(value: Any) -> bool:
    """Whether a value is a drawing, or a list or mapping of nothing else."""
    if isinstance(value, list | tuple | dict) and value:
        return all(map(is_drawing, value.values() if isinstance(value, dict) else value))
    return isinstance(value, Drawing)


def to_markdown(sections: list[dict[str, Any]]) -> str:
    """Return the first screen of the page, and the table of models, in Markdown."""
    lines = ["# Fathom report"]
    for section in sections:
        best, comparison = section["headline"], section["comparison"]
        digits, metric = section["decimals"], section["comparison"]["metric"]
        lines += ["", f"## {section['dataset']}", ""]
        runs = f" ({best['runs']})" if best["runs"] else ""
        lines += [f"**{best['name']}**{runs}: {best['text']} {best['label']}.", ""]
        sentences = (best["worth"]["sentence"], best["comparison"]["sentence"], best["ties"])
        lines += [" ".join(filter(None, sentences)), ""]
        for suggestion in section["suggestions"]:
            code = f" `{'; '.join(suggestion.code.splitlines())}`" if suggestion.code else ""
            lines.append(f"- {suggestion.action}. {suggestion.evidence}{code}")
        lines += ["", f"| model | test {comparison['labels'][metric]} | difference | verdict |"]
        lines += ["|---|---|---|---|"]
        for row in comparison["models"]:
            compared = row.compared or {}
            difference = format_difference(compared["difference"]) if compared else ""
            value = format_fixed(row.metrics["test"][metric], digits[metric])
            name = f"**{row.name}**" if row.kind == "network" else row.name
            lines += [f"| {name} | {value} | {difference} | {compared.get('verdict', '')} |"]
    return "\n".join(lines) + "\n"
