"""The devices of the settings train, or a line says why not."""

import json
import os
import subprocess
from pathlib import Path

import keras
import pandas as pd
import pytest
import tensorflow as tf
from conftest import ROOT, dataset_config, prepare, run_in
from trainings import refusal

from fathom.artifacts.problem import Problem
from fathom.train.devices import make_strategy, start_tensorflow, visible_devices
from fathom.train.programs import choose_xla


@pytest.mark.parametrize(
    ("gpus", "scheduler", "expected"),
    [
        ([], None, "-1"),
        ([], "0,1", "-1"),
        ([0], None, "0"),
        ([2, 0], None, "2,0"),
        ([0], "3", "3"),
        ([1], "3,5", "5"),
        ([1, 0], "3,5", "5,3"),
        ([1], "GPU-aa,GPU-bb", "GPU-bb"),
    ],
)
def test_visible_devices(
    workspace: Path, gpus: list[int], scheduler: str | None, expected: str
) -> None:
    environment = {} if scheduler is None else {"CUDA_VISIBLE_DEVICES": scheduler}
    config = dataset_config("digits", f"gpus={gpus}")
    assert visible_devices(config, gpus, environment) == expected


@pytest.mark.parametrize(
    ("gpus", "scheduler", "left"),
    [
        ([1], "3", "the GPUs [0]"),
        ([0, 2], "3,5", "the GPUs [0, 1]"),
        ([0], "", "no GPU; set gpus to [] for the CPU"),
        ([0], "-1", "no GPU; set gpus to [] for the CPU"),
    ],
)
def test_more_than_the_scheduler_leaves(
    workspace: Path, gpus: list[int], scheduler: str, left: str
) -> None:
    config = dataset_config("digits", f"gpus={gpus}")
    environment = {"CUDA_VISIBLE_DEVICES": scheduler}
    assert refusal(visible_devices, config, gpus, environment) == (
        f"command line: gpus: {gpus} are not all available; "
        f"CUDA_VISIBLE_DEVICES={scheduler} leaves {left}"
    )


def test_gpus_of_params_are_refused_by_its_name(workspace: Path) -> None:
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("gpus: auto", "gpus: [0, 1]"))
    environment = {"CUDA_VISIBLE_DEVICES": "7"}
    assert refusal(visible_devices, dataset_config("digits"), [0, 1], environment) == (
        "params.yaml: gpus: [0, 1] are not all available; CUDA_VISIBLE_DEVICES=7 leaves "
        "the GPUs [0]"
    )


@pytest.mark.parametrize("gpus", ["first", "0", "[-1]", "[0.5]", "null"])
def test_what_gpus_may_be(workspace: Path, gpus: str) -> None:
    shown = {"first": "'first'", "null": "None"}.get(gpus, gpus)
    assert refusal(dataset_config, "digits", f"gpus={gpus}") == (
        f"command line: gpus: must be auto or a list of GPU numbers such as [0, 1], not {shown}"
    )


def test_no_gpu_is_named_twice(workspace: Path) -> None:
    message = refusal(dataset_config, "digits", "gpus=[1,1]")
    assert message == "command line: gpus: must not name 1 twice"


@pytest.mark.parametrize("devices", [[], ["CPU:0"]])
def test_one_device_needs_no_mirrors(devices: list[str]) -> None:
    assert make_strategy(devices) is tf.distribute.get_strategy()


def test_fewer_gpus_than_asked_for(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "")  # set in what follows: undone behind it
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _kind: [])
    counted = subprocess.CompletedProcess(["python"], 0, stdout="2\n", stderr="")
    monkeypatch.setattr("fathom.train.devices.subprocess.run", lambda *_, **__: counted)
    assert refusal(start_tensorflow, dataset_config("digits", "gpus=[0,2]")) == (
        "command line: gpus: [0, 2] are not all available; TensorFlow finds the GPUs [0, 1]"
    )
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,2"


FAST = "1,500 steps of operations that XLA is fast at"


@pytest.mark.parametrize(
    ("kind", "deterministic", "xla", "reason"),
    [
        ("StatelessRandomUniformV2", True, True, FAST),
        ("Conv2D", True, False, "Conv2D may not be deterministic in XLA on a GPU"),
        ("Conv2D", False, True, FAST),
    ],
)
def test_rule_for_xla_on_a_gpu(
    monkeypatch: pytest.MonkeyPatch, kind: str, deterministic: bool, xla: bool, reason: str
) -> None:
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda _: ["GPU:0"])
    inputs = keras.Input([2])
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    assert choose_xla(model, ["MatMul", kind], 1_500, deterministic) == (xla, reason)


