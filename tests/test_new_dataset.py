"""A file of one's own becomes a data set: what is made of its columns, written and printed."""

import importlib.util
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import clone, commit, dataset_config, run_in
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from PIL import Image

from fathom import cli as program
from fathom.artifacts.raw_table import TableInMemory
from fathom.base.errors import FathomError
from fathom.download.sources import RawTable, table_file
from fathom.download.table_files import read_table_file
from fathom.new_dataset import copy_in, printing
from fathom.new_dataset.copy_in import name_of
from fathom.new_dataset.dataset_file import Source, flow, table_settings
from fathom.new_dataset.infer_columns import Column, describe_columns, markers
from fathom.new_dataset.infer_target import infer_target
from fathom.scale.fit_encoder import fit_encoder
from fathom.settings.data_settings import DatasetSettings, ScaleSettings

N = 200
DRAWN = np.random.default_rng(0)
NUMBERS = DRAWN.normal(size=N).round(3)
WORDS = DRAWN.choice(["red", "green", "blue"], N)
UUIDS = [f"{n:08x}-0000-4000-8000-{n:012x}" for n in range(N)]


@pytest.fixture
def project(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project in which DVC does no more than copy, to save its 2 seconds."""
    (workspace / ".dvc").mkdir()
    (workspace / ".dvc/config").touch()

    def add(file: Path, out: Path | None) -> None:
        if out is not None:
            (shutil.copytree if file.is_dir() else shutil.copy)(file, out)
        (out or file).with_name(f"{(out or file).name}.dvc").touch()

    monkeypatch.setattr(copy_in, "add", add)
    return workspace


def fathom(*arguments: Any) -> int:
    """Run the command line in this process and return its exit status."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["__main__.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            program.main()
    return int(caught.value.code or 0)


def said(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str]:
    """Return the exit status and the one line on stderr."""
    status = fathom(*arguments)
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return status, error.rstrip("\n")


def column(values: Any, name: str = "x") -> Column:
    return describe_columns(pd.DataFrame({name: values}))[0]


def read(folder: Path, **columns: Any) -> pd.DataFrame:
    """Return columns as they are read from a CSV file."""
    pd.DataFrame(columns).to_csv(folder / "t.csv", index=False)
    return read_table_file(folder / "t.csv")


def houses(folder: Path, rows: int = N) -> Path:
    """Write a table with something of everything, as a German spreadsheet does."""
    days = pd.date_range("2020-01-01", periods=rows)
    table = pd.DataFrame(
        {
            "id": range(1, rows + 1),
            "sold": days.strftime("%d/%m/%Y"),
            "rooms": DRAWN.integers(1, 8, rows).astype(str),
            "area": DRAWN.normal(100, 20, rows).round(1),
            "garden": DRAWN.choice(["true", "false"], rows),
            "city": DRAWN.choice(["Köln", "Bonn"], rows),
            "notes": [f"house number {n}" for n in range(rows)],
            "country": "DE",
            "price": DRAWN.normal(300, 50, rows).round(2),
        }
    )
    table.loc[3, "rooms"] = "?"
    table["area copied"] = table["area"]
    file = folder / "Häuser 2020.csv"
    table.to_csv(file, sep=";", decimal=",", index=False, encoding="cp1252")
    return file


# What columns are.


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (NUMBERS, "number"),
        (DRAWN.integers(0, 1000, N), "integer"),
        ([1.0, 2.0, None] * 50, "integer"),  # the missing value made it a float
        ([1.0, 2.0, 3.0] * 50, "number"),
        (WORDS, "category"),
        ([True, False] * 50, "boolean"),
        (["True", "False", None] * 50, "boolean"),
        (["2020-01-31", "2020-02-01"] * 50, "date"),
        (["31/12/2020", "01/12/2020"] * 50, "date"),
        ([20200131, 20200201, 19991231] * 50, "date"),
        ([20200131, 20200201, 20201399] * 50, "integer"),
        ([2019, 2020, 2021] * 50, "integer"),
        ([f"note number {n}" for n in range(N)], "text"),
        (["2:1", "0:0", "3:1"] * 50, "category"),
        (["now", "today"] * 50, "category"),
        (["May", "June"] * 50, "category"),
        (["2020", "1", "n. Chr."] * 1 + ["x", "y", "z"] * 50, "category"),
        ([None] * N, "number"),
    ],
)
def test_kinds(tmp_path: Path, values: Any, kind: str) -> None:
    table = read(tmp_path, x=values, y=range(len(values)))
    assert describe_columns(table)[0].kind == kind


