"""How many rows of a table are explained, and how exactly."""

from dataclasses import dataclass

from fathom.base.errors import FathomError
from fathom.settings.config import ExplainSettings

MOST_EXACT = 12  # columns; the weighing of all coalitions takes a second for each row then
MOST_IN_PAIRS = 40  # columns; the regression takes a second for each row then
AGAINST_NOISE = 2  # coalitions for each number that they are to tell


@dataclass(frozen=True)
class Sizes:
    """Rows explained, background rows, coalitions of columns for each explained row, whether
    these are all that there are, and whether they tell of pairs too.
    """

    rows: int
    background: int
    coalitions: int
    exact: bool
    pairs: bool

    @classmethod
    def of(cls, columns: int, rows: int, background: int, limit: int) -> "Sizes":
        """Settle sizes, the rows explained times the background rows times the coalitions being
        `limit` at most.

        If not all coalitions can be had of all rows, some of them are. If too few can, fewer rows
        are explained, down to one; and then against a smaller background.

        Raises:
            FathomError: the limit is too low for so many columns.
        """
        pairs = columns <= MOST_IN_PAIRS
        numbers = columns + (columns * (columns - 1) // 2 if pairs else 0)
        every = 2**columns
        fewest = min(AGAINST_NOISE * (numbers + 2), every)
        if fewest > limit:
            raise FathomError(
                f"explain.evaluations: {limit} are too few for {columns} columns; set it to "
                f"{fewest} or more"
            )
        background = min(background, limit // fewest)
        rows = min(rows, limit // (fewest * background))
        coalitions = min(limit // (rows * background), every)
        exact = coalitions == every and columns <= MOST_EXACT
        return cls(rows, background, coalitions, exact, pairs)


def per_class(settings: ExplainSettings, classes: int, steps: int) -> int:
    """Return how many images of each class are explained, in so many steps each: one at least."""
    return max(1, min(settings.rows, settings.evaluations // (steps * classes)))
