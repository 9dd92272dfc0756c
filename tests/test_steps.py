"""Batch size and epochs that follow from the number of training rows."""

import pytest
from conftest import network_config
from networks import make_problem

from fathom.train.steps import batch_size, number_of_epochs, steps_of_epoch, weight_decay


@pytest.mark.parametrize(
    ("rows", "size", "steps", "epochs"),
    [
        (1, 16, 1, 100),
        (224, 16, 14, 100),  # a table of 398 rows
        (2_350, 64, 37, 100),
        (11_610, 256, 46, 100),
        (30_341, 256, 119, 67),
        (1_000_000, 256, 3_907, 20),
    ],
)
def test_numbers_follow_from_the_rows(
    workspace: None, rows: int, size: int, steps: int, epochs: int
) -> None:
    settings = network_config("digits", "mlp", "train.batch_size=auto", "train.epochs=auto").train
    assert batch_size(settings, rows) == size
    assert steps_of_epoch(settings, rows) == steps
    assert number_of_epochs(settings, rows) == epochs


def test_weights_shrink_within_as_many_epochs(workspace: None) -> None:
    settings = network_config("digits", "mlp", "train.batch_size=auto").train
    table = make_problem("california_housing")
    decays = [
        weight_decay(settings, table.model_copy(update={"rows": {"train": rows}}), rate=0.002)
        for rows in (320, 32_000)
    ]
    assert decays == pytest.approx([1 / (0.002 * 20 * 10), 1 / (0.002 * 125 * 10)])
    assert weight_decay(settings, make_problem("digits"), rate=0.002) == 0.3


def test_settings_come_first(workspace: None) -> None:
    settings = network_config("digits", "mlp", "train.batch_size=100", "train.epochs=7").train
    assert (steps_of_epoch(settings, 1_001), number_of_epochs(settings, 1_001)) == (11, 7)
