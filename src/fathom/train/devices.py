"""Which devices train: chosen before TensorFlow starts, because it does not let go of one."""

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
from pathlib import Path

COUNT_GPUS = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"


def start_tensorflow(config: Config) -> "tf.distribute.Strategy":
    """Import TensorFlow with the GPUs asked for and no others.

    Args:
        config: `gpus` is "auto" for the first GPU, or the CPU where there is none; or the numbers
            of GPUs in the order of their PCI bus, of those that CUDA_VISIBLE_DEVICES leaves if
            it is set.

    Returns:
        The strategy to train under: `MirroredStrategy` for several GPUs.

    Raises:
        FathomError: a GPU is not there; the line names those that are.
    """
    gpus, asked = config.gpus, dict(os.environ)
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    if gpus != "auto":
        os.environ["CUDA_VISIBLE_DEVICES"] = visible_devices(config, gpus, asked)
    tf = import_quietly()
    found = tf.config.list_physical_devices("GPU")
    if gpus == "auto":
        found = found[:1]
        tf.config.set_visible_devices(found, "GPU")
    elif len(found) != len(gpus):
        raise not_there(config, gpus_there(asked))
    for device in found:
        tf.config.experimental.set_memory_growth(device, True)
    return strategy([f"GPU:{index}" for index in range(len(found))])


def start_on_cpu() -> None:
    """Import TensorFlow for work that no GPU is needed for."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    import_quietly()


def strategy(devices: list[str]) -> "tf.distribute.Strategy":
    """Return `MirroredStrategy` for several devices, TensorFlow's default for one or none."""
    import tensorflow as tf

    if len(devices) > 1:
        return tf.distribute.MirroredStrategy(devices)
    return tf.distribute.get_strategy()


def visible_devices(config: Config, gpus: list[int], environment: dict[str, str]) -> str:
    """Return CUDA_VISIBLE_DEVICES for these GPUs, of those that the environment leaves."""
    if not gpus:
        return "-1"
    left = environment.get("CUDA_VISIBLE_DEVICES")
    if left is None:
        return ",".join(map(str, gpus))
    names = [name for name in left.split(",") if name not in ("", "-1")]
    if max(gpus) >= len(names):
        raise not_there(config, f"CUDA_VISIBLE_DEVICES={left} leaves {counted(len(names))}")
    return ",".join(names[gpu] for gpu in gpus)


def not_there(config: Config, reason: str) -> FathomError:
    file, key = config.origins.of(("gpus",))
    return FathomError(f"{file}: {key}: {config.gpus} cannot all be had; {reason}")


def gpus_there(environment: dict[str, str]) -> str:
    """Say which GPUs TensorFlow finds when it may use all; this process no longer can."""
    found = subprocess.run(
        [sys.executable, "-c", COUNT_GPUS], env=environment, capture_output=True, text=True
    )
    count = int(found.stdout) if found.returncode == 0 else 0
    return f"TensorFlow finds {counted(count)}"


def counted(gpus: int) -> str:
    return f"the GPUs {list(range(gpus))}" if gpus else "no GPU; set gpus to [] for the CPU"


def import_quietly() -> "tf":
    """Import TensorFlow and Keras without TensorFlow's greeting, which comes before it heeds its
    log level.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    gc.disable()  # searching a million lasting objects for garbage takes a third of the time
    with tempfile.TemporaryFile() as greeting:
        os.dup2(greeting.fileno(), 2)
        try:
            import keras  # noqa: F401
            import tensorflow
        except BaseException:
            greeting.seek(0)
            os.write(kept, greeting.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            gc.freeze()
            gc.enable()
    return tensorflow


def cores() -> int:
    """Return how many of the processor's cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def device_names() -> list[str]:
    """Return the models of the GPUs in use, or "CPU"."""
    import tensorflow as tf

    details = tf.config.experimental.get_device_details
    gpus = [str(details(gpu).get("device_name")) for gpu in tf.config.get_visible_devices("GPU")]
    return gpus or ["CPU"]


GIB = 2**30


TENSORFLOW = 1.25  # GiB that it takes by itself, with a network and its programs


LEAST = 0.1  # GiB for rows


CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")  # of a container


def memory_for_rows(config: Config) -> float:
    """Return how many GiB rows may take: `train.memory`, or what `memory_limit` leaves of it.

    Raises:
        FathomError: it leaves nothing.
    """
    if config.memory_limit == "auto":
        return min(config.train.memory, max(machine_memory() / 2 - TENSORFLOW, LEAST))
    left = config.memory_limit - TENSORFLOW
    if left < LEAST:
        file, key = config.origins.of(("memory_limit",))
        raise FathomError(
            f"{file}: {key}: {config.memory_limit:g} GiB leave none for the rows of a training, "
            f"since TensorFlow takes {TENSORFLOW} by itself; set it to 2 or more"
        )
    return min(config.train.memory, left)


def machine_memory() -> float:
    """Return how many GiB this machine has, or this container may take of it."""
    every = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    allowed = CONTROL_GROUP.read_text() if CONTROL_GROUP.is_file() else "max"
    return (every if allowed.strip() == "max" else min(every, int(allowed))) / GIB
