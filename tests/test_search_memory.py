"""How much of a data set the trials of a search keep in memory."""

from pathlib import Path

import tensorflow as tf
from conftest import network_config

from fathom.search.trainer_pool import TrainerPool
from fathom.search.trial import TrialDatasets
from fathom.train.build import build


def test_scaled_rows_take_no_more_than_the_memory_for_rows(trainable: Path) -> None:
    datasets = TrialDatasets()
    values = 1797 * 64  # of digits, in six copies of four bytes
    memory = f"train.memory={3.5 * 6 * 4 * values / 2**30}"
    configs = [
        network_config("digits", "mlp", memory, f"scale.clip={clip}") for clip in (1, 2, 3, 4)
    ]
    first, second, third = (datasets.get(config, None) for config in configs[:3])
    assert datasets.get(configs[0], None) is first
    datasets.get(configs[3], None)  # the second one was used before all others
    assert len(datasets.cache) == 3
    assert datasets.get(configs[0], None) is first
    assert datasets.get(configs[2], None) is third
    assert datasets.get(configs[1], None) is not second
    datasets.get(network_config("digits", "mlp", "train.memory=0.000001"), None)
    assert len(datasets.cache) == 1


def test_batch_sizes_share_rows_in_memory(trainable: Path) -> None:
    pool, datasets = TrainerPool(tf.distribute.get_strategy()), TrialDatasets()
    configs = [network_config("digits", "mlp", f"train.batch_size={size}") for size in (64, 128)]
    data = datasets.get(configs[0], None)[0]
    model = build(configs[0], data.scaled.problem)
    first, second = (pool.feeds(model, config, data) for config in configs)
    assert first is second
    on_disk = [
        network_config("digits", "mlp", f"train.batch_size={size}", "train.memory=0.0004")
        for size in (64, 128)
    ]
    windows = [pool.feeds(model, config, data)[0].window_rows for config in on_disk]
    assert windows[0] != windows[1]
    for number in range(9):
        config = network_config("digits", "mlp", f"train.memory={1 + number}")
        pool.feeds(model, config, data)
    assert len(data.feeds) == 4