@pytest.mark.parametrize(
    ("values", "form", "other"),
    [
        (["31/01/2020", "01/02/2020"], "%d/%m/%Y", None),
        (["01/31/2020", "02/01/2020"], "%m/%d/%Y", None),
        (["01/02/2020", "03/04/2020"], "%m/%d/%Y", "%d/%m/%Y"),
        (["01.02.2020", "03.04.2020"], "%d.%m.%Y", "%m.%d.%Y"),
        (["1.2.20", "31.1.20"], "%d.%m.%y", None),
        (["1/2/20 0:30", "1/31/20 23:00"], "%m/%d/%y %H:%M", None),
        (["2020/01/31", "2020/02/01"], "ISO8601", None),
        (["20141013T000000", "20150101T000000"], "ISO8601", None),
        (["2020-01", "2020-02"], "ISO8601", None),
        (["5 Jan 2020", "6 Feb 2020"], "%d %b %Y", None),
        (["Jan 2020", "Feb 2020"], "%b %Y", None),
        (["10:30", "11:45"], "%H:%M", None),
        ([20200131, 20200201], "%Y%m%d", None),
        (["2020-01-31 10:00", "2020-02-01 11:00"], None, None),  # read as times already
    ],
)
def test_dates(tmp_path: Path, values: list[Any], form: str | None, other: str | None) -> None:
    found = describe_columns(read(tmp_path, x=values * 20, y=range(len(values) * 20)))[0]
    assert (found.kind, found.form, found.other_form) == ("date", form, other)


