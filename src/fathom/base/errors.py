"""Errors that a user can correct. Any other exception is a bug and shows a traceback."""

import difflib
from collections.abc import Iterable


class FathomError(Exception):
    """Bad input or an impossible setting. The message is one line: what, where, and the remedy."""


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Return "; did you mean …?" with the most similar known name, or else list all of them."""
    names = sorted(known)
    lower = {known_name.lower(): known_name for known_name in names}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {prefix}{lower[near[0]]}?"
    return f"; there are: {', '.join(names)}" if names else ""
