"""Errors that a user can correct. Any other exception is a bug and shows a traceback."""

import difflib
import traceback
from collections.abc import Iterable
from pathlib import Path

FATHOM = Path(__file__).parents[1]


class FathomError(Exception):
    """Bad input or an impossible setting. The message is one line: what, where, and the remedy."""


def own_error(error: BaseException) -> str | None:
    """Return an error as one line with the last line of the user's own code that led to it.

    Code is the user's own if it is in the working folder, but neither Fathom nor a package. None:
    there is no such code.
    """
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(FATHOM) or "site-packages" in file.parts:
            continue
        if file.is_relative_to(Path.cwd()):
            place = f"{file.relative_to(Path.cwd())}, line {frame.lineno}, in {frame.name}"
            return " ".join(f"{place}: {type(error).__name__}: {error}".split())
    return None


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Return "; did you mean …?" with the most similar known name, or else list all of them."""
    names = sorted(known)
    lower = {known_name.lower(): known_name for known_name in names}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {prefix}{lower[near[0]]}?"
    return f"; there are: {', '.join(names)}" if names else ""