def test_dates_that_rise() -> None:
    days = pd.Series(pd.date_range("2020-01-01", periods=40).strftime("%d.%m.%Y"))
    assert column(days).ordered
    assert not column(days[::-1]).ordered


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("x", list(range(N)), "0, 1, 2 … like an identifier"),
        ("x", list(DRAWN.permutation(N) + 1), "like an identifier"),
        ("x", [n + n // 9 for n in range(N)], "0, 1, 2 … in order, like an identifier"),
        ("year", list(range(1900, 1900 + N)), None),
        ("x", [n * n for n in range(N)], None),
        ("customerId", [n * n for n in range(N)], "an identifier by its name and values"),
        ("order_id", [n // 2 * 7 for n in range(N)], None),
        ("x", UUIDS, "UUIDs"),
        ("x", [f"k{n}" for n in range(N)], "200 different texts in 200 rows, like an identifier"),
        ("x", [f"a note, {n}" for n in range(N)], "free text: 200 different texts in 200 rows"),
        ("x", [f"${n},000" for n in range(N)], "numbers written with other marks, such as $0,000"),
        ("x", ["red"] * N, "constant: red"),
        ("x", ["red", None] * 100, None),
        ("x", ["2020-01-31", None] * 100, "one date: 2020-01-31"),
        ("x", [None] * N, "no value"),
        ("x", [1.5] * 3 + [None] * 197, "hardly a value: 3 in 200 rows"),
        ("x", [*NUMBERS[:-2], np.inf, -np.inf], "infinite in 2 rows"),
    ],
)
def test_left_out(tmp_path: Path, name: str, values: Any, reason: str | None) -> None:
    found = describe_columns(read(tmp_path, **{name: values}, y=NUMBERS))[0]
    assert (found.reason or "").endswith(reason or "")
    assert (found.reason is None) == (reason is None)


def test_rare_texts_of_a_large_table_are_left_out() -> None:
    names = pd.Series([f"name {n // 2}" for n in range(1000)])
    assert column(names).reason == "500 different texts in 1,000 rows, most of them rare"
    assert column(pd.Series([f"town {n % 50}" for n in range(500)])).reason == (
        "50 different texts in 500 rows, most of them rare"
    )
    assert column(pd.Series([f"city {n % 150}" for n in range(3000)])).reason is None


def test_twins() -> None:
    table = pd.DataFrame({"a": NUMBERS, "b": WORDS, "c": NUMBERS, "d": WORDS, "e": -NUMBERS})
    reasons = [found.reason for found in describe_columns(table)]
    assert reasons == [None, None, "the same as a", "the same as b", None]
    reasons = [found.reason for found in describe_columns(table, target="c")]
    assert reasons == ["the same as c", None, None, "the same as b", None]


def test_slips_among_numbers(tmp_path: Path) -> None:
    numbers = [str(number) for number in NUMBERS]
    table = read(
        tmp_path,
        marked=["?", "Unknown", *numbers[2:]],
        slipped=[*numbers[:7], "1,5", *numbers[8:]],
        both=["-", "ten", *numbers[2:]],
        choice=["1", "2", "3+", "?"] * 50,
        day=["n.a.", *(["31/01/2020", "30/01/2020"] * 100)[1:]],
    )
    marked, slipped, both, choice, day = found = describe_columns(table)
    assert [c.kind for c in found] == ["number", "number", "number", "category", "date"]
    assert marked.strange == {"?": 0, "Unknown": 1}
    assert slipped.strange == {"1,5": 7}
    assert both.strange == {"-": 0, "ten": 1}
    assert choice.mixed
    assert choice.reason is None
    assert (day.strange, day.form) == ({"n.a.": 0}, "%d/%m/%Y")
    assert markers(found) == ["-", "?", "Unknown", "n.a."]


# What is predicted.


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (WORDS, "classification"),
        ([True, False] * 100, "classification"),
        ([0, 1, 2, 3] * 50, "classification"),
        ([0, 1, None, 3] * 50, "classification"),
        ([1.0, 2.0, 3.0, 4.0] * 50, "regression"),
        ([0.0, 1.0] * 100, "classification"),
        (list(range(20)) * 2, "regression"),  # 2 rows each
        (DRAWN.integers(0, 100, N), "regression"),
        (NUMBERS, "regression"),
    ],
)
def test_task(tmp_path: Path, values: Any, task: str) -> None:
    table = read(tmp_path, x=values, y=range(len(values)))
    assert infer_target(table, describe_columns(table)[0], None).task == task


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        ([None] * N, None, "the target 'x' has a value in no row"),
        ([1, *[None] * 199], None, "the target 'x' has a value in 1 rows; at least 20 are needed"),
        (["a"] * N, None, "the target 'x' is 'a' in all rows: nothing is to be learned"),
        (
            ["2020-01-31", "2020-02-01"] * 50,
            None,
            "the target 'x' holds dates; numbers and classes can be predicted",
        ),
        (
            WORDS,
            "regression",
            f"the target 'x' holds '{WORDS[0]}', but regression needs numbers: choose --task "
            "classification, or another column",
        ),
        (
            ["1", "2", "3+"] * 50,
            "regression",
            "the target 'x' holds '3+', but regression needs numbers: choose --task "
            "classification, or another column",
        ),
        (
            [*NUMBERS[1:], np.inf],
            None,
            "the target 'x' is infinite in 1 rows: mend them or empty the fields",
        ),
        (
            UUIDS,
            None,
            "the target 'x' has 200 different values in 200 rows, which are too many for classes",
        ),
        (
            np.arange(N) / 7,
            "classification",
            "the target 'x' has 200 different values in 200 rows, which are too many for classes; "
            "choose --task regression",
        ),
    ],
)
def test_targets_refused(tmp_path: Path, values: Any, task: Any, message: str) -> None:
    table = read(tmp_path, x=values, y=range(len(values)))
    with pytest.raises(FathomError) as caught:
        infer_target(table, describe_columns(table)[0], task)
    assert str(caught.value) == message


def test_targets_worth_a_note(tmp_path: Path) -> None:
    table = read(tmp_path, x=[*"ab" * 40, *[None] * 120], y=[1, *[2] * 100, *[3] * 99], z=range(N))
    columns = describe_columns(table)
    found = [infer_target(table, c, None) for c in columns]
    assert found[0].notes == ["x has no value in most rows, which go to no part"]
    assert found[1].unsplittable == "class '1' has only 1 rows"
    assert found[2].notes == [
        "z, the target, would otherwise be left out: 0, 1, 2 … like an identifier"
    ]


# What is written.


