"""The page of `dvc plots show` with Vega in it. DVC's own page loads Vega from the internet.

`make setup` runs this module in the project's folder.
"""

from pathlib import Path

import vl_convert
from dvc.config import Config

from fathom.base.files import write_text

FILE = "plots.html"  # in .dvc, as DVC's setting `plots.html_template` counts
GLOBALS = "Object.assign(window, {vega, vegaLite, vegaEmbed});"  # as DVC's scripts call them
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>Plots</title>
<script>VEGA</script>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def write_plots_page(dvc_folder: Path) -> None:
    """Write the template of the page and have DVC take it, unless its settings name another."""
    write_text(dvc_folder / FILE, PAGE.replace("VEGA", vl_convert.javascript_bundle(GLOBALS)))
    config = Config(str(dvc_folder))
    if "html_template" not in config["plots"]:
        with config.edit("local") as local:
            local.setdefault("plots", {})["html_template"] = FILE


if __name__ == "__main__":
    write_plots_page(Path(".dvc"))
