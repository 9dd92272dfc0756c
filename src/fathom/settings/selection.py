"""The settings of params.yaml that DVC makes stages of."""

from collections.abc import Iterator
from itertools import product
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from fathom.base import paths
from fathom.messages.origins import Location, Origins, read_settings
from fathom.messages.setting_errors import setting_error
from fathom.settings.fields import DatasetName, ExperimentName, ModelName, Section, unique
from fathom.settings.file_names import no_file, options
from fathom.settings.yaml_values import check_yaml


class Selection(Section):
    datasets: Annotated[list[DatasetName], Field(min_length=1), AfterValidator(unique)]
    models: Annotated[list[ModelName], Field(min_length=1), AfterValidator(unique)]
    experiment: ExperimentName

    def named_files(self) -> Iterator[tuple[Location, str, str]]:
        """Yield the location of each name of a file in conf/, the file's group and the name."""
        yield from ((["datasets"], "dataset", name) for name in self.datasets)
        yield from ((["models"], "model", name) for name in self.models)
        yield ["experiment"], "experiment", self.experiment


def check_selection(selection: Selection, origins: Origins) -> None:
    """Check that all files exist, and that DVC has a name for each stage.

    Raises:
        FathomError: a file is missing, or two pairs of data set and model have one name.
    """
    for location, group, name in selection.named_files():
        if name not in options(group):
            raise origins.error(location, no_file(group, name))
    pairs: dict[str, tuple[str, str]] = {}
    for dataset, model in product(selection.datasets, selection.models):
        other = pairs.setdefault(f"{dataset}-{model}", (dataset, model))
        if other != (dataset, model):
            text = f"{dataset} with {model} and {other[0]} with {other[1]} are both stages "
            raise origins.error(["models"], f"{text}{dataset}-{model} to DVC; rename one of them")


def read_selection() -> Selection:
    """Check the names in params.yaml, and all YAML files that the stages of DVC read.

    Raises:
        FathomError: a name or a file is not valid, or missing.
    """
    check_yaml(paths.PARAMS)
    params = read_settings(paths.PARAMS)
    origins = Origins((), None, None, None)
    try:
        selection = Selection.model_validate(
            {key: params[key] for key in Selection.model_fields if key in params}
        )
    except ValidationError as error:
        raise setting_error(error, Selection, params, origins) from error
    check_selection(selection, origins)
    check_named_files(selection)
    check_yaml(paths.CONF / "experiment" / f"{selection.experiment}.yaml")
    return selection


def check_named_files(selection: Selection) -> None:
    """Check the YAML of all data sets and models."""
    for group, names in (("dataset", selection.datasets), ("model", selection.models)):
        for name in names:
            check_yaml(paths.CONF / group / f"{name}.yaml")
