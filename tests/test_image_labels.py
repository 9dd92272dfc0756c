"""Classes of images from a table in their folder."""

from pathlib import Path

import numpy as np
import pytest
from image_files import save_gray
from own_tables import make_project, new_dataset
from stages import run_command

from fathom.base.errors import FathomError
from fathom.download.image_labels import LabelTable, list_labelled_images
from fathom.download.sources import image_folder
from fathom.new_dataset.infer_labels import infer_labels

TABLE = LabelTable(file="train.csv", image="id", label="breed")


@pytest.fixture
def dogs(tmp_path: Path) -> Path:
    """Return a folder of images of dogs, and one of images without a class."""
    folder = tmp_path / "dogs"
    save_gray(folder, *(f"train/{n}.png" for n in range(24)), "test/24.png", "test/25.png")
    return folder


def write_labels(folder: Path, *rows: str, file: str = "train.csv") -> None:
    (folder / file).write_text("\n".join(["id;breed;age", *rows]), "utf-8")


def rows(suffix: str = "", before: str = "") -> list[str]:
    return [f"{before}{n}{suffix};{'pug' if n % 3 else 'Spitz'};{n}" for n in range(24)]


@pytest.mark.parametrize(
    ("suffix", "before"),
    [("", ""), (".png", ""), (".PNG", "train/"), ("", "./train/"), (".png", "data\\dogs\\train\\")],
)
def test_names_may_have_folders_and_suffixes(dogs: Path, suffix: str, before: str) -> None:
    write_labels(dogs, *rows(suffix, before), "24;;3")
    listing = list_labelled_images(dogs, TABLE)
    assert [file.relative_to(dogs).as_posix() for file in listing.files] == [
        f"train/{n}.png" for n in range(24)
    ]
    assert listing.classes == ["pug", "Spitz"]
    assert listing.labels.tolist() == [0 if n % 3 else 1 for n in range(24)]
    assert infer_labels(dogs, "breed") == TABLE


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("30;pug;1", "names '30' in row 24, but there is no such image: correct the row"),
        ("3;pug;1", "names {}/train/3.png in row 3 and in row 24: remove one"),
        (
            "24;pug;1",
            "names '24' in row 24, but {}/other/24.png and {}/test/24.png have this name: correct "
            "the row",
        ),
    ],
)
def test_a_row_names_one_image(dogs: Path, row: str, why: str) -> None:
    save_gray(dogs, "other/24.png")
    write_labels(dogs, *rows(), row)
    with pytest.raises(FathomError) as refused:
        list_labelled_images(dogs, TABLE)
    assert str(refused.value) == f"{dogs / 'train.csv'} {why.format(dogs, dogs)}"


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (TABLE.model_copy(update={"label": "x"}), "has no column 'x'; there are: id, breed, age"),
        (TABLE.model_copy(update={"label": "age"}), "has no label in the column 'age'"),
        (TABLE, "has only the class 'pug'; classification needs two or more"),
    ],
)
def test_refuses_a_table(dogs: Path, table: LabelTable, why: str) -> None:
    write_labels(dogs, "1;pug;", "2;pug;")
    with pytest.raises(FathomError) as refused:
        list_labelled_images(dogs, table)
    assert str(refused.value) == f"{dogs / 'train.csv'} {why}"


def test_the_table_is_found_or_named(dogs: Path) -> None:
    assert infer_labels(dogs, None) is None
    write_labels(dogs, *rows())
    (dogs / "notes.csv").write_text("a,b\n1,2\n")
    for label, text in {
        None: f"{dogs}/train.csv names images in the column 'id': choose the column of their "
        "classes with --target; there are breed, age",
        "bred": "--target: there is no column 'bred'; did you mean breed?",
    }.items():
        with pytest.raises(FathomError) as refused:
            infer_labels(dogs, label)
        assert str(refused.value) == text
    write_labels(dogs, *rows(), file="again.csv")
    with pytest.raises(FathomError) as refused:
        infer_labels(dogs, "breed")
    assert str(refused.value) == (
        f"{dogs}: again.csv and train.csv name images: move one of them away"
    )


def test_from_a_folder_to_images(
    dogs: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_labels(dogs, *rows())
    make_project(workspace, monkeypatch)
    printed = new_dataset(dogs, "--target", "breed")
    entry = "labels: {file: train.csv, image: id, label: breed}"
    assert f"  {entry}, 2 other images are left out\n" in printed
    settings = Path("conf/dataset/dogs.yaml").read_text()
    assert f"    folder: data/own/dogs\n    {entry}  # 2 other images are left out\n" in settings
    first = image_folder("data/own/dogs", labels=TABLE)
    assert first.images.shape == (24, 5, 4)
    assert np.bincount(first.labels).tolist() == [16, 8]
    write_labels(Path("data/own/dogs"), *rows()[1:])
    assert image_folder("data/own/dogs", labels=TABLE).sha256 != first.sha256
    done = run_command("new-dataset", "conf", "--target", "x")
    assert (done.status, done.err) == (
        1,
        "fathom: --target is for tables, and for folders with one that names images: conf has "
        "none\n",
    )
