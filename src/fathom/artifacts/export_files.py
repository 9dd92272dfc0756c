"""Files of an export, and their checksums."""

import hashlib
from pathlib import Path

from fathom.base.files import write_text

KERAS = "model.keras"
SAVED_MODEL = "saved_model"
ONNX = "model.onnx"
CHECKSUMS = "SHA256SUMS"


def write_checksums(folder: Path) -> None:
    """Write the SHA-256 of every other file in a folder in the format of `sha256sum`."""
    (folder / CHECKSUMS).unlink(missing_ok=True)
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    lines = [f"{sha256(file)}  {file.relative_to(folder).as_posix()}\n" for file in files]
    write_text(folder / CHECKSUMS, "".join(lines))


def sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
