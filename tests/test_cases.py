"""Inputs that people have: what `fathom new-dataset` writes of them, and what the stages read.

`cases.yaml` has public cases, files outside the repository, and `inputs.yaml` inputs of the same
kinds. Each has the command's options, and either the line that refuses it, or entries of
`dataset.columns`, what the user shall check, and the first values that the stages read.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from own_tables import make_project
from stages import make_stage, run_command

CASES = ROOT.parent / "shared/cases"
PUBLIC, OWN = (
    yaml.safe_load((ROOT / "tests" / name).read_text("utf-8"))
    for name in ("cases.yaml", "inputs.yaml")
)


@pytest.fixture(autouse=True)
def project(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_project(workspace, monkeypatch)


def check_input(file: Path, case: dict[str, Any]) -> None:
    done = run_command("new-dataset", file, "--name", "t", "--yes", *case["options"].split())
    if "refused" in case:
        assert (done.status, done.err) == (
            1,
            f"fathom: {case['refused']}\n".replace("FILE", str(file)),
        )
        return
    assert done.status == 0, done.err
    settings = Path("conf/dataset/t.yaml").read_text("utf-8")
    dataset = yaml.safe_load(settings)["dataset"]
    for name, entry in case["columns"].items():
        assert dataset["columns"][name] == entry, settings
    assert dataset["task"] == case.get("task", "regression")
    assert dataset["source"].items() >= case.get("source", {}).items()
    listed = done.out.partition("please check:\n")[2].partition("wrote ")[0]
    lines = [f"  {text}\n    to change it: {line}\n" for text, line in case.get("checks", [])]
    assert listed == "".join(lines)
    make_stage("download", "dataset=t")
    table = pd.read_parquet("data/raw/t/data.parquet")
    for name, values in case.get("values", {}).items():
        read = table[name].iloc[: len(values)]
        expected = pd.Series(values, name=name, dtype=read.dtype)
        pd.testing.assert_series_equal(read, expected)


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases lie beside the project")
@pytest.mark.parametrize("name", PUBLIC)
def test_public_case(name: str) -> None:
    case = PUBLIC[name]
    check_input(next(CASES.glob(f"{case.get('file', name)}.*")), case)


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases lie beside the project")
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("img16_dark", "    bits: 8  # no value of the 16-bit images is above 255\n"),
        ("img_one", "  stratify: false  # class 'dog' has only 1 image\n"),
    ],
)
def test_public_images(name: str, line: str) -> None:
    assert run_command("new-dataset", CASES / name, "--yes").status == 0
    assert line in Path(f"conf/dataset/{name}.yaml").read_text("utf-8")
    make_stage("download", f"dataset={name}")
    images = np.load(f"data/raw/{name}/images.npy")
    assert (images.dtype, len(np.unique(images)) > 50) == (np.uint8, True)  # not black


@pytest.mark.parametrize("name", OWN)
def test_own_input(project: Path, name: str) -> None:
    case = OWN[name]
    lines, above = case["content"].splitlines(keepends=True), case.get("above", 1)
    content = "".join([*lines[:above], *lines[above:] * case.get("repeat", 20)])
    file = project / f"input{case.get('suffix', '.csv')}"
    file.write_bytes(content.encode(case.get("encoding", "utf-8")))
    check_input(file, case)
