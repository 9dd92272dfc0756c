"""From a `_target_` in the settings to what it names, with errors of one line."""

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import hydra
from hydra.errors import InstantiationException
from pydantic import ValidationError

from fathom.base.errors import FathomError, did_you_mean
from fathom.messages.origins import Location, Origins
from fathom.messages.setting_errors import argument_error
from fathom.settings.fields import Factory

ANY_OTHER = inspect.Parameter("others", inspect.Parameter.VAR_KEYWORD)


def make(
    target: Factory, location: Location, origins: Origins, *positional: Any, **defaults: Any
) -> Any:
    """Call what `target` names, through `hydra.utils.instantiate`.

    Args:
        target: a function or class and its arguments.
        location: where it stands in the settings, such as ("train", "optimizer").
        origins: the files that the settings come from, to name in errors.
        positional: further arguments, which come first.
        defaults: arguments that the settings may replace; those that the function does not
            name are left out.

    Raises:
        FathomError: there is no such function, or it refuses an argument.
    """
    function = locate(target, location, origins)
    try:
        parameters = dict(inspect.signature(function).parameters)
    except ValueError:  # some of Python's own functions do not tell
        parameters = dict.fromkeys(target.arguments, ANY_OTHER)
    unknown = [name for name in target.arguments if name not in parameters]
    takes_others = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if unknown and not takes_others:
        raise unknown_argument(target, location, origins, list(parameters)[len(positional) :])
    defaults = {name: value for name, value in defaults.items() if name in parameters}
    node = defaults | target.arguments | {"_target_": target.target}
    try:
        return hydra.utils.instantiate(node, *positional, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, ValidationError):
            raise argument_error(cause, function, location, origins) from error
        if unknown:  # Keras' optimisers take any argument, and then refuse it
            raise unknown_argument(target, location, origins, list(parameters)) from error
        file, key = origins.of(location)
        if isinstance(cause, FathomError):
            place = file if str(cause).startswith(f"{key}.") else f"{file}: {key}"
            raise FathomError(f"{place}: {cause}") from error
        message = " ".join(str(cause or error).split())
        raise FathomError(f"{file}: {key or target.target}: {message}") from error


def unknown_argument(
    target: Factory, location: Location, origins: Origins, parameters: list[str]
) -> FathomError:
    name = next(name for name in target.arguments if name not in parameters)
    file, key = origins.of((*location, name))
    near = did_you_mean(name, set(parameters) - {"args", "kwargs", "name"})
    return FathomError(f"{file}: {key} is no argument of {target.target}{near}")


def locate(target: Factory, location: Location, origins: Origins) -> Callable[..., Any]:
    """Import the function or class that a target names."""
    module_name, _, name = target.target.rpartition(".")
    file, key = origins.of((*location, "_target_"))
    try:
        module = importlib.import_module(module_name)
    except (ModuleNotFoundError, ValueError) as error:
        if isinstance(error, ModuleNotFoundError) and not module_name.startswith(str(error.name)):
            raise FathomError(
                f"{file}: {key}: {module_name} cannot be imported: {error}"
            ) from error
        raise FathomError(
            f"{file}: {key}: there is no module {module_name!r} to take {name!r} from; a module "
            "of your own is found in src/"
        ) from error
    found: Callable[..., Any] | None = getattr(module, name, None)
    if found is None:
        public = [known for known in dir(module) if not known.startswith("_")]
        near = did_you_mean(name, public) if len(public) < 80 else ""
        raise FathomError(f"{file}: {key}: {module_name} has no {name!r}{near}")
    if not callable(found):
        raise FathomError(
            f"{file}: {key}: {target.target} is a {type(found).__name__}, which cannot be called"
        )
    return found
