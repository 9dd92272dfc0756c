"""A `_target_` is called with its arguments, or refused with one line."""

from pathlib import Path
from typing import Any

import keras
import pytest
from pydantic import validate_call

from fathom.artifacts.model_file import read_model, save_model
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import write_json
from fathom.messages.origins import Origins
from fathom.settings import instantiate
from fathom.settings.fields import Factory

DIGITS = "conf/dataset/digits.yaml"


@validate_call
def takes_a_number(number: int, *, places: list[int] | None = None) -> int:
    return number


def make(*positional: Any, defaults: dict[str, Any] | None = None, **settings: Any) -> Any:
    """Make what the settings name at dataset.source of digits."""
    origins = Origins((), "digits", None, "none")
    factory = Factory.model_validate(settings)
    place = ("dataset", "source")
    return instantiate.make(factory, place, origins, *positional, **(defaults or {}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"_target_": "fathom.data.source.package_csv"},
            "._target_: there is no module 'fathom.data.source' with 'package_csv'; modules of "
            "your own belong in src/",
        ),
        ({"_target_": "json.dump_s"}, "._target_: json has no 'dump_s'; did you mean dumps?"),
        (
            {"_target_": "fathom.download.sources.package_cvs"},
            "._target_: fathom.download.sources has no 'package_cvs'; did you mean package_csv?",
        ),
        (
            {"_target_": "string.digits"},
            "._target_: string.digits is a str, which cannot be called",
        ),
        (
            {"_target_": "textwrap.indent", "text": "a", "prefx": "b"},
            ".prefx is no argument of textwrap.indent; did you mean prefix?",
        ),
        (
            {"_target_": "fathom.download.sources.scikit_learn", "loader": "load_digits", "x": 1},
            ".x is no argument of fathom.download.sources.scikit_learn; "
            "there are: arguments, loader, sha256",
        ),
        (
            {"_target_": "fathom.download.sources.scikit_learn"},
            ": scikit_learn() missing 1 required positional argument: 'loader'",
        ),
        (
            {"_target_": "json.loads", "s": "{"},
            ": Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        (
            {"_target_": f"{__name__}.takes_a_number", "number": "one"},
            ".number: must be a valid integer, unable to parse string as an integer, not 'one'",
        ),
        ({"_target_": f"{__name__}.takes_a_number"}, ".number is missing"),
    ],
)
def test_refuses(workspace: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(FathomError) as caught:
        make(**settings)
    assert str(caught.value) == f"{DIGITS}: dataset.source{message}"


@pytest.mark.parametrize(
    ("defaults", "text"),
    [
        ({}, '{"a": 2, "b": 1}'),
        ({"sort_keys": False, "separators": [",", ":"], "unknown": 1}, '{"a":2,"b":1}'),
    ],
)
def test_settings_replace_defaults(workspace: Path, defaults: dict[str, Any], text: str) -> None:
    made = make({"b": 1, "a": 2}, defaults=defaults, _target_="json.dumps", sort_keys=True)
    assert made == text


def test_moved_modules_are_deprecated(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Old names work, with one line however often they are used."""
    monkeypatch.setitem(instantiate.MOVED, "old.numbers", __name__)
    instantiate.print_deprecation.cache_clear()
    for _ in range(2):
        assert make(_target_="old.numbers.takes_a_number", number=3) == 3
    assert capsys.readouterr().err == (
        f"{DIGITS}: old.numbers.takes_a_number is deprecated: write {__name__}.takes_a_number\n"
    )


def test_networks_of_moved_modules_can_be_read(workspace: Path) -> None:
    folder = paths.model("digits", "selu")
    write_json(
        folder / "run.json", {"settings": {"model": {"_target_": "fathom.models.selu.build"}}}
    )
    save_model(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), folder / "model.keras")
    assert read_model("digits", "selu").output_shape == (None, 1)


@pytest.mark.parametrize("module", instantiate.MOVED)
def test_moved_modules_are_where_the_table_says(module: str) -> None:
    with pytest.raises(ModuleNotFoundError):
        __import__(module)
    __import__(instantiate.MOVED[module])
