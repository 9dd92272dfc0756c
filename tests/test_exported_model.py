"""An export is checked before it is loaded."""

import hashlib
import json
import shutil
from pathlib import Path

import keras
import pytest

from fathom.artifacts.signature import IMAGE, Signature
from fathom.base.errors import FathomError
from fathom.predict.exported_model import ExportedModel


@pytest.fixture
def folder(pipeline: Path, tmp_path: Path) -> Path:
    """Return a copy of an export."""
    return Path(shutil.copytree(pipeline / "exports/digits/mlp", tmp_path / "export"))


def load_error(folder: Path) -> str:
    with pytest.raises(FathomError) as error:
        ExportedModel(folder)
    return str(error.value)


@pytest.mark.parametrize("name", ["model.keras", "signature.json", "MODEL_CARD.md"])
def test_a_changed_file_is_refused(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(b" ")
    assert load_error(folder) == (
        f"{folder / name} is not the file that was exported, by SHA256SUMS: it was changed or "
        "damaged; export it anew"
    )


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "MODEL_CARD.md").unlink()
    assert load_error(folder) == (
        f"{folder / 'MODEL_CARD.md'} is missing, which SHA256SUMS lists: export it anew"
    )


def test_checksums_without_the_model_are_refused(folder: Path) -> None:
    sums = folder / "SHA256SUMS"
    lines = sums.read_text().splitlines(keepends=True)
    sums.write_text("".join(line for line in lines if "model.keras" not in line))
    assert load_error(folder) == f"{sums} does not list model.keras: export it anew"


def test_a_folder_that_is_no_export_is_refused(tmp_path: Path) -> None:
    assert load_error(tmp_path) == (
        f"{tmp_path} is no exported network, it has no SHA256SUMS: exports are made by "
        "`dvc repro` in exports/<dataset>/<model>"
    )


def test_a_model_that_would_run_code_is_not_loaded(folder: Path) -> None:
    image = keras.Input((8, 8), dtype="uint8", name=IMAGE)
    model = keras.Model(image, keras.layers.Lambda(lambda x: x, output_shape=(8, 8))(image))
    model.save(folder / "model.keras")
    digest = hashlib.sha256((folder / "model.keras").read_bytes()).hexdigest()
    sums = folder / "SHA256SUMS"
    lines = [line for line in sums.read_text().splitlines() if "model.keras" not in line]
    sums.write_text("\n".join([*lines, f"{digest}  model.keras"]) + "\n")
    with pytest.raises(FathomError, match=r"model\.keras cannot be loaded: .*[Ll]ambda"):
        ExportedModel(folder)


def test_a_signature_of_another_version_is_refused(folder: Path) -> None:
    file = folder / "signature.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"colour": "red"}))
    with pytest.raises(FathomError) as error:
        Signature.read(folder)
    assert str(error.value) == (
        f"{file} was written by another version of Fathom: export the network again"
    )