def test_settings_word_for_word(project: Path) -> None:
    assert fathom("new-dataset", houses(project), "--target", "price") == 0
    assert Path("conf/dataset/hauser_2020.yaml").read_text() == (
        """\
# @package _global_
#
# hauser_2020: 200 rows and 10 columns of Häuser 2020.csv, as `fathom new-dataset` understood them.
# Correct here what it guessed wrong.
dataset:
  source:
    _target_: fathom.download.sources.table_file
    file: data/own/hauser_2020.csv
    delimiter: ";"
    decimal: ","
    encoding: cp1252
    missing: ["?"]  # among the numbers or dates of rooms
  task: regression
  target: price
  unit: null  # what one is, in figures: $, kg, points
  exclude:
    - id  # 1, 2, 3 … like an identifier
    - notes  # free text: 200 different texts in 200 rows
    - country  # constant: DE
    - area copied  # the same as area
  # Text and booleans are categories by themselves, and integers by choice. Of these with so many
  # different values: rooms (7)
  categories: []
  dates:
    sold: "%d/%m/%Y"
  # For networks with a wide path beside the deep one; without `wide` and `deep` each is
  # given all columns. Only categories and numbers in buckets can be crossed.
  # wide: [garden, city]
  # deep: [rooms, area, garden, city]
  # buckets: {area: 10}
  # crosses: [[garden, city]]
  # sample_weight: null  # the column that says how much a row counts
  # auxiliary: null  # a column to be predicted, too
# To train on the past and test on what came after it, with rows in the order of sold (they rise):
# split: {shuffle: false}
"""
    )


def uncommented(file: Path) -> None:
    """Take the comment off all settings of a file that are examples."""
    keys = "wide|deep|buckets|crosses|sample_weight|auxiliary|split|shuffle"
    file.write_text(re.sub(rf"^( *)# ({keys}):", r"\1\2:", file.read_text(), flags=re.MULTILINE))


def encoded(dataset: DatasetSettings) -> list[str]:
    """Return the names of the features that the later stages make of a table."""
    found = table_file(**dataset.source.arguments)
    assert isinstance(found, RawTable)
    table = found.table
    raw = TableInMemory(table, {"train": np.arange(len(table))})
    settings = ScaleSettings(
        features="none", clip=None, pixels="together", min_frequency=5, target="none"
    )
    encoder, _ = fit_encoder(dataset, raw, settings)
    return [*encoder.transform(table).columns]


def test_examples_hold_when_uncommented(project: Path) -> None:
    fathom("new-dataset", houses(project), "--target", "price", "--name", "houses")
    features = encoded(dataset_config("houses").dataset)
    own = [name for name in features if not name.startswith("sold_")]
    assert own == ["rooms", "area", "rooms_missing", "garden", "city"]
    assert len(features) > len(own)
    uncommented(Path("conf/dataset/houses.yaml"))
    config = dataset_config("houses")
    assert config.dataset.wide == ["garden", "city"]
    assert config.split.shuffle is False
    assert encoded(config.dataset)[-2:] == ["area_bucket", "garden_x_city"]


NASTY = [
    "a: b", "#c", "yes", "null", "1e3", "2020", "12:30", "it's", '"q"', "two\nlines", "${x}",
    "\\${y}", "\\", "{z}", "[w]", "ü😀", "-", "- x", "? q", "a, b", "~", "@at", "&y", "*z", "!t",
    "%d", "`", "tab\there", "key.with.dot", "no", "on", ".inf", "0x1F", "<<", "=", "NaN", "true",
    "a  b", "x" * 200, "\u2028", "\x7f", "a #b", "a:", "|", ">", "---",
]  # fmt: skip


def nasty_table(name: str) -> pd.DataFrame:
    """Return a table in which the names of columns of all kinds begin with one name."""
    return pd.DataFrame(
        {
            f"{name}day": pd.date_range("2020-01-01", periods=N).strftime("%d/%m/%Y"),
            f"{name}mixed": ["1", "2", "3+", "4"] * 50,
            f"{name}number": NUMBERS,
            f"{name}constant": f"{name}constant",
            name: NUMBERS * 2,
        }
    )


def check_names(dataset: DatasetSettings, name: str) -> None:
    assert dataset.target == name
    assert dataset.exclude == [f"{name}constant"]
    assert dataset.dates == {f"{name}day": "%d/%m/%Y"}
    assert dataset.categories == dataset.wide == [f"{name}mixed"]
    assert dataset.deep == [f"{name}number", f"{name}mixed"]
    assert dataset.buckets == {f"{name}number": 10}
    assert dataset.crosses == [[f"{name}mixed", f"{name}number"]]


