"""`fathom new-dataset`: a file of one's own becomes a data set of the project."""

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
from fathom.new_dataset.copy_in import DVC, Place, name_of, place_of, taken_in
from fathom.new_dataset.describe_images import describe_images, is_images
from fathom.new_dataset.describe_table import describe_table
from fathom.settings.compose import one_line
from fathom.settings.data_settings import DatasetSettings
from fathom.settings.fields import Task


def new_dataset(
    file: Path, target: str | None, task: Task | None, name: str | None, force: bool
) -> None:
    """Look a file over, have DVC keep it in `data/own/`, and write settings for it.

    Nothing is written unless all of that succeeds.

    Args:
        file: a table, a folder of images or an .npz file.
        target: the column of a table to be predicted. Without it the columns are printed, and the
            program ends with status 2.
        task: what the target is taken for; else what it seems to be.
        name: of the data set; else made of the file's.
        force: whether a data set of that name is replaced.

    Raises:
        FathomError: nothing can be learned from the file as it is, or it cannot be taken in.
    """
    check_project()
    name = name or name_of(file)
    place = place_of(file, name, force)
    if is_images(file):
        if target is not None or task == "regression":
            option = "--target" if target is not None else "--task regression"
            raise FathomError(f"{option} is for tables; of images the classes are told")
        text = describe_images(file, name, place.data)
    else:
        text = describe_table(file, name, place.data, target, task)
    check_settings(text, name)
    with taken_in(file, place):
        write_text(place.settings, text)
    print_next(place, name)


def check_project() -> None:
    for path in (paths.CONF / "config.yaml", paths.PARAMS, DVC / "config"):
        if not path.is_file():
            raise FathomError(f"there is no {path} in {Path.cwd()}: start in the project's folder")


def check_settings(text: str, name: str) -> None:
    """Refuse what OmegaConf cannot hold, such as a column called ???."""
    try:
        tree: Any = OmegaConf.to_container(
            OmegaConf.create(text), resolve=True, throw_on_missing=True
        )
        DatasetSettings.model_validate(tree["dataset"] | {"name": name})
    except (OmegaConfBaseException, ValidationError) as error:
        raise FathomError(
            f"a column has a name or value that settings cannot hold, rename it: {one_line(error)}"
        ) from error


def print_next(place: Place, name: str) -> None:
    run = f"-S 'datasets=[{name}]'"
    added = [place.settings, place.pointer, place.ignore]
    print(f"wrote {place.settings}; DVC keeps {place.data.as_posix()}")
    print("next, after a look at that file, all networks on it:")
    print(f"  dvc exp run {run}")
    print("or, to leave the outputs of other data sets in place, in a copy of what Git knows:")
    print(f"  git add {' '.join(shlex.quote(path.as_posix()) for path in added)}")
    print(f"  dvc exp run --temp {run}")
