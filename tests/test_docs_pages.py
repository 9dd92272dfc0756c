"""The pages of the documentation that are made from the code cover all of it."""

import re
from collections.abc import Iterator
from typing import Any

import click
import pytest
import yaml
from commands_page import commands_page
from conftest import ROOT
from files_page import files_page, outputs, stages
from json_schema import describe
from networks_page import networks_page
from pydantic import BaseModel
from settings_page import settings_page
from yaml_comments import read_entries

from fathom.cli import fathom
from fathom.settings.config import Config
from fathom.settings.data_settings import DatasetSettings


@pytest.fixture(scope="module")
def paragraphs() -> dict[str, str]:
    """Return the text below each heading of the page of settings."""
    parts = re.split(r"^#{2,3} (.*)\n", settings_page(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def keys(tree: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of settings; the arguments of functions are none."""
    for name, value in tree.items():
        yield prefix + name
        if isinstance(value, dict) and "_target_" not in value:
            yield from keys(value, f"{prefix}{name}.")


def test_every_setting_has_a_type_a_meaning_and_readers(paragraphs: dict[str, str]) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["cards"] = {"NAME": params["cards"]["digits"]}
    params["gates"] = {"NAME": {"min": 0, "max": 1}}
    names = {*keys(params)} - {"cards.NAME", "gates.NAME"}
    assert names <= set(paragraphs)
    assert set(Config.model_fields) - {"model"} <= set(paragraphs)
    for name in names:
        facts, _, text = paragraphs[name].strip().partition("\n")
        assert re.match(r"Type: .+; read by: [a-z`]", facts), name
        assert text.strip() or isinstance(params[name], dict), name  # a section explains its keys


def fields(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_every_setting_of_a_data_set_has_a_meaning(paragraphs: dict[str, str]) -> None:
    column = DatasetSettings.model_fields["columns"].annotation.__args__[1]  # type: ignore[union-attr]
    names = {f"dataset.{name}" for name in fields(DatasetSettings) - {"name"}}
    names |= {f"dataset.columns.NAME.{name}" for name in fields(column.__origin__)}
    assert names <= set(paragraphs)
    assert [name for name in names if "\n\n" not in paragraphs[name].strip()] == []
    example = yaml.safe_load((ROOT / "docs/reference/dataset.yaml").read_text())["dataset"]
    DatasetSettings.model_validate({"name": "houses", **example})


def test_facts_of_settings(paragraphs: dict[str, str]) -> None:
    assert paragraphs["train.epochs"].strip() == (
        'Type: whole number above 0, or `auto`; default: `"auto"`; read by: train.\n\n'
        "Number of epochs. auto: 20 to 100, about 8,000 steps in all."
    )
    assert "read by: split, check, scale, train." in paragraphs["split.key"]
    assert "read by: `fathom search`." in paragraphs["search.trials"]
    assert 'default: `null`; for example `","`' in paragraphs["dataset.columns.NAME.thousands"]


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"anyOf": [{"type": "integer", "minimum": 2}, {"type": "null"}]},
         "whole number at least 2, or `null`"),
        ({"type": "array", "items": {"enum": ["a", "b", "c"]}}, "list (each: `a`, `b` or `c`)"),
        ({"type": "object", "additionalProperties": {"type": "number"}},
         "mapping (for each name: number)"),
    ],
)  # fmt: skip
def test_types_in_words(schema: dict[str, Any], text: str) -> None:
    assert describe(schema, {}) == text


def test_every_command_is_there_with_its_options() -> None:
    sections = re.split(r"^## ", commands_page(), flags=re.MULTILINE)
    by_name = {section.partition("\n")[0]: section for section in sections[1:]}
    assert set(by_name) == {"fathom", *(f"fathom {name}" for name in fathom.commands)}
    for name, command in fathom.commands.items():
        for parameter in command.params:
            assert not isinstance(parameter, click.Option) or parameter.help, parameter.name
            for option in parameter.opts if isinstance(parameter, click.Option) else ():
                assert f"`{option}`" in by_name[f"fathom {name}"]
    assert "\b" not in commands_page()


def test_every_network_and_search_is_there() -> None:
    page = networks_page()
    for file in (ROOT / "conf/model").glob("*.yaml"):
        section = page.partition(f"\n## {file.stem}\n")[2].partition("\n## ")[0]
        for key, entry in read_entries(file).items():
            named = key[-2:-1] in (("dropout",), ("loss_weights",))  # the page has the mapping
            if key != ("_target_",) and not isinstance(entry.value, dict) and not named:
                row = rf"^\| `model\.{re.escape('.'.join(key))}` \| [\w`]"  # it has a type
                assert re.search(row, section, re.MULTILINE), key
    for file in (ROOT / "conf/search").glob("**/*.yaml"):
        assert f"- `{file.stem}`: " in page


def test_every_output_of_a_stage_has_a_meaning() -> None:
    meanings = yaml.safe_load((ROOT / "docs/reference/files.yaml").read_text())
    assert {out for stage in stages().values() for out in outputs(stage)} == set(meanings)
    page = files_page()
    assert [name for name in stages() if f"\n## {name}\n" not in page] == []
