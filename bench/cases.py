"""What is timed: networks of the project on data sets of the project."""

from dataclasses import dataclass

BOOK = ("dataset=california_housing", "model=wide_deep", "experiment=book_wide_deep")
FASHION = ("dataset=fashion_mnist", "model=mlp", "train.batch_size=32")

TORCH = ("PyTorch", "PyTorch, 1 thread")
OTHERS = (*TORCH, "scikit-learn")


@dataclass(frozen=True)
class Case:
    """A network on a data set.

    `overrides` are those of a stage's command line. Each row is there `times` times. `others` can
    train the same network: scikit-learn knows plain ReLU networks alone, PyTorch has no FTRL, and
    dropout draws other numbers in each library.
    """

    title: str
    overrides: tuple[str, ...]
    times: int = 1
    others: tuple[str, ...] = ()


CASES = (
    Case("The book's Wide & Deep, California", BOOK, 1, TORCH),
    Case("The book's Wide & Deep, California × 10", BOOK, 10, TORCH),
    Case("The book's Wide & Deep, California × 100", BOOK, 100, TORCH),
    Case("Wide & Deep with crosses, California", ("dataset=california_housing", "model=wide_deep")),
    Case(
        "The book's MLP, California",
        ("dataset=california_housing", "model=mlp", "experiment=book_mlp"),
        others=OTHERS,
    ),
    Case(
        "20-layer SELU network, California",
        ("dataset=california_housing", "model=selu", "train.batch_size=32"),
        others=TORCH,
    ),
    Case(
        "MLP without dropout, Fashion-MNIST",
        (*FASHION, "model.dropout=0.0"),
        others=OTHERS,
    ),
    Case("MLP with dropout, Fashion-MNIST", FASHION),
)
