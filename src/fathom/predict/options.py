"""What one may ask of predictions."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """How rows are read, and what is written of them.

    `flag` adds the column `unusual`, which says what in a row training did not see. `array` names
    the array of images in an .npz file. `csv` holds delimiter, decimal and encoding of a CSV
    file, where they are not to be guessed.
    """

    flag: bool = False
    array: str | None = None
    csv: Mapping[str, str] = field(default_factory=dict)
