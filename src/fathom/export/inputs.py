"""The inputs of a network in words."""

from fathom.evaluate.formatting import join_words
from fathom.scale.encoder import Encoder


def describe_inputs(dataset: str) -> str:
    """Return how many raw columns of a table predict: "8 numbers and 1 category".

    Indicators of missing values and parts of dates are features, but no columns.
    """
    encoder = Encoder.read(dataset)
    ordinals = {ordinal.column for ordinal in encoder.ordinals}
    parts = {name for date in encoder.dates for name in date.names}
    counts = {
        ("number", "numbers"): len({n.column for n in encoder.numbers} - ordinals - parts),
        ("category", "categories"): len(
            {category.column for category in encoder.categories} - parts | ordinals
        ),
        ("date", "dates"): len(encoder.dates),
    }
    texts = [
        f"{count:,} {one if count == 1 else several}"
        for (one, several), count in counts.items()
        if count
    ]
    return join_words(texts)
