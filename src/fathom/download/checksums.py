"""SHA-256 of the files of a source."""

import hashlib
from pathlib import Path

from fathom.base.errors import FathomError


def hash_files(files: list[Path]) -> str:
    """Return the SHA-256 of one file, or that of the checksums of several."""
    sums = []
    for path in files:
        with path.open("rb") as content:
            sums.append(hashlib.file_digest(content, "sha256").hexdigest())
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()


def check_sha256(sha256: str, expected: str | None, origin: str) -> str:
    """Return a checksum, if it is the expected one or none is expected."""
    if expected is not None and sha256 != expected:
        raise FathomError(
            f"{origin} has SHA-256 {sha256}, not the expected {expected}: "
            "it is another version; check it, then correct dataset.source.sha256"
        )
    return sha256
