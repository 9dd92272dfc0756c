"""Templates of Jinja in the folder of a package."""

from typing import Any

import jinja2


def load_templates(package: str, html: bool = False, **filters: Any) -> jinja2.Environment:
    """Return the templates of a package, such as "fathom.report", with filters by their names."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader(package, ""),
        autoescape=html,  # noqa: S701 - the others are Markdown and Python
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.filters |= filters
    return templates
