"""Values that Hydra and DVC would read differently are refused, and no others."""

import io
from pathlib import Path

import pytest
from conftest import edit
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from ruamel.yaml import YAML
from stages import run_command, run_stage

from fathom.settings.yaml_text import quote
from fathom.settings.yaml_values import find_difference, may_differ, readings

TWO = "is {} to Hydra (YAML 1.1) and {} to DVC (YAML 1.2): write {}"
SAME = [
    "10", "1_000", "+1", "0x1F", "0b101", "1e3", "1E-3", "1.5e3", ".5", "5.", ".inf", ".nan", "~",
    "null", "true", "TRUE", "y", "n", "word", "1.2.3",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("010", TWO.format("8", "10", "8 or 10")),
        ("-010", TWO.format("-8", "-10", "-8 or -10")),
        ("0_10", TWO.format("8", "10", "8 or 10")),
        ("0o10", TWO.format("text", "8", '"0o10" or 8')),
        ("08", TWO.format("text", "8", '"08" or 8')),
        ("1:30", TWO.format("90", "text", '90 or !!str "1:30"')),
        ("1:30.5", TWO.format("90.5", "text", '90.5 or !!str "1:30.5"')),
        ("-.5", TWO.format("text", "-0.5", '"-.5" or -0.5')),
        ("yes", TWO.format("true", "text", 'true or !!str "yes"')),
        ("Off", TWO.format("false", "text", 'false or !!str "Off"')),
        ("2020-01-01", TWO.format("text", "a date", '"2020-01-01"')),
        ("2020-01-01 10:00:00", TWO.format("text", "a date", '"2020-01-01 10:00:00"')),
        ("=", 'is no value: write "="'),
        ("-_", 'is no value: write "-_"'),
        *((text, None) for text in SAME),
    ],
)  # fmt: skip
def test_differences(text: str, problem: str | None) -> None:
    assert find_difference(text) == problem
    for way in problem.partition("write ")[2].split(" or ") if problem else []:
        file = io.StringIO()
        YAML().dump(YAML().load(f"key: {way}\n"), file)  # as DVC does for -S
        ours = OmegaConf.to_container(OmegaConf.create(file.getvalue()))
        assert ours == YAML(typ="safe").load(file.getvalue()), file.getvalue()


@pytest.mark.parametrize("text", ["no", "1:30", "010", "2020-01-01", "=", "a: b", "on ", "1: 010"])
def test_settings_of_own_data_survive_dvc(text: str) -> None:
    file = io.StringIO()
    YAML().dump(YAML().load(f"key: {quote(text)}\nkeys: [{quote(text)}]\n"), file)
    assert OmegaConf.create(file.getvalue()) == {"key": text, "keys": [text]}
    assert YAML(typ="safe").load(file.getvalue()) == {"key": text, "keys": [text]}


@settings(max_examples=150)
@given(
    st.text("01789+-._:eExobnaifTZ", min_size=1, max_size=7) | st.from_regex(r"\A[a-zA-Z~]{1,5}\Z")
)
def test_what_is_not_compared_does_not_differ(text: str) -> None:
    if not may_differ(text) and text.strip("-") and not text.endswith(":"):
        hydra, dvc = readings(text)
        assert repr(hydra) == repr(dvc)


def append(file: Path, text: str) -> int:
    """Append a line to a file, and return its number."""
    file.write_text(file.read_text() + text)
    return len(file.read_text().splitlines())


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("conf/dataset/digits.yaml", "split: {seed: 010}\n"),
        ("conf/model/mlp.yaml", "name_of_layer: 010\n"),
        ("conf/experiment/book_mlp.yaml", "split: {010: [1]}\n"),
        ("params.yaml", "# text\nother: &a [010]\n"),
    ],
)
def test_stages_and_commands_name_file_and_line(workspace: Path, file: str, text: str) -> None:
    edit(workspace / "params.yaml", "experiment=book_mlp", "datasets=[digits]", "models=[mlp]")
    line = append(workspace / file, text)
    error = f"{file}: line {line}: 010 {TWO.format('8', '10', '8 or 10')}\n"
    choices = ["dataset=digits", "model=mlp", "experiment=book_mlp"]
    assert run_stage("train", *choices).err == f"train.py: {error}"
    assert run_stage("collect", "experiment=book_mlp").err == f"collect.py: {error}"
    assert run_command("repro").err == f"fathom: {error}"
    assert run_command("search", "search=random", *choices).err == f"fathom: {error}"
    assert f"WRONG    {error}" in run_command("doctor").out


def test_doctor_reads_unused_files(workspace: Path) -> None:
    line = append(workspace / "conf/search/space/book.yaml", "train.loss: {choice: [yes]}\n")
    problem = TWO.format("true", "text", 'true or !!str "yes"')
    warning = f"warning  conf/search/space/book.yaml: line {line}: yes {problem}\n"
    assert warning in run_command("doctor").out


def test_quotes_and_types_decide(workspace: Path) -> None:
    text = "note: ['010', \"1:30\", !!str yes]\nmore: |\n  010\n"
    append(workspace / "params.yaml", text)
    assert run_stage("collect").err == (
        "collect.py: params.yaml: note is not a setting; there are: baseline, cards, compare, "
        "dataset, datasets, evaluate, experiment, explain, export, gates, gpus, memory_limit, "
        "mirror, model, models, scale, search, seed, split, train\n"
    )
