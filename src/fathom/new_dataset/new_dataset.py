"""`fathom new-dataset`: adds a user's file to the project as a data set."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import write_text
from fathom.new_dataset.describe_images import describe_images, is_images
from fathom.new_dataset.describe_table import describe_table
from fathom.new_dataset.placement import DVC, Placement, choose_placement, make_name, track
from fathom.settings.compose import one_line
from fathom.settings.data_settings import DatasetSettings
from fathom.settings.fields import Task


def new_dataset(
    file: Path, target: str | None, task: Task | None, name: str | None, force: bool
) -> None:
    """Describe a file, track it with DVC in `data/own/`, and write its settings.

    Writes nothing unless all of that succeeds.

    Args:
        file: a table, a folder of images or an .npz file.
        target: the column of a table to predict. Without it the program prints the columns and
            ends with status 2.
        task: inferred from the target by default.
        name: made from the file's name by default.
        force: whether to replace a data set of that name.

    Raises:
        FathomError: no network can be trained on the file, or it cannot be added.
    """
    for path in (paths.CONF / "config.yaml", paths.PARAMS, DVC / "config"):
        if not path.is_file():
            raise FathomError(
                f"there is no {path} in {Path.cwd()}: run this in the project's folder"
            )
    name = name or make_name(file)
    placement = choose_placement(file, name, force)
    if is_images(file):
        if target is not None or task == "regression":
            option = "--target" if target is not None else "--task regression"
            raise FathomError(f"{option} is for tables: images have classes")
        text = describe_images(file, name, placement.data)
    else:
        text = describe_table(file, name, placement.data, target, task)
    check_settings(text, name)
    with track(file, placement):
        write_text(placement.settings, text)
    print_next_steps(placement, name)


def check_settings(text: str, name: str) -> None:
    """Refuse what OmegaConf cannot hold, such as a column called ???."""
    try:
        tree: Any = OmegaConf.to_container(
            OmegaConf.create(text), resolve=True, throw_on_missing=True
        )
        DatasetSettings.model_validate(tree["dataset"] | {"name": name})
    except (OmegaConfBaseException, ValidationError) as error:
        raise FathomError(
            f"settings cannot hold the name or a value of a column, rename it: {one_line(error)}"
        ) from error


def print_next_steps(placement: Placement, name: str) -> None:
    run = f"-S 'datasets=[{name}]'"
    new = [placement.settings, placement.pointer, placement.ignore]
    print(f"wrote {placement.settings}; DVC tracks {placement.data.as_posix()}")
    print("next, check that file and train all networks:")
    print(f"  dvc exp run {run}")
    print("or train in a copy, which keeps the outputs of other data sets:")
    print(f"  git add {' '.join(shlex.quote(path.as_posix()) for path in new)}")
    print(f"  dvc exp run --temp {run}")
