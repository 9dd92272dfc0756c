"""Calls what a `_target_` in the settings names, with errors of one line."""

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any

import hydra
from hydra.errors import InstantiationException
from pydantic import ValidationError

from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean, own_error
from fathom.messages.origins import Location, Origins
from fathom.messages.setting_errors import argument_error
from fathom.settings.fields import Factory

# Modules that users' settings name, and where they are now. The old names are deprecated; remove
# them in the version after the one that moved them.
MOVED = {
    "fathom.data.sources": "fathom.download.sources",
    "fathom.models.selu": "fathom.models.mlp",
}

ANY_OTHER = inspect.Parameter("others", inspect.Parameter.VAR_KEYWORD)


def make(
    factory: Factory, location: Location, origins: Origins, *positional: Any, **defaults: Any
) -> Any:
    """Call the function or class of a factory, which the settings hold at `location`.

    Args:
        positional: further arguments, which come first.
        defaults: arguments that the settings may replace. Those that the function does not have
            are left out.

    Raises:
        FathomError: there is no such function, or it rejects an argument. The line names the place
            of an error in the user's own code.
    """
    target = current_name(factory.target)
    if target != factory.target:
        print_deprecation(origins.of((*location, "_target_"))[0], factory.target, target)
    function = locate(target, location, origins)
    try:
        parameters = dict(inspect.signature(function).parameters)
    except ValueError:  # some builtins have no signature
        parameters = dict.fromkeys(factory.arguments, ANY_OTHER)
    unknown = next((name for name in factory.arguments if name not in parameters), None)
    if unknown is not None:
        file, key = origins.of((*location, unknown))
        known = set(list(parameters)[len(positional) :]) - {"args", "kwargs", "name"}
        refused = f"{file}: {key} is no argument of {target}{did_you_mean(unknown, known)}"
        if file == str(paths.PARAMS):  # DVC merges what it sets into the file
            refused += f" (-S '~{key}' removes it)"
        if all(p.kind is not p.VAR_KEYWORD for p in parameters.values()):
            raise FathomError(refused)
    named = {name for name, p in parameters.items() if p.kind is not p.VAR_KEYWORD}
    defaults = {name: value for name, value in defaults.items() if name in named}
    node = defaults | factory.arguments | {"_target_": target}
    try:
        return hydra.utils.instantiate(node, *positional, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, ValidationError):
            raise argument_error(cause, function, node, location, origins) from error
        if unknown is not None:  # Keras' optimizers take any argument, and then reject it
            raise FathomError(refused) from error
        file, key = origins.of(location)
        if isinstance(cause, FathomError):
            place = file if str(cause).startswith(f"{key}.") else f"{file}: {key}"
            raise FathomError(f"{place}: {cause}") from error
        message = " ".join(str(cause or error).split())
        own = own_error(cause or error)
        raise FathomError(own or f"{file}: {key or target}: {message}") from error


def current_name(target: str) -> str:
    module, _, name = target.rpartition(".")
    return f"{MOVED[module]}.{name}" if module in MOVED else target


@functools.cache  # each line once
def print_deprecation(file: str | None, old: str, new: str) -> None:
    print(f"{file}: {old} is deprecated: write {new}", file=sys.stderr)


def locate(target: str, location: Location, origins: Origins) -> Callable[..., Any]:
    module_name, _, name = target.rpartition(".")
    place = (*location, "_target_")
    try:
        module = importlib.import_module(module_name)
    except (ModuleNotFoundError, ValueError) as error:
        if isinstance(error, ModuleNotFoundError) and not module_name.startswith(str(error.name)):
            raise origins.error(place, f"{module_name} cannot be imported: {error}") from error
        raise origins.error(
            place,
            f"there is no module {module_name!r} with {name!r}; modules of your own belong in src/",
        ) from error
    function: Callable[..., Any] | None = getattr(module, name, None)
    if function is None:
        public = [known for known in dir(module) if not known.startswith("_")]
        near = did_you_mean(name, public) if len(public) < 80 else ""
        raise origins.error(place, f"{module_name} has no {name!r}{near}")
    if not callable(function):
        kind = type(function).__name__
        raise origins.error(place, f"{target} is a {kind}, which cannot be called")
    return function
