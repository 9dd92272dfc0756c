"""Names in commands: what a shell completes, and the folder of an export."""

from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from typing import Any

import click
import yaml
from click.shell_completion import CompletionItem

from fathom.base import paths
from fathom.settings.file_names import check_name, options

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


class FileName(click.ParamType[str]):
    """The name of a file in a group of conf/, which may not exist yet."""

    name = "text"

    def __init__(self, group: str) -> None:
        self.group = group

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return str(check_name(value, self.group))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def completes(names: Callable[[], Iterable[str]]) -> Complete:
    """Return a completion of names; a shell completes files if no name begins with the word."""

    def complete(_: click.Context, __: click.Parameter, word: str) -> list[CompletionItem]:
        found = [CompletionItem(name) for name in names() if name.startswith(word)]
        return found or [CompletionItem(word, type="file")]

    return complete


def exports() -> list[str]:
    folders = (file.parent for file in paths.EXPORTS.glob("*/*/signature.json"))
    return sorted(folder.relative_to(paths.EXPORTS).as_posix() for folder in folders)


MODEL = click.argument("model", type=click.Path(path_type=Path), shell_complete=completes(exports))
ENGINE = click.option(
    "--engine",
    type=click.Choice(["auto", "onnx", "keras"]),
    default="auto",
    show_default=True,
    help="onnx: model.onnx in ONNX Runtime; keras: model.keras; auto: model.onnx if there is one.",
)


def find_export(model: Path) -> Path:
    """Return the folder of an export. Its name below `exports/` is enough."""
    short = paths.EXPORTS / model
    return short if short.is_dir() and not model.is_dir() else model


def datasets() -> list[str]:
    return options("dataset")


def revisions() -> list[str]:
    from fathom.experiments.revisions import revision_names

    return revision_names()


def stages() -> list[str]:
    """Return the stages of dvc.yaml, with the data sets and models of params.yaml."""
    params, names = read(paths.PARAMS), []
    for stage, entry in read(Path("dvc.yaml"))["stages"].items():
        groups = [params[f"{group}s"] for group in entry.get("matrix", ())]
        pairs = ["-".join(pair) for pair in product(*groups)]
        names += [stage, *(f"{stage}@{pair}" for pair in pairs if pair)]
    return names


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {"stages": {}}


def search_settings() -> list[str]:
    """Return the choices of a search: dataset=…, model=…, search=… and space=…"""
    groups = {"dataset": "dataset", "model": "model", "search": "search", "space": "search/space"}
    return [f"{key}={name}" for key, group in groups.items() for name in options(group)]
