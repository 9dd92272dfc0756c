"""The page: report/index.html, one file that needs nothing else."""

import jinja2

from fathom import paths
from fathom.config.schema import Config
from fathom.files import write_text
from fathom.report import charts, tables
from fathom.report.results import DatasetResults, read_results


def report(config: Config) -> None:
    """Write the report of every data set and model in the settings.

    Raises:
        FathomError: a stage's results are not there.
    """
    sections = [section(results) for results in read_results(config)]
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("fathom.report", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.filters["number"] = tables.number
    templates.filters["over_runs"] = tables.over_runs
    page = templates.get_template("page.html.j2")
    write_text(paths.REPORT, page.render(sections=sections, parts=tables.PARTS))


def section(results: DatasetResults) -> dict[str, object]:
    """Return what the template shows of a data set."""
    output = results.problem.main
    regression = output.task == "regression"
    draw = charts.predicted_against_actual if regression else charts.confusion_matrices
    return {
        "problem": results.problem,
        "output": output,
        "inputs": tables.inputs(results.problem),
        "warnings": [warning.sentence for warning in results.warnings],
        "verdict": tables.verdict(results),
        "metrics": tables.METRICS[output.task],
        "leading": tables.leading(output),
        "rows": tables.rows(results),
        "run": results.networks[0].run,
        "curves": charts.learning_curves(results.networks),
        "errors": draw(results.networks, output),
    }
