"""From a command line to checked settings, with errors of one line."""

import argparse
import functools
import io
import os
import re
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import hydra
import yaml
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from fathom.base import paths
from fathom.base.environment import set_environment
from fathom.base.errors import FathomError
from fathom.base.locks import only_process
from fathom.base.process import end_process, open_streams
from fathom.messages.origins import CHOICES, GROUPS, Origins, invalid_yaml
from fathom.messages.remedies import system_error_line
from fathom.messages.setting_errors import setting_error
from fathom.settings.config import Config
from fathom.settings.file_names import check_name, no_file, options
from fathom.settings.merge import drop_replaced
from fathom.settings.selection import check_selection
from fathom.settings.yaml_values import check_yaml

# Names in quotes, which Hydra does not take on a command line.
QUOTED_NAME = re.compile(r"""[{,]\s*(["'])[^"']*\1\s*:""")
NO_QUOTES = "Hydra takes names in braces without quotes, {0: 1.5}; other names go into params.yaml"

# Groups of settings of `hydra.main`, which stages do without. Hydra reads them in a quarter of its
# time.
UNUSED = [
    f"~hydra/{group}"
    for group in (
        "env", "help", "hydra_help", "hydra_logging", "job_logging",
        "launcher", "output", "sweeper",
    )
]  # fmt: skip

COMPOSING = threading.Lock()  # Hydra composes in one thread at a time

ERRORS = (FathomError, OSError, Warning, HydraException, OmegaConfBaseException, yaml.YAMLError)

AnyConfig = TypeVar("AnyConfig", bound=Config)


def stage(schema: type[AnyConfig]) -> Callable[[Callable[[AnyConfig], None]], Callable[[], None]]:
    """Make a function of settings a program whose arguments are Hydra's overrides.

    An error that the user can correct ends the program with one line and exit status 1, or with a
    traceback if HYDRA_FULL_ERROR is 1. The command line must choose the groups (dataset, model)
    that the schema requires. Another process that runs the same stage for the same data set and
    model ends it, too.
    """

    def decorate(function: Callable[[AnyConfig], None]) -> Callable[[], None]:
        @functools.wraps(function)
        def program() -> None:
            open_streams()
            try:
                set_environment()
                arguments = parse_arguments(function.__globals__["__doc__"])
                config = compose(arguments.overrides, schema)
                if arguments.settings:
                    settings = config.model_dump(by_alias=True)
                    print(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), end="")
                    return
                name = Path(sys.argv[0]).stem
                for line in config.origins.replaced_settings(name):
                    print(line)
                work = name_work(name, config)
                with only_process(paths.lock(work), work):
                    function(config)
                    sys.stdout.flush()
            except ERRORS as error:
                if os.environ.get("HYDRA_FULL_ERROR") == "1":
                    raise
                fail(one_line(error))
            except KeyboardInterrupt:
                fail("interrupted", status=130)
            end_process()

        return program

    return decorate


def name_work(stage: str, config: Config) -> str:
    """Return a stage with its data set and model, as DVC names it: train@digits-mlp."""
    groups = [group.name for group in (config.dataset, config.model) if group]
    return "@".join([stage, *filter(None, ["-".join(groups)])])


def parse_arguments(description: str) -> argparse.Namespace:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, formatter_class=formatter)
    text = "settings of params.yaml and conf/ with other values, and the dataset=… and model=…"
    parser.add_argument("overrides", nargs="*", metavar="setting=value", help=text)
    parser.add_argument("--settings", action="store_true", help="print all settings and do nothing")
    return parser.parse_args()


def compose(overrides: Sequence[str], schema: type[AnyConfig]) -> AnyConfig:
    """Compose and check the settings of the project in the working folder.

    `overrides` are those of a stage's command line, such as `["dataset=digits", "seed=1"]`.

    Raises:
        FathomError: a setting is unknown, missing or impossible. The line names the key, its file
            and the most similar valid key.
    """
    return validate(*compose_tree(overrides), schema)


