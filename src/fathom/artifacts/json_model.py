"""The base class of everything that is kept as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from fathom.base.files import stage_output, write_json


class JsonModel(BaseModel):
    """A JSON object with these keys and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def write(self, path: Path) -> None:
        write_json(path, self.model_dump())

    @classmethod
    def read_file(cls, path: Path, made_by: str) -> Self:
        """Read a file.

        Args:
            path: the file.
            made_by: the stage that writes it.

        Raises:
            FathomError: the file is missing or damaged, or another version wrote it.
        """
        with stage_output(path, made_by):
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