@pytest.mark.parametrize("name", ["a: b", "two\nlines", "${x}", "\\${y}", "key.with.dot", "null"])
def test_any_name_comes_back_as_it_was(project: Path, name: str) -> None:
    nasty_table(name).to_parquet("nasty.parquet")
    assert fathom("new-dataset", "nasty.parquet", "--target", name) == 0
    uncommented(Path("conf/dataset/nasty.yaml"))
    dataset = dataset_config("nasty").dataset
    check_names(dataset, name)
    assert len(encoded(dataset)) > 3


@pytest.mark.parametrize("name", NASTY)
def test_any_name_is_written_so_that_it_is_read(tmp_path: Path, name: str) -> None:
    table = nasty_table(name)
    columns = describe_columns(table, name)
    target = infer_target(table, next(one for one in columns if one.name == name), None)
    source = Source("table_file", {"file": (f"{name}.csv", "")})
    file = tmp_path / "nasty.yaml"
    file.write_text(table_settings("A sentence.", source, columns, target))
    uncommented(file)
    tree: Any = OmegaConf.to_container(OmegaConf.load(file), resolve=True)  # as Hydra does
    dataset = DatasetSettings.model_validate(tree["dataset"] | {"name": "nasty"})
    check_names(dataset, name)
    assert dataset.source.arguments == {"file": f"{name}.csv"}


@settings(max_examples=50, derandomize=True, deadline=None, database=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.text("${}\\x.:'\""))
def test_any_text_is_read_as_it_was_written(text: str) -> None:
    assume(text != "???")  # which settings cannot hold
    line = f"{{values: {flow([text])}, keys: {flow({text: 1})}}}"
    tree = OmegaConf.to_container(OmegaConf.create(line), resolve=True)
    assert tree == {"values": [text], "keys": {text: 1}}


