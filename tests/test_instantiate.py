"""A `_target_` is called with its arguments, or refused with one line."""

from pathlib import Path
from typing import Any

import keras
import pytest
import yaml
from conftest import ROOT
from pydantic import validate_call

from fathom.artifacts.model_file import read_model, save_model
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import write_json
from fathom.messages.origins import Origins
from fathom.settings import instantiate
from fathom.settings.fields import Factory

DIGITS = "conf/dataset/digits.yaml"
BAD = yaml.safe_load((ROOT / "tests/bad_targets.yaml").read_text())


@validate_call
def takes_a_number(number: int, *, places: list[int] | None = None) -> int:
    return number


def make(*positional: Any, defaults: dict[str, Any] | None = None, **settings: Any) -> Any:
    """Make what the settings name at dataset.source of digits."""
    factory, origins = Factory.model_validate(settings), Origins((), "digits", None, "none")
    place = ("dataset", "source")
    return instantiate.make(factory, place, origins, *positional, **(defaults or {}))


@pytest.mark.parametrize(("settings", "message"), BAD)
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
    monkeypatch.setitem(instantiate.MOVED, "old.numbers", __name__)
    instantiate.print_deprecation.cache_clear()
    for _ in range(2):
        assert make(_target_="old.numbers.takes_a_number", number=3) == 3
    assert capsys.readouterr().err == (
        f"{DIGITS}: old.numbers.takes_a_number is deprecated: write {__name__}.takes_a_number\n"
    )


def test_networks_of_moved_modules_can_be_read(workspace: Path) -> None:
    folder = paths.model("digits", "selu")
    run = {"settings": {"model": {"_target_": "fathom.models.selu.build"}}}
    write_json(folder / "run.json", run)
    save_model(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), folder / "model.keras")
    assert read_model("digits", "selu").output_shape == (None, 1)


@pytest.mark.parametrize("module", instantiate.MOVED)
def test_moved_modules_are_where_the_table_says(module: str) -> None:
    with pytest.raises(ModuleNotFoundError):
        __import__(module)
    __import__(instantiate.MOVED[module])