def compose_tree(overrides: Sequence[str]) -> tuple[DictConfig, Origins]:
    """Compose settings without checking them, and return them with their origins."""
    conf = str(project_conf())
    overrides = [override for override in overrides if not is_null_choice(override)]
    with COMPOSING, hydra.initialize_config_dir(conf, version_base="1.3"):
        try:
            check_overrides(overrides)
            parsed = OverridesParser.create().parse_overrides(list(overrides))
            params = read_params(paths.PARAMS.read_bytes())
            added = [*UNUSED, *map(as_addition, parsed)]
            tree = hydra.compose("config", added, return_hydra_config=True)
            OmegaConf.set_struct(tree, False)
            chosen = tree.pop("hydra").runtime.choices
            groups = {
                group: chosen[group] for group in ("dataset", "model", "experiment", "search")
            }
            origins = Origins(tuple(overrides), **groups, space=chosen.get("search/space"))
            values = [override for override in parsed if override.key_or_group not in CHOICES]
            drop_replaced(tree, params, groups, values)
        except (HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
            raise FathomError(one_line(error)) from error
    return tree, origins


def check_overrides(overrides: Sequence[str]) -> None:
    """Check params.yaml, and the names and files that overrides choose."""
    check_yaml(paths.PARAMS)
    for override in overrides:
        group, _, name = override.lstrip("+").partition("=")
        if group in CHOICES:
            try:
                check_name(name, group)
            except ValueError as error:
                raise FathomError(f"command line: {group}: {error}") from error
            file = paths.CONF / group / f"{name}.yaml"
            if file.is_file():  # or else Hydra names a similar one
                check_yaml(file)


def is_null_choice(override: str) -> bool:
    """Return whether an override chooses no file, as without it."""
    key, _, value = override.lstrip("+~").partition("=")
    return key in CHOICES and (override.startswith("~") or value.lower() == "null")


def as_addition(override: Override) -> str:
    """Return an override that Hydra accepts for a key that no file sets.

    The schemas know all keys, and functions their arguments: `+` need not confirm them.
    """
    line = str(override.input_line)
    if override.is_delete() or override.key_or_group in CHOICES:
        return line
    return f"++{line.lstrip('+')}"


def validate(composed: DictConfig, origins: Origins, schema: type[AnyConfig]) -> AnyConfig:
    """Check composed settings against a schema and the files of conf/; raises as `compose`."""
    for group in GROUPS:
        if schema.model_fields[group].is_required() and getattr(origins, group) is None:
            raise FathomError(f"{group}=… is missing; there are: {', '.join(options(group))}")
    try:
        tree: Any = OmegaConf.to_container(composed, resolve=True)
    except OmegaConfBaseException as error:
        raise FathomError(one_line(error)) from error
    name_choices(tree, origins)
    try:
        config = schema.model_validate(tree)
    except ValidationError as error:
        raise setting_error(error, schema, tree, origins) from error
    config._origins = origins
    check_selection(config, origins)
    return config


def name_choices(tree: dict[str, Any], origins: Origins) -> None:
    """Set the `name` of the data set, model and search, and remove groups that are not chosen."""
    for group in ("dataset", "experiment"):
        path = origins.file(group)
        if isinstance(tree.get(group), dict) and (group == "experiment" or group in tree[group]):
            raise FathomError(f"{path}: must begin with the line `# @package _global_`")
    for group in (*GROUPS, "search"):
        chosen = getattr(origins, group)
        if chosen is not None and isinstance(tree.get(group), dict):
            tree[group]["name"] = chosen
        elif chosen is None and group in GROUPS:  # an experiment may set keys of any model
            tree.pop(group, None)


@functools.lru_cache(maxsize=1)  # Hydra's store holds one file of this name
def read_params(content: bytes) -> dict[str, Any]:
    """Return the settings in params.yaml, which nobody may change, and pass them to Hydra.

    If Hydra searched the project's folder for it, each sub-folder would be a group, and
    `models=[mlp]` would choose a file of the group `models`.
    """
    file = io.BytesIO(content)
    file.name = str(paths.PARAMS)  # for messages
    try:
        params = OmegaConf.load(file)
    except OSError as error:
        if error.strerror is not None:
            raise
        params = None  # neither a mapping nor a list
    if not isinstance(params, DictConfig):
        raise FathomError(f"{paths.PARAMS}: must be a mapping of settings")
    ConfigStore.instance().store("params", params)
    tree: Any = OmegaConf.to_container(params)
    return dict(tree)


def project_conf() -> Path:
    """Return the absolute path of conf/ in the working folder."""
    for path in (paths.CONF / "config.yaml", paths.PARAMS):
        if not path.is_file():
            raise FathomError(
                f"there is no {path} in {Path.cwd()}: start stages in the project's folder"
            )
    return paths.CONF.resolve()


def one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return system_error_line(error)
    if isinstance(error, Warning):
        return f"{type(error).__name__}: {error} (PYTHONWARNINGS or -W makes it an error: unset it)"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = error.missing_cfg_file.partition("/")
        return f"{group}={name}: {no_file(group, name)}"
    if isinstance(error, yaml.MarkedYAMLError):
        return invalid_yaml(error)
    if isinstance(error, OverrideParseException) and QUOTED_NAME.search(str(error.override)):
        return f"command line: {error.override}: {NO_QUOTES}"
    return " ".join(str(error).split())


def fail(message: str, status: int = 1) -> NoReturn:
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr, flush=True)
    sys.exit(status)
