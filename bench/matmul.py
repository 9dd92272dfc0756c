"""An epoch's matrix products and nothing else: what no training on this processor can undercut."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from prepared import Facts, Layer
from turns import take_turns

Product = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def main() -> None:
    facts = Facts.read()
    full, rest = divmod(facts.rows, facts.batch_size)
    batch = list(products(facts.layers, facts.batch_size))
    last = list(products(facts.layers, rest)) if rest else []

    def epoch() -> float:
        for _ in range(full):
            for a, b, out in batch:
                np.matmul(a, b, out=out)
        for a, b, out in last:
            np.matmul(a, b, out=out)
        return 0.0

    take_turns(epoch)


def products(layers: list[Layer], rows: int) -> Iterator[Product]:
    """Return the factors, and room for the result, of each layer's outputs, of the gradient of
    its weights and of that of its inputs.
    """
    random = np.random.default_rng(0)
    for layer in layers:
        x, kernel, gradient = (
            random.standard_normal(shape, np.float32)
            for shape in ((rows, layer.shape[0]), layer.shape, (rows, layer.shape[1]))
        )
        factors = [(x, kernel), (x.T, gradient)]
        if layer.input_gradient:
            factors.append((gradient, kernel.T))
        for a, b in factors:
            yield a, b, np.empty((len(a), b.shape[1]), np.float32)


if __name__ == "__main__":
    main()
