"""The command `fathom new-dataset`: what it prints, refuses, copies and undoes."""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, clone, commit, run_in
from own_tables import (
    NUMBERS,
    WORDS,
    N,
    houses,
    make_project,
    new_dataset,
    write_houses,
    write_image,
)
from stages import run_command

from fathom.new_dataset import printing
from fathom.new_dataset.new_dataset import name_of

REFUSALS = yaml.safe_load((ROOT / "tests/refusals.yaml").read_text())


@pytest.fixture
def project(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_project(workspace, monkeypatch)


def refusal(*arguments: object, status: int = 1) -> str:
    """Return the one line on standard error."""
    done = run_command("new-dataset", *arguments)
    assert done.status == status
    assert done.err.count("\n") == 1
    return done.err.rstrip("\n")


def test_without_a_target_it_prints_the_columns(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_command("new-dataset", write_houses(project))
    assert done.status == 2
    assert done.err == (
        "fathom: name the column to predict with --target; there are: id, sold, rooms, area, "
        "garden, city, notes, country, price, area copied\n"
    )
    assert all(len(line) <= 110 for line in done.out.splitlines())
    cells = [re.split(r"\s{2,}", line.strip()) for line in done.out.splitlines() if line.strip()]
    assert cells[0] == ["column", "is", "missing", "distinct", "such as", "becomes"]
    assert ["id", "integer", "200", "1, 2, 3", "excluded: 1, 2, 3 … like an"] in cells
    assert ["sold", "date", "200", "01/01/2020, 02/01/2020, 03/01…", "parts of dates"] in cells
    rooms = next(line for line in cells if line[0] == "rooms")
    assert rooms[1:4] == ["integer", "10", "7"]
    assert rooms[-1] == "scaled, or a category"
    files = {path.name for path in Path().iterdir()}
    assert files == {".dvc", "Häuser 2020.csv", "conf", "params.yaml"}
    monkeypatch.setattr(printing, "line_width", lambda: 80)  # a narrow terminal
    lines = run_command("new-dataset", "Häuser 2020.csv").out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[1].split() == ["column", "is", "missing", "distinct", "becomes"]
    assert len(lines) < 18


def test_letters_with_a_meaning_for_a_terminal(project: Path) -> None:
    table = pd.DataFrame({"[red]a[/red]": ["\x1b[31m", ":smile:"] * 20, "b": [1, 2] * 20})
    table.to_csv("t.csv", index=False)
    printed = new_dataset("t.csv", "--target", "b")
    assert "[red]a[/red]" in printed
    assert " [31m, :smile:" in printed
    assert "\x1b" not in printed


def test_very_many_columns(project: Path) -> None:
    pd.DataFrame({f"n{n}": NUMBERS + n for n in range(203)}).to_csv("t.csv", index=False)
    done = run_command("new-dataset", "t.csv")
    assert done.out.endswith("  … and 3 more columns\n")
    assert done.err.endswith(", n29, and 173 more\n")


GUESSED = """\
please check:
  day: 01/02/2020 is read as %m/%d/%Y, but %d/%m/%Y fits as well
    to change it: day: {kind: date, format: "%d/%m/%Y"}
"""


def write_guessed() -> None:
    table = pd.DataFrame({"day": ["01/02/2020", "03/04/2020"] * 20, "y": [1, 2, 3, None] * 10})
    table.to_csv("t.csv", index=False)


def test_guesses_to_check(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_guessed()
    before = sorted(Path().rglob("*"))
    done = run_command("new-dataset", "t.csv", "--target", "y", "--strict")
    assert done.status == 1
    assert done.out.endswith(GUESSED)
    assert done.err == (
        "fathom: --strict: please check the list above; nothing is written. Without --strict it is "
        "written into conf/dataset/t.yaml, where you can change it\n"
    )
    monkeypatch.setattr("fathom.new_dataset.new_dataset.is_terminal", lambda: True)
    done = run_command("new-dataset", "t.csv", "--target", "y", stdin=b"n\n")
    assert (done.status, done.err) == (1, "fathom: nothing is written\n")
    assert "write conf/dataset/t.yaml, where you can change it? [Y/n]" in done.out
    assert sorted(Path().rglob("*")) == before
    assert GUESSED in new_dataset("t.csv", "--target", "y", "--yes")
    assert """
# Please check:
# day: 01/02/2020 is read as %m/%d/%Y, but %d/%m/%Y fits as well. To change it:
#     day: {kind: date, format: "%d/%m/%Y"}
dataset:
""" in Path("conf/dataset/t.yaml").read_text()
    houses().to_csv("sure.csv", index=False)
    assert "please check" not in new_dataset("sure.csv", "--target", "price", "--strict")


def test_notes_and_next_steps(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fathom.new_dataset.new_dataset.git_problem", lambda: None)
    write_guessed()
    assert new_dataset("t.csv", "--target", "y").endswith(
        f"""\
  y has no value in 10 rows, which are in no set
{GUESSED}wrote conf/dataset/t.yaml; DVC tracks data/own/t.csv
next, check that file and train all networks:
  dvc exp run -S 'datasets=[t]'
or train in a copy, which keeps the outputs of other data sets:
  git add conf/dataset/t.yaml data/own/t.csv.dvc data/own/.gitignore
  dvc exp run --temp -S 'datasets=[t]'
"""
    )
    text = Path("conf/dataset/t.yaml").read_text()
    assert '    day: {kind: date, format: "%m/%d/%Y"}\n' in text
    assert "  task: classification  # 3 different integers; or regression\n" in text


def test_next_steps_without_git(project: Path) -> None:
    pd.DataFrame({"x": NUMBERS, "y": WORDS}).to_csv("t.csv", index=False)
    assert new_dataset("t.csv", "--target", "y").endswith(
        """\
next, check that file, set `datasets: [t]` in params.yaml and train:
  fathom repro
"""
    )


@pytest.mark.parametrize("arguments", REFUSALS["new-dataset"])
def test_refused_in_one_line(project: Path, arguments: str) -> None:
    pd.DataFrame({"price": NUMBERS, "constant": 1, "x": WORDS}).to_csv("t.csv", index=False)
    pd.DataFrame({"y": NUMBERS, "id": range(N)}).to_csv("one.csv", index=False)
    np.savez("few.npz", images=np.zeros((4, 2, 2), np.uint8), labels=np.arange(4) % 2)
    Path("t.html").touch()
    before = sorted(Path().rglob("*"))
    line = REFUSALS["new-dataset"][arguments]
    assert refusal(*arguments.split()) == f"fathom: {line}"
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("missing", ["conf/config.yaml", "params.yaml", ".dvc/config"])
def test_only_in_a_project(project: Path, missing: str) -> None:
    Path(missing).unlink()
    line = f"fathom: there is no {missing} in {project}: run this in the project's folder"
    assert refusal("t.csv") == line


@pytest.mark.parametrize("arguments", REFUSALS["usage"])
def test_usage(project: Path, arguments: str) -> None:
    done = run_command(*arguments.split())
    assert done.status == 2
    assert "Usage: fathom" in done.err


def test_names() -> None:
    names = {
        "My Häuser (1).csv": "my_hauser_1",
        "data.csv.gz": "data",
        "2020.parquet": "data_2020",
        "Null.csv": "data_null",
        "nan.csv": "data_nan",
        "数据.csv": "data",
        "v1.2.tsv": "v1_2",
        f"{'long ' * 50}.csv": "long_" * 12 + "long",
    }
    assert {file: name_of(Path(file)) for file in names} == names


def test_interrupted(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_houses(project)

    def interrupt(file: Path, out: Path | None) -> None:
        assert out is not None
        shutil.copy(file, out)
        raise KeyboardInterrupt

    monkeypatch.setattr("fathom.new_dataset.new_dataset.dvc_add", interrupt)
    assert refusal(file, "--target", "price", status=130) == "fathom: interrupted"
    assert not any(Path("data/own").iterdir())
    assert not Path("conf/dataset/hauser_2020.yaml").exists()


def test_replaced_whole_or_not_at_all(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_houses(project)
    new_dataset(file, "--target", "price", "--name", "a")
    file.write_text("x,y\n" + "1,a\n2,b\n" * 20)
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    monkeypatch.setattr("fathom.new_dataset.new_dataset.write_text", lambda path, text: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_command("new-dataset", file, "--target", "y", "--name", "a", "--force")
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_force_removes_the_data_of_another_suffix(project: Path) -> None:
    file = write_houses(project)
    new_dataset(file, "--target", "price", "--name", "a")
    new_dataset(file, "--target", "price", "--name", "a_b")
    own = Path("data/own")
    (own / ".gitignore").write_text("/a.csv\n/a_b.csv\n")
    houses().to_parquet("other.parquet")
    printed = new_dataset("other.parquet", "--target", "price", "--name", "a", "--force")
    assert "removed data/own/a.csv, which it replaces" in printed
    names = ["a.parquet", "a.parquet.dvc", "a_b.csv", "a_b.csv.dvc"]
    assert sorted(path.name for path in own.iterdir()) == [".gitignore", *names]
    assert (own / ".gitignore").read_text() == "/a_b.csv\n"


@pytest.mark.slow
def test_dvc_tracks_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, outside = tmp_path / "project", tmp_path / "elsewhere"
    outside.mkdir()
    clone(folder)
    ignored = (folder / ".gitignore").read_text().replace("/data/*\n", "/data/?*\n")
    (folder / ".gitignore").write_text(ignored)
    commit(folder)

    write_houses(outside).rename(outside / "houses.csv")
    command = [sys.executable, "-m", "fathom", "new-dataset", "../elsewhere/houses.csv"]
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", "src")
        printed = run_in(folder, *command, "--target", "price").stdout
    added = re.findall("git add (.*)", printed)[0].split()
    assert added == [
        "conf/dataset/houses.yaml", "data/own/houses.csv.dvc", "data/own/.gitignore",
    ]  # fmt: skip
    changed = run_in(folder, "git", "status", "--short", "-uall").stdout
    assert sorted(changed.split()[1::2]) == sorted(added)

    monkeypatch.chdir(folder)
    for n in range(24):
        write_image(outside / f"pets/{'cat' if n % 3 else 'dog'}/{n}.png")
    new_dataset(outside / "pets")
    (outside / "pets/dog/0.png").unlink()
    new_dataset(outside / "pets", "--force")
    assert not Path("data/own/pets/dog/0.png").exists()
    assert Path("data/own/pets/dog/3.png").exists()

    (outside / "houses.csv").rename("data/own/My Houses.csv")
    new_dataset("data/own/My Houses.csv", "--target", "price")
    settings = yaml.safe_load(Path("conf/dataset/my_houses.yaml").read_text())
    assert settings["dataset"]["source"]["file"] == "data/own/My Houses.csv"
    assert Path("data/own/My Houses.csv.dvc").exists()

    commit(folder)
    assert run_in(folder, "dvc", "status", "-q", "data/own/houses.csv.dvc").returncode == 0
    shutil.rmtree("data")
    run_in(folder, "git", "checkout", "data")
    run_in(folder, "dvc", "checkout", "-q", "--allow-missing")
    assert Path("data/own/houses.csv").exists()
    assert Path("data/own/pets/dog/3.png").exists()

    Path("data/own/git.csv").write_text("x,y\n" + "1,a\n2,b\n" * 20)
    run_in(folder, "git", "add", "data/own/git.csv")
    before = run_in(folder, "git", "status", "--short", "-uall").stdout
    line = "fathom: dvc add git.csv: output 'data/own/git.csv' is already"
    assert refusal("data/own/git.csv", "--target", "y").startswith(line)
    assert run_in(folder, "git", "status", "--short", "-uall").stdout == before
