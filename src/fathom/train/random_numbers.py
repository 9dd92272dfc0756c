"""Random numbers in programs that XLA compiles for a CPU.

XLA's own choice takes 19 ns a number there, ThreeFry 1 ns, since its loop becomes one of vectors
(Salmon et al. 2011, Parallel Random Numbers: As Easy as 1, 2, 3). TensorFlow has it, but Keras'
layers cannot name it.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from tensorflow.python.ops import random_ops_util

UNNAMED = (None, "auto_select")  # algorithms
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

by_threefry = ContextVar("by_threefry", default=False)  # threads trace programs at the same time
choose_algorithm = random_ops_util.get_key_counter_alg


def choose_threefry(seed: Any, algorithm: Any) -> Any:
    """Replace a function of TensorFlow that all its random operations call."""
    if by_threefry.get() and algorithm in UNNAMED:
        algorithm = "threefry"
    return choose_algorithm(seed, algorithm)


random_ops_util.get_key_counter_alg = choose_threefry


def threefry(trace: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Return a function that traces the same operations, but with random numbers by ThreeFry."""

    @wraps(trace)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        token = by_threefry.set(True)
        try:
            return trace(*args, **kwargs)
        finally:
            by_threefry.reset(token)

    return wrapped