@pytest.mark.slow
def test_gpu_that_is_not_there(workspace: Path) -> None:
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there is a GPU")
    script = str(ROOT / "src" / "train.py")
    command = ["env", "-u", "CUDA_VISIBLE_DEVICES", "python", script]
    done = run_in(workspace, *command, "dataset=digits", "model=mlp", "gpus=[0]", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "train.py: command line: gpus: [0] are not all available; TensorFlow finds no GPU; "
        "set gpus to [] for the CPU\n"
    )


NO_CLIPNORM = "train.optimizer.clipnorm=null"
MIRRORED = """
import json, sys
import tensorflow as tf
cpu = tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [cpu, cpu])
from conftest import network_config
from fathom.artifacts.problem import Problem
from fathom.train.devices import make_strategy
from fathom.train.train import train

losses = {}
strategies = [make_strategy(["CPU:0"]), make_strategy(["CPU:0", "CPU:1"])]
assert [chosen.num_replicas_in_sync for chosen in strategies] == [1, 2]
for dataset, model, *overrides in json.loads(sys.argv[1]):
    for chosen in strategies:
        trained = train(network_config(dataset, model, *overrides), chosen)
        auxiliary = "aux_output_loss" in trained.history
        assert auxiliary == (model == "wide_deep")
        found = trained.history[["loss", "val_loss"]].values.tolist()
        losses.setdefault(f"{dataset} {model}", []).append(found)
print(json.dumps(losses))
"""


@pytest.mark.slow
def test_two_replicas_train_as_one(workspace: Path) -> None:
    runs = [
        # Keras clips each replica's gradient before it sums them: clipped, the two differ.
        ("digits", "mlp", "model.dropout=0.0", NO_CLIPNORM, "train.repeats=2"),
        ("california_housing", "wide_deep", "model.deep.dropout=0.0", NO_CLIPNORM),
    ]
    prepare(workspace, ["digits", "california_housing"], "split.test=0.5", "split.valid=0.301")
    assert Problem.read("digits").rows["valid"] == 541  # 271 and 270 for each replica
    paths = f"PYTHONPATH={ROOT / 'src'}:{ROOT / 'tests'}"
    done = run_in(workspace, "env", paths, "python", "-c", MIRRORED, json.dumps(runs))
    losses = json.loads(done.stdout.splitlines()[-1])
    assert len(losses) == len(runs)
    for one, two in losses.values():
        assert two == [pytest.approx(losses, rel=1e-4) for losses in one]


@pytest.mark.slow
@pytest.mark.parametrize("gpus", [[0], [0, 1]])
def test_gpus_train_as_the_cpu(workspace: Path, gpus: list[int]) -> None:
    if len(tf.config.list_physical_devices("GPU")) < len(gpus):
        pytest.skip(f"needs {len(gpus)} GPU")
    prepare(workspace, ["digits"], "split.test=0.5", "split.valid=0.3")
    chosen = ["dataset=digits", "model=mlp", "train.epochs=3", "train.repeats=1"]
    chosen += ["model.dropout=0.0", NO_CLIPNORM, "train.engine=fit"]
    histories = []
    for given in ([], gpus):
        command = ["env", "-u", "CUDA_VISIBLE_DEVICES", "python", str(ROOT / "src" / "train.py")]
        run_in(workspace, *command, *chosen, f"gpus={given}")
        histories.append(pd.read_csv("models/digits/mlp/history.csv")[["loss", "val_loss"]])
    on_cpu, on_gpus = histories
    # GPUs multiply with 10 bits of the mantissa.
    pd.testing.assert_frame_equal(on_gpus, on_cpu, rtol=1e-2)


FREE = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
from fathom.settings import compose
compose.end_process = lambda: None
stages = ["download", "split", "check", "scale", "baseline"]
for stage, dataset in [("download", "california_housing"), *((s, "diabetes") for s in stages)]:
    sys.argv = [f"{stage}.py", f"dataset={dataset}"]
    runpy.run_path(f"{sys.path[0]}/{stage}.py", run_name="__main__")
runpy.run_path(f"{sys.path[0]}/report.py")
print([name for name in ("tensorflow", "keras", "shapiq") if name in sys.modules])
"""


@pytest.mark.slow
def test_stages_without_a_network_leave_tensorflow_alone(workspace: Path) -> None:
    command = ["env", "OMP_NUM_THREADS=1", "python", "-c", FREE, str(ROOT / "src")]
    done = run_in(workspace, *command)
    assert Path("data/checks/diabetes.json").exists()
    assert Path("metrics/diabetes/baseline.json").exists()
    assert done.stdout.splitlines()[-1] == "[]"
