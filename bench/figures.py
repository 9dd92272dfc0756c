"""Our figures beside published ones:

PYTHONPATH=src python bench/figures.py [--only DATASET]

Runs what `published.yaml` names as experiments of DVC in a copy of the project, takes the figures
from their metrics files, and writes the table to README.md between its two marks. What DVC has in
its cache is not trained again; from nothing it takes an hour. Fashion-MNIST is downloaded, or comes
from the mirror that `FATHOM_MIRROR` names.
"""

import argparse
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from fathom.evaluate.formatting import format_mean

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = Path(__file__).with_name("published.yaml")
MARKS = ("<!-- figures: made by `make figures` -->", "<!-- figures end -->")
LABELS = {"rmse": "RMSE", "accuracy": "accuracy"}

Run = tuple[str, str]  # data set and experiment


def command(*arguments: str) -> str:
    """Run a command in the project and return what it prints."""
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def runs(published: dict[str, Any]) -> dict[Run, set[str]]:
    """Return which networks and baselines are wanted of which data set and experiment."""
    wanted: dict[Run, set[str]] = defaultdict(set)
    for dataset, entry in published.items():
        for figure in entry["figures"]:
            wanted[dataset, figure.get("experiment", "none")].add(figure["model"])
    return wanted


def metrics(run: Run, models: set[str]) -> dict[str, Any]:
    """Return the metrics files of an experiment, which is run first, by model and baseline."""
    dataset, experiment = run
    name = f"figures-{dataset}-{experiment}".replace("_", "-")
    networks = sorted(models & {file.stem for file in (ROOT / "conf/model").glob("*.yaml")})
    settings = [f"datasets=[{dataset}]", f"models=[{','.join(networks)}]"]
    settings.append(f"experiment={experiment}")
    chosen = [part for setting in settings for part in ("-S", setting)]
    targets = ("evaluate", "baseline")
    remove(name)  # -f would train again what DVC has in its cache
    command("dvc", "exp", "run", "-q", "--temp", "-n", name, *chosen, *targets)
    ref = references(name)[0]
    files = {model: f"metrics/{dataset}/{model}.json" for model in [*networks, "baseline"]}
    found = {m: json.loads(command("git", "show", f"{ref}:{f}")) for m, f in files.items()}
    return {**found, **found.pop("baseline")}


def references(name: str) -> list[str]:
    """Return Git's references of the experiments of a name."""
    found = command("git", "for-each-ref", "--format=%(refname)", "refs/exps").splitlines()
    return [reference for reference in found if reference.endswith(f"/{name}")]


def remove(name: str) -> None:
    """Remove the experiments of a name; their outputs stay in DVC's cache."""
    for reference in references(name):
        command("git", "update-ref", "-d", reference)


def ours(figures: dict[str, Any], metric: str) -> str:
    """Return a test figure, over its runs if there are several."""
    spread = figures.get("spread", {}).get("test", {}).get(metric)
    if spread:
        return format_mean(spread)
    return f"{figures['test'][metric]:.3f}"


def table(published: dict[str, Any], found: dict[Run, dict[str, Any]]) -> Iterator[str]:
    yield "| data set | test | ours | figure | published | figure | source |"
    yield "|---|---|---|---|---|---|---|"
    for dataset, entry in published.items():
        for line in entry["figures"]:
            experiment = line.get("experiment", "none")
            name = line["model"] + (f", `{experiment}`" if experiment != "none" else "")
            figure = ours(found[dataset, experiment][line["model"]], entry["metric"])
            yield (
                f"| {dataset} | {LABELS[entry['metric']]} | {name} | {figure} | {line['what']} | "
                f"{line['published']} | {line['source']} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", help="a data set; prints its table, README.md stays as it is")
    only = parser.parse_args().only
    published = yaml.safe_load(PUBLISHED.read_text())
    if only:
        published = {only: published[only]}
    found = {run: metrics(run, models) for run, models in runs(published).items()}
    made = "\n".join(table(published, found))
    print(made)
    if not only:
        readme = ROOT / "README.md"
        between = re.compile(f"({re.escape(MARKS[0])}\n).*?({re.escape(MARKS[1])})", re.DOTALL)
        readme.write_text(between.sub(lambda m: f"{m[1]}\n{made}\n\n{m[2]}", readme.read_text()))


if __name__ == "__main__":
    main()
