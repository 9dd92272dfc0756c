"""The project's errors, of a type that scikit-learn expects of bad input."""

from collections.abc import Iterator
from contextlib import contextmanager

from fathom.base.errors import FathomError


class InvalidError(FathomError, ValueError):
    """What `FathomError` is, and a `ValueError`, as scikit-learn wants it."""


@contextmanager
def value_errors() -> Iterator[None]:
    """Turn what a user can mend into a `ValueError` with the same message."""
    try:
        yield
    except FathomError as error:
        raise InvalidError(str(error)) from error
