"""What makes a function a stage: composed and checked settings, and errors of one line."""

import functools
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import hydra
import yaml
from hydra.conf import HydraConf
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean
from fathom.messages.origins import GROUPS, Location, Origins
from fathom.messages.setting_errors import keys_at, setting_error
from fathom.settings.config import Config

FULL_ERROR = "HYDRA_FULL_ERROR"
COMPOSING = threading.Lock()  # Hydra composes for one at a time

ERRORS = (FathomError, OSError, HydraException, OmegaConfBaseException, yaml.YAMLError)

AnyConfig = TypeVar("AnyConfig", bound=Config)


def stage(schema: type[AnyConfig]) -> Callable[[Callable[[AnyConfig], None]], Callable[[], None]]:
    """Make a function of the settings a program whose command line is Hydra's.

    Before the function is called all settings are checked. A `FathomError`, of the function too,
    ends the program with one line and exit status 1, or with a traceback if HYDRA_FULL_ERROR
    is set.

    Args:
        schema: what the function gets: the groups that it requires, dataset and model, must be
            chosen on the command line.
    """
    wants_traceback = os.environ.get(FULL_ERROR) is not None

    def decorate(function: Callable[[AnyConfig], None]) -> Callable[[], None]:
        def job(composed: DictConfig) -> None:
            try:
                origins = origins_of(HydraConfig.get())
                config = validate(composed, origins, schema)
                for replaced in origins.replaced_values():
                    print(replaced)
                function(config)
            except (FathomError, OSError) as error:
                if wants_traceback:
                    raise
                fail(one_line(error))  # not left to Hydra, which adds a line of its own

        @functools.wraps(function)
        def program() -> None:
            # Hydra prints its errors over several lines, and raises them when this is set.
            os.environ[FULL_ERROR] = "1"
            try:
                conf = str(project_conf())
                read_params()
                hydra.main(version_base="1.3", config_path=conf, config_name="config")(job)()
            except ERRORS as error:
                if wants_traceback:
                    raise
                fail(one_line(error))
            except KeyboardInterrupt:
                fail("interrupted", status=130)

        return program

    return decorate


def origins_of(hydra_config: HydraConf) -> Origins:
    chosen = hydra_config.runtime.choices
    overrides = tuple(hydra_config.overrides.task)
    groups = {group: chosen[group] for group in ("dataset", "model", "experiment", "search")}
    return Origins(overrides, **groups, space=chosen.get("search/space"))


def compose(overrides: Sequence[str], schema: type[AnyConfig]) -> AnyConfig:
    """Compose and check the settings of the project in the working folder, as a stage does.

    Args:
        overrides: as on a stage's command line, such as `["dataset=digits", "seed=1"]`.
        schema: as in `stage`.

    Raises:
        FathomError: as in `checked`.
    """
    return validate(*compose_tree(overrides), schema)


