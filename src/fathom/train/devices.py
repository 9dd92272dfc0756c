"""Devices of a training.

TensorFlow keeps every device that it has once seen, so GPUs are chosen before it is imported.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from fathom.base.errors import FathomError
from fathom.settings.config import Config

if TYPE_CHECKING:
    import tensorflow as tf

COUNT_GPUS = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
UNUSED = ("jax", "matplotlib", "sklearn")  # Keras and TensorFlow import them if they are there
# Keras' own, in whose order a wrong one is named: the last follows from the first. None: no limit.
KERAS_SETTINGS = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "max_epochs": None,
    "max_steps_per_epoch": None,
    "dtype_policy": "float32",
}


def start_tensorflow(config: Config) -> tf.distribute.Strategy:
    """Import TensorFlow with the GPUs of the settings and no others.

    Args:
        config: `gpus` is "auto" for the first GPU, or the CPU if there is none; or the numbers
            of GPUs in the order of their PCI bus, among those in CUDA_VISIBLE_DEVICES if it is
            set.

    Returns:
        The strategy to train under: `MirroredStrategy` for several GPUs.

    Raises:
        FathomError: a GPU does not exist; the line names those that do.
    """
    gpus, environment = config.gpus, dict(os.environ)
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    # The order of sums in a matrix product follows from the number of threads, so it is that of the
    # machine's cores, also if this process may use fewer. On one of 2 cores that costs 2 % of time.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(os.cpu_count() or 1))
    if gpus != "auto":
        os.environ["CUDA_VISIBLE_DEVICES"] = visible_devices(config, gpus, environment)
    tf = import_quietly()
    check_keras()
    devices = tf.config.list_physical_devices("GPU")
    if gpus == "auto":
        devices = devices[:1]
        tf.config.set_visible_devices(devices, "GPU")
    elif len(devices) != len(gpus):
        raise missing_gpus(config, "TensorFlow finds", count_gpus(environment))
    for device in devices:
        tf.config.experimental.set_memory_growth(device, True)
    return make_strategy([f"GPU:{index}" for index in range(len(devices))])


def start_on_cpu() -> None:
    """Import TensorFlow for work that needs no GPU."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    import_quietly()
    check_keras()


def make_strategy(devices: list[str]) -> tf.distribute.Strategy:
    """Return `MirroredStrategy` for several devices, TensorFlow's default for one or none."""
    import tensorflow as tf

    if len(devices) > 1:
        return tf.distribute.MirroredStrategy(devices)
    return tf.distribute.get_strategy()


def visible_devices(config: Config, gpus: list[int], environment: dict[str, str]) -> str:
    """Return CUDA_VISIBLE_DEVICES for these GPUs, among those that the environment allows."""
    if not gpus:
        return "-1"
    allowed = environment.get("CUDA_VISIBLE_DEVICES")
    if allowed is None:
        return ",".join(map(str, gpus))
    names = [name for name in allowed.split(",") if name not in ("", "-1")]
    if max(gpus) >= len(names):
        raise missing_gpus(config, f"CUDA_VISIBLE_DEVICES={allowed} leaves", len(names))
    return ",".join(names[gpu] for gpu in gpus)


def missing_gpus(config: Config, found_by: str, count: int) -> FathomError:
    gpus_found = f"the GPUs {list(range(count))}" if count else "no GPU; set gpus to [] for the CPU"
    text = f"{config.gpus} are not all available; {found_by} {gpus_found}"
    return config.origins.error(("gpus",), text)


def count_gpus(environment: dict[str, str]) -> int:
    """Return how many GPUs TensorFlow finds in a new process, which may use all of them."""
    process = subprocess.run(
        [sys.executable, "-c", COUNT_GPUS], env=environment, capture_output=True, text=True
    )
    return int(process.stdout) if process.returncode == 0 else 0


def import_quietly() -> tf:
    """Import TensorFlow and Keras without the lines that TensorFlow prints before it reads its
    log level, and without packages that only Keras' wrappers and galleries need: they take a
    quarter of the time. Later imports find these packages.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    gc.disable()  # the garbage collector takes a third of the time and finds nothing
    hidden = [name for name in UNUSED if name not in sys.modules]
    sys.modules |= dict.fromkeys(hidden)  # type: ignore[arg-type] # None: an ImportError
    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 2)
        try:
            import keras  # noqa: F401
            import tensorflow
        except BaseException:
            output.seek(0)
            os.write(stderr, output.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            for name in hidden:
                del sys.modules[name]
            gc.freeze()
            gc.enable()
    return tensorflow


def check_keras() -> None:
    """Refuse settings of Keras in this process that would change networks.

    `keras.json`, `KERAS_*` or code of the user may have set them before `fathom.sklearn` is called.

    Raises:
        FathomError: Keras does not run on TensorFlow, or one of `KERAS_SETTINGS` differs.
    """
    import keras

    if (backend := keras.config.backend()) != "tensorflow":
        raise FathomError(
            f"Keras runs on {backend} in this process, but Fathom needs TensorFlow: set "
            "KERAS_BACKEND=tensorflow before anything imports Keras"
        )
    for setting, value in KERAS_SETTINGS.items():
        found = getattr(keras.config, setting)()
        found = getattr(found, "name", found)
        if found != value:
            raise FathomError(
                f"Keras' {setting} is {found!r} in this process, but Fathom needs {value!r}: call "
                f"keras.config.set_{setting}({value!r}) first"
            )


def device_names() -> list[str]:
    """Return the models of the GPUs in use, or "CPU"."""
    import tensorflow as tf

    details = tf.config.experimental.get_device_details
    gpus = [str(details(gpu).get("device_name")) for gpu in tf.config.get_visible_devices("GPU")]
    return gpus or ["CPU"]
