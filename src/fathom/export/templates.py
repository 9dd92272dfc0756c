"""Templates of text in an export."""

from typing import Any

import jinja2


def environment(**filters: Any) -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("fathom.export", ""),
        autoescape=False,  # noqa: S701 - Markdown and Python
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.filters |= filters
    return templates