def compose_tree(overrides: Sequence[str]) -> tuple[DictConfig, Origins]:
    """Compose settings, not checked yet, and tell where they come from."""
    conf = str(project_conf())
    with COMPOSING, hydra.initialize_config_dir(conf, version_base="1.3"):
        try:
            read_params()
            tree = hydra.compose("config", list(overrides), return_hydra_config=True)
        except (HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
            raise FathomError(one_line(error)) from error
    origins = origins_of(tree.hydra)
    OmegaConf.set_struct(tree, False)
    del tree["hydra"]
    return tree, origins


def validate(composed: DictConfig, origins: Origins, schema: type[AnyConfig]) -> AnyConfig:
    """Return the composed settings, checked against a schema and against conf/.

    Raises:
        FathomError: a setting is unknown, missing or impossible; the line names the key, the
            file it stands in and the nearest valid key.
    """
    for group in GROUPS:
        if schema.model_fields[group].is_required() and getattr(origins, group) is None:
            raise FathomError(f"{group}=… is missing; there are: {', '.join(options(group))}")
    try:
        tree: Any = OmegaConf.to_container(composed, resolve=True)
    except OmegaConfBaseException as error:
        raise FathomError(one_line(error)) from error
    for group in ("dataset", "experiment"):
        path = origins.file(group)
        if isinstance(tree.get(group), dict) and (group == "experiment" or group in tree[group]):
            raise FathomError(f"{path}: must begin with the line `# @package _global_`")
    for group in GROUPS:
        chosen = getattr(origins, group)
        if chosen is None:  # an experiment may speak of a model to a stage of none
            tree.pop(group, None)
        elif isinstance(tree.get(group), dict):
            tree[group]["name"] = chosen
    if origins.search is not None and isinstance(tree.get("search"), dict):
        tree["search"]["name"] = origins.search
    try:
        config = schema.model_validate(tree)
    except ValidationError as error:
        raise setting_error(error, schema, origins) from error
    config._origins = origins
    for location, group, name in named(config):
        if name not in options(group):
            file, key = origins.of(location)
            raise FathomError(
                f"{file}: {key}: there is no {paths.CONF}/{group}/{name}.yaml"
                f"{did_you_mean(name, options(group))}"
            )
    return config


def named(config: Config) -> Iterator[tuple[Location, str, str]]:
    """Return where settings name an option of a group, the group and the option."""
    yield from ((["datasets"], "dataset", name) for name in config.datasets)
    yield from ((["models"], "model", name) for name in config.models)
    for gate in config.gates:
        dataset, *model, _ = gate.split(".")
        yield ["gates", gate], "dataset", dataset
        yield from ((["gates", gate], "model", name) for name in model)


def options(group: str) -> list[str]:
    """Return the names that can be chosen in a group, such as "model"."""
    return sorted(path.stem for path in (paths.CONF / group).glob("*.yaml"))


def read_params() -> None:
    """Give params.yaml to Hydra. Were its folder one where Hydra looks for files, each folder in it
    would be a group, and `models=[mlp]` would ask for a file of the group `models`.
    """
    try:
        params = OmegaConf.load(paths.PARAMS)
    except OSError as error:
        if error.strerror is not None:
            raise
        params = None  # not a mapping, nor a list
    if not isinstance(params, DictConfig):
        raise FathomError(f"{paths.PARAMS}: must be a mapping of settings")
    ConfigStore.instance().store("params", params)


def project_conf() -> Path:
    """Return the absolute path of the configuration in the working folder."""
    for path in (paths.CONF / "config.yaml", paths.PARAMS):
        if not path.is_file():
            raise FathomError(
                f"there is no {path} in {Path.cwd()}: start stages in the project's folder"
            )
    return paths.CONF.resolve()


def one_line(error: Exception) -> str:
    """Say in one line what Hydra, YAML or the operating system said."""
    message = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'operating system'}: {error.strerror}"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = error.missing_cfg_file.partition("/")
        return (
            f"{group}={name}: there is no {paths.CONF}/{group}/{name}.yaml"
            f"{did_you_mean(name, options(group))}"
        )
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        file = os.path.relpath(mark.name)
        return f"{file}: line {mark.line + 1}: not valid YAML: {error.problem}"
    unknown = re.match(r"Could not override '(.+?)'\.\nTo append .* use (\+.+)", str(error))
    if unknown:
        return refused_override(*unknown.groups())
    return message


def refused_override(key: str, addition: str) -> str:
    """Say what is wrong with an override of a key that is in no file."""
    parts = key.split(".")
    for depth, name in enumerate(parts):
        siblings = keys_at(Config, parts[:depth])
        if not siblings or "_target_" in siblings:
            break
        if name not in siblings:
            prefix = "".join(f"{part}." for part in parts[:depth])
            return f"command line: {prefix}{name} is not a setting" + did_you_mean(
                name, siblings, prefix
            )
    return f"command line: {key} is not set yet: add it with {addition}"


def fail(message: str, status: int = 1) -> NoReturn:
    """End the program with one line that names it, as Unix programs do."""
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr, flush=True)
    sys.exit(status)
