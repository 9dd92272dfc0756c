"""Settings of trainings on a Ray cluster, and the share of a worker, without a cluster."""

import importlib.util
import socket
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import network_config
from trainings import ENGINE, ray_installed, ray_refusal, refusal

from fathom.train.ray.shares import Share
from fathom.train.runs import train_run


@pytest.mark.parametrize(("package", "name"), [("ray", "Ray"), ("jax", "JAX")])
def test_not_installed(
    trainable: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == package else find(name, *more),
    )
    assert ray_refusal() == (
        f"command line: train.engine: {name} is not installed: `make setup RAY=1`, or "
        "`python -m pip install --require-hashes -r requirements-ray.txt`"
    )


@ray_installed
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "train.xla=false",
            "train.xla: train.engine ray trains on JAX, which always compiles with XLA; set it to "
            "auto",
        ),
        (
            "gpus=[0,1]",
            "gpus: train.engine ray uses the GPUs of train.ray.resources; set it to auto",
        ),
    ],
)
def test_settings_of_tensorflow_alone(trainable: Path, setting: str, message: str) -> None:
    assert ray_refusal(setting) == f"command line: {message}"


@ray_installed
def test_nobody_there(trainable: Path) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    assert ray_refusal(f"train.ray.address={address}") == (
        f"command line: train.ray.address: {address}: [Errno 111] Connection refused"
    )


def test_for_the_stage_alone(trainable: Path) -> None:
    trainer: Any = SimpleNamespace(model=None, config=network_config("digits", "mlp", ENGINE))
    assert refusal(train_run, trainer, 42, None, []) == (
        "command line: train.engine: only the stage train trains with ray; set it to fit"
    )


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("devices", [1, 2])  # of each
@pytest.mark.parametrize("sizes", [{32, 31}, {32}, {7}, {3, 1}, {5, 6, 7, 8}])
def test_shares(processes: int, devices: int, sizes: set[int]) -> None:
    shares = [
        Share(
            sizes,
            SimpleNamespace(
                num_model_replicas=processes * devices, num_processes=processes, data_shard_id=place
            ),
        )
        for place in range(processes)
    ]
    step = shares[0].without_padding(lambda state, batch: batch)
    for size in sizes:
        batch = np.random.default_rng(0).permutation(size).astype(np.int32)
        found = [share.rows_of(batch) for share in shares]
        assert len({len(part) for part in found}) == 1
        assert len(found[0]) % devices == 0
        inputs, weights = step(None, (np.concatenate(found), None))
        np.testing.assert_array_equal(inputs, batch)
        assert weights is None
