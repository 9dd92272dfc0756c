"""Paths of the project's files, relative to the working folder.

The working folder is the project, not the folder of this file: DVC runs experiments in copies.
"""

from pathlib import Path

CODE = Path("data/code")
CONF = Path("conf")
EXPORTS = Path("exports")
OWN = Path("data/own")
OWN_CODE = Path("src/own")
PARAMS = Path("params.yaml")
REPORT = Path("report/index.html")
SEARCHES = Path("searches")
STUDIES = Path("studies")

SUBSETS = ("train", "valid", "test")


def raw(dataset: str) -> Path:
    return Path("data/raw", dataset)


def split(dataset: str) -> Path:
    return Path("data/split", dataset)


def scaled(dataset: str) -> Path:
    return Path("data/scaled", dataset)


def problem(dataset: str) -> Path:
    return Path("data/problem", f"{dataset}.json")


def checks(dataset: str) -> Path:
    return Path("data/checks", f"{dataset}.json")


def predictions(dataset: str, model: str) -> Path:
    return Path("data/predictions", dataset, f"{model}.parquet")


def explanation(dataset: str) -> Path:
    return Path("data/explanations", dataset)


def model(dataset: str, model: str) -> Path:
    return Path("models", dataset, model)


def export(dataset: str, model: str) -> Path:
    return EXPORTS / dataset / model


def searches(dataset: str) -> Path:
    return SEARCHES / dataset


def run(seed: int) -> str:
    """Return the name of the files of a run with this seed."""
    return f"seed-{seed}"


def metrics(dataset: str, model: str) -> Path:
    return Path("metrics", dataset, f"{model}.json")


def plots(kind: str, dataset: str, model: str) -> Path:
    return Path("plots", kind, dataset, model)


def checkpoints(dataset: str, model: str) -> Path:
    return Path("checkpoints", dataset, model)


def logs(dataset: str, model: str) -> Path:
    return Path("logs", dataset, model)


def lock(work: str) -> Path:
    return Path("logs/locks", f"{work}.lock")


def training_log(dataset: str, model: str) -> Path:
    return Path("logs/trainings", dataset, f"{model}.json")