def test_a_name_that_settings_cannot_hold(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pd.DataFrame({"???": NUMBERS, "x": WORDS}).to_csv("t.csv", index=False)
    status, line = said(capsys, "new-dataset", "t.csv", "--target", "???")
    assert status == 1
    assert line.startswith(
        "fathom: a column has a name or value that settings cannot hold, rename it: "
    )
    assert not Path("conf/dataset/t.yaml").exists()


def test_slips_are_listed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = [str(number) for number in NUMBERS]
    numbers[7] = "1,5\nor so"
    pd.DataFrame({"slipped": numbers, "choice": ["1", "2", "3+", "4"] * 50, "y": NUMBERS}).to_csv(
        "t.csv", index=False
    )
    assert fathom("new-dataset", "t.csv", "--target", "y") == 0
    text = " ".join(Path("conf/dataset/t.yaml").read_text().replace("#", "").split())
    assert (
        "slipped holds texts among its numbers, which the stages refuse. Mend them in the file, "
        "or list them as source.missing if they stand for no value: '1,5 or so' (row 7)" in text
    )
    assert "categories: - choice not all numbers: '3+' (row 2)" in text
    out = capsys.readouterr().out
    assert "slipped: the stages will refuse '1,5 or so' (row 7); mend them, or list" in out
    assert "refused: 1,5 or so in row 7" in out
    with pytest.raises(FathomError, match="holds '1,5\\\\nor so' in row 7 among its numbers"):
        encoded(dataset_config("t").dataset)


def test_a_class_is_not_taken_for_a_missing_value(project: Path) -> None:
    numbers = ["unknown", "?", *map(str, NUMBERS[2:])]
    pd.DataFrame({"x": numbers, "y": ["unknown", "good"] * 100}).to_csv("t.csv", index=False)
    assert fathom("new-dataset", "t.csv", "--target", "y") == 0
    assert dataset_config("t").dataset.source.arguments["missing"] == ["?"]


def test_few_rows(project: Path) -> None:
    table = pd.DataFrame({"x": [*"aabbccddee"] * 2, "y": range(20), "z": NUMBERS[:20]})
    table.to_csv("t.csv", index=False)
    assert fathom("new-dataset", "t.csv", "--target", "z") == 0
    config = dataset_config("t")
    assert config.scale.min_frequency == 1
    assert config.dataset.exclude == ["y"]
    table.to_csv("u.csv", index=False)
    assert fathom("new-dataset", "u.csv", "--target", "x") == 0
    assert dataset_config("u").split.stratify is False
    text = "  stratify: false  # 5 classes, but 4 rows in the validation part\n"
    assert text in Path("conf/dataset/u.yaml").read_text()


# The data sets that come with an installed package.


def installed(name: str) -> Path:
    spec = importlib.util.find_spec("shapiq")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets/data" / f"{name}.csv"


@pytest.mark.parametrize(
    ("name", "target", "task", "categories"),
    [
        ("adult_census", "class", "classification", 8),
        ("bike", "count", "regression", 2),
        ("california_housing", "MedHouseVal", "regression", 0),
    ],
)
def test_real_data(project: Path, name: str, target: str, task: str, categories: int) -> None:
    assert fathom("new-dataset", installed(name), "--target", target, "--name", "real") == 0
    dataset = dataset_config("real").dataset
    assert (dataset.task, dataset.exclude, dataset.categories) == (task, [], [])
    columns = describe_columns(read_table_file(installed(name)), target)
    found = [c for c in columns if c.kind == "category" and c.name != target]
    assert len(found) == categories
    assert {c.kind for c in columns} <= {"number", "integer", "category"}
    if name == "adult_census":
        assert "# sample_weight: fnlwgt" in Path("conf/dataset/real.yaml").read_text()
    uncommented(Path("conf/dataset/real.yaml"))
    assert len(encoded(dataset_config("real").dataset)) > 8


# Images.


def picture(file: Path, size: tuple[int, int] = (6, 5), colour: Any = 7) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L" if isinstance(colour, int) else "RGB", size, colour).save(file)


def test_images_in_a_folder(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for n in range(24):
        picture(project / f"My Pets/{'cat' if n % 3 else 'dog'}/{n}.png")
    assert fathom("new-dataset", "My Pets/") == 0
    assert Path("conf/dataset/my_pets.yaml").read_text() == (
        """\
# @package _global_
#
# my_pets: 24 images of 5 x 6 pixels in grey in 2 classes, from My Pets.
dataset:
  source:
    _target_: fathom.download.sources.image_folder
    folder: data/own/my_pets
  task: classification
"""
    )
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["cat", "16"] in lines
    assert ["dog", "8"] in lines
    assert Path("data/own/my_pets/dog/0.png").exists()
    dataset_config("my_pets")


def test_images_that_differ(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for n in range(30):
        part = "test" if n < 10 else "train"
        colour = (250, 0, 0) if n % 2 else 9
        picture(project / f"pets/{part}/{'cat' if n % 3 else 'dog'}/{n}.png", (8 + n, 20), colour)
    assert fathom("new-dataset", "pets") == 0
    config = dataset_config("pets")
    assert config.dataset.source.arguments["size"] == [20, 22]
    assert config.dataset.source.arguments["channels"] == 3
    assert config.split.test == "own"
    out = capsys.readouterr().out
    assert "size: [20, 22], the median; they are 20 to 20 pixels high and 8 to 37 wide" in out
    assert "channels: 3, 15 of 30 images are grey" in out
    assert ["dog", "10", "4"] in [line.split() for line in out.splitlines()]


def test_images_in_arrays(project: Path) -> None:
    arrays = {"x_train": np.zeros((20, 4, 4), np.uint8), "y_train": np.arange(20) % 2}
    tests = {"x_test": np.zeros((4, 4, 4), np.uint8), "y_test": np.arange(4) % 2}
    np.savez("MNIST.npz", **arrays, **tests)  # type: ignore[arg-type]
    assert fathom("new-dataset", "MNIST.npz") == 0
    config = dataset_config("mnist")
    assert config.dataset.source.target == "fathom.download.sources.image_arrays"
    assert config.dataset.source.arguments == {"file": "data/own/mnist.npz"}
    assert config.split.test == "own"


# What is said.


def test_columns_are_printed_and_the_target_asked_for(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = houses(project)
    assert fathom("new-dataset", file) == 2
    out, error = capsys.readouterr()
    assert error == (
        "fathom: name the column to be predicted with --target; there are: id, sold, rooms, area, "
        "garden, city, notes, country, price, area copied\n"
    )
    assert all(len(line) <= 110 for line in out.splitlines())
    cells = [re.split(r"\s{2,}", line.strip()) for line in out.splitlines() if line.strip()]
    assert cells[0] == ["column", "is", "missing", "distinct", "such as", "becomes"]
    assert ["id", "integer", "200", "1, 2, 3", "left out: 1, 2, 3 … like an"] in cells
    assert ["sold", "date", "200", "01/01/2020, 02/01/2020, 03/01…", "parts of dates"] in cells
    rooms = next(line for line in cells if line[0] == "rooms")
    assert rooms[1:4] == ["integer", "1", "7"]
    assert rooms[-1] == "scaled, or a category"
    assert sorted(path.name for path in Path().iterdir()) == [
        ".dvc", "Häuser 2020.csv", "conf", "params.yaml",
    ]  # fmt: skip


def test_a_narrow_terminal(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "width", lambda: 80)
    assert fathom("new-dataset", houses(project)) == 2
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[1].split() == ["column", "is", "missing", "distinct", "becomes"]
    assert len(lines) < 18


def test_letters_that_mean_something_to_a_terminal(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pd.DataFrame({"[red]a[/red]": ["\x1b[31m", ":smile:"] * 20, "b": [1, 2] * 20}).to_csv(
        "t.csv", index=False
    )
    fathom("new-dataset", "t.csv", "--target", "b")
    out = capsys.readouterr().out
    assert "[red]a[/red]" in out
    assert " [31m, :smile:" in out
    assert "\x1b" not in out


def test_notes_and_next_steps(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pd.DataFrame({"day": ["01/02/2020", "03/04/2020"] * 20, "y": [1, 2, 3, None] * 10}).to_csv(
        "t.csv", index=False
    )
    assert fathom("new-dataset", "t.csv", "--target", "y") == 0
    assert capsys.readouterr().out.endswith(
        """\
  y has no value in 10 rows, which go to no part
  day: taken for %m/%d/%Y, but it may be %d/%m/%Y
wrote conf/dataset/t.yaml; DVC keeps data/own/t.csv
next, after a look at that file, all networks on it:
  dvc exp run -S 'datasets=[t]'
or, to leave the outputs of other data sets in place, in a copy of what Git knows:
  git add conf/dataset/t.yaml data/own/t.csv.dvc data/own/.gitignore
  dvc exp run --temp -S 'datasets=[t]'
"""
    )
    text = Path("conf/dataset/t.yaml").read_text()
    assert '    day: "%m/%d/%Y"  # or "%d/%m/%Y": no value tells\n' in text
    assert "  task: classification  # 3 different integers; or regression\n" in text


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["t.csv", "--target", "prise"],
            "--target: there is no column 'prise'; did you mean price?",
        ),
        (["u.csv", "--target", "price"], "u.csv is missing; did you mean t.csv?"),
        (
            ["t.csv", "--target", "price", "--name", "digits"],
            "conf/dataset/digits.yaml is there already: choose another --name, or replace it with "
            "--force",
        ),
        (["t.csv", "--target", "constant"], "the target 'constant' is '1' in all rows: nothing is "
         "to be learned"),
        (["one.csv", "--target", "y"], "one.csv has no column to learn from: see above"),
        (["conf", "--target", "price"], "--target is for tables; of images the classes are told"),
        (["conf", "--task", "regression"], "--task regression is for tables; of images the classes "
         "are told"),
        ([".", "--name", "x"], "data/own lies in .: name what is to be learned from alone"),
        (["t.xlsx"], "t.xlsx: tables are read from files in .csv, .tsv, .txt, .csv.gz, .tsv.gz, "
         ".txt.gz, .parquet, .pq, .feather, .arrow"),
    ],
)  # fmt: skip
def test_refused_in_one_line(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], line: str
) -> None:
    pd.DataFrame({"price": NUMBERS, "constant": 1, "x": WORDS}).to_csv("t.csv", index=False)
    pd.DataFrame({"y": NUMBERS, "id": range(N)}).to_csv("one.csv", index=False)
    Path("t.xlsx").touch()
    before = sorted(Path().rglob("*"))
    assert said(capsys, "new-dataset", *arguments) == (1, f"fathom: {line}")
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("gone", ["conf/config.yaml", "params.yaml", ".dvc/config"])
def test_only_in_a_project(project: Path, capsys: pytest.CaptureFixture[str], gone: str) -> None:
    Path(gone).unlink()
    assert said(capsys, "new-dataset", "t.csv") == (
        1,
        f"fathom: there is no {gone} in {project}: start in the project's folder",
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["new-dataset"],
        ["new-dataset", "t.csv", "--name", "Null"],
        ["new-dataset", "t.csv", "--name", "null"],
        ["new-dataset", "t.csv", "--name", "../t"],
        ["new-dataset", "t.csv", "--task", "clustering"],
        ["new-dataset", "t.csv", "u.csv"],
        ["newdataset"],
    ],
)
def test_usage(project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert fathom(*arguments) == 2
    assert "Usage: fathom" in capsys.readouterr().err


def test_interrupted(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = houses(project)

    def interrupt(file: Path, out: Path | None) -> None:
        assert out is not None
        shutil.copy(file, out)
        raise KeyboardInterrupt

    monkeypatch.setattr(copy_in, "add", interrupt)
    arguments = ["new-dataset", file, "--target", "price"]
    assert said(capsys, *arguments) == (130, "fathom: interrupted")
    assert not any(Path("data/own").iterdir())
    assert not Path("conf/dataset/hauser_2020.yaml").exists()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("My Häuser (1).csv", "my_hauser_1"),
        ("data.csv.gz", "data"),
        ("2020.parquet", "data_2020"),
        ("Null.csv", "data_null"),
        ("nan.csv", "data_nan"),
        ("数据.csv", "data"),
        ("v1.2.tsv", "v1_2"),
    ],
)
def test_names(file: str, name: str) -> None:
    assert name_of(Path(file)) == name


# With DVC itself.


def test_replaced_whole_or_not_at_all(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = houses(project)
    arguments = ["new-dataset", file, "--target", "price", "--name", "a"]
    assert fathom(*arguments) == 0
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    file.write_text("x,y\n" + "1,a\n2,b\n" * 20)
    kept_new = file.read_bytes()
    monkeypatch.setattr("fathom.new_dataset.new_dataset.write_text", lambda path, text: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        program.fathom([*map(str, arguments[:2]), "--target", "y", "--name", "a", "--force"])
    before[file.relative_to(project)] = kept_new
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_dvc_keeps_what_is_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, outside = tmp_path / "project", tmp_path / "elsewhere"
    outside.mkdir()
    clone(folder)
    ignored = (folder / ".gitignore").read_text().replace("/data/*\n", "/data/?*\n")
    (folder / ".gitignore").write_text(ignored)
    commit(folder)
    (folder / "data/own").mkdir(parents=True, exist_ok=True)

    houses(outside).rename(outside / "houses.csv")
    command = [sys.executable, "-m", "fathom", "new-dataset", "../elsewhere/houses.csv"]
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", "src")
        out = run_in(folder, *command, "--target", "price").stdout
    added = re.findall("git add (.*)", out)[0].split()
    assert added == [
        "conf/dataset/houses.yaml", "data/own/houses.csv.dvc", "data/own/.gitignore",
    ]  # fmt: skip
    changed = run_in(folder, "git", "status", "--short", "-uall").stdout
    assert sorted(changed.split()[1::2]) == sorted(added)

    monkeypatch.chdir(folder)
    for n in range(24):
        picture(outside / f"pets/{'cat' if n % 3 else 'dog'}/{n}.png")
    assert fathom("new-dataset", outside / "pets") == 0
    (outside / "pets/dog/0.png").unlink()
    assert fathom("new-dataset", outside / "pets", "--force") == 0
    assert not (folder / "data/own/pets/dog/0.png").exists()
    assert (folder / "data/own/pets/dog/3.png").exists()

    (outside / "houses.csv").rename(folder / "data/own/My Houses.csv")
    assert fathom("new-dataset", "data/own/My Houses.csv", "--target", "price") == 0
    assert (
        yaml.safe_load((folder / "conf/dataset/my_houses.yaml").read_text())["dataset"]["source"][
            "file"
        ]
        == "data/own/My Houses.csv"
    )
    assert (folder / "data/own/My Houses.csv.dvc").exists()

    commit(folder)
    assert run_in(folder, "dvc", "status", "-q", "data/own/houses.csv.dvc").returncode == 0
    shutil.rmtree(folder / "data")
    run_in(folder, "git", "checkout", "data")
    run_in(folder, "dvc", "checkout", "-q", "--allow-missing")
    assert (folder / "data/own/houses.csv").exists()
    assert (folder / "data/own/pets/dog/3.png").exists()

    (folder / "data/own/git.csv").write_text("x,y\n" + "1,a\n2,b\n" * 20)
    run_in(folder, "git", "add", "data/own/git.csv")
    before = run_in(folder, "git", "status", "--short", "-uall").stdout
    capsys.readouterr()
    status, line = said(capsys, "new-dataset", "data/own/git.csv", "--target", "y")
    assert status == 1
    assert line.startswith("fathom: dvc add git.csv: output 'data/own/git.csv' is already")
    assert run_in(folder, "git", "status", "--short", "-uall").stdout == before
