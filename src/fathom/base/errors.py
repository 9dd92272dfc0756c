"""What a user can mend is an error of its own; everything else is a bug with a traceback."""

import difflib
from collections.abc import Iterable


class FathomError(Exception):
    """Bad input or an impossible setting. The message is one line: what, where, what to do."""


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Return "; did you mean …?" for the nearest of the known names, or else name them all."""
    names = sorted(known)
    lower = {known_name.lower(): known_name for known_name in names}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {prefix}{lower[near[0]]}?"
    return f"; there are: {', '.join(names)}" if names else ""
