"""Files that hold a model: Keras' own, SavedModel and ONNX, and the checksums of all."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import keras
import onnx
import tensorflow as tf
import tf2onnx

from fathom.base.files import write_text

KERAS = "model.keras"
SAVED_MODEL = "saved_model"
ONNX = "model.onnx"
CHECKSUMS = "SHA256SUMS"
OPSET = 18  # of ONNX: the highest that tf2onnx 1.17 knows


def write_saved_model(model: keras.Model, folder: Path) -> None:
    """Write a SavedModel whose `serving_default` takes and gives tensors by the model's names."""
    with quiet():
        model.export(
            folder, format="tf_saved_model", verbose=False, input_signature=[tensor_specs(model)]
        )


def tensor_specs(model: keras.Model) -> dict[str, tf.TensorSpec]:
    """Return what the model's inputs are, by their names, for any number of rows."""
    return {t.name: tf.TensorSpec(t.shape, t.dtype, t.name) for t in model.inputs}


def write_onnx(model: keras.Model, file: Path) -> str | None:
    """Write an ONNX file with the model's inputs and outputs.

    tf2onnx knows no tables of texts: those of the model become ONNX's own operator for them,
    `LabelEncoder`, in front of what it converts.

    Returns:
        None, or why the model cannot be converted.
    """
    tables = {
        layer.input.name: layer
        for layer in model.layers
        if isinstance(layer, keras.layers.StringLookup)
    }
    given = {tensor.name: tensor for tensor in model.inputs}
    given |= {name: table.output for name, table in tables.items()}
    rest = keras.Model(list(given.values()), model.output)
    codes = {name: f"{name}_code" if name in tables else name for name in given}

    def program(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        found: dict[str, tf.Tensor] = rest(list(tensors), training=False)
        return found

    signature = [tf.TensorSpec(t.shape, t.dtype, codes[name]) for name, t in given.items()]
    with quiet():
        try:
            converted, _ = tf2onnx.convert.from_function(
                tf.function(program, autograph=False), signature, opset=OPSET
            )
            for name, table in tables.items():
                look_up(converted, name, codes[name], table.get_vocabulary())
            onnx.checker.check_model(converted, full_check=True)
        except (ValueError, NotImplementedError, onnx.checker.ValidationError) as error:
            return " ".join(str(error).split())
    file.write_bytes(converted.SerializeToString(deterministic=True))
    return None


def look_up(converted: onnx.ModelProto, text: str, code: str, vocabulary: list[str]) -> None:
    """Have a converted model take texts where it takes codes, 0 for those not in a vocabulary
    whose first entry stands for them.
    """
    known = vocabulary[1:]
    node = onnx.helper.make_node(
        "LabelEncoder",
        [text],
        [code],
        domain="ai.onnx.ml",
        keys_strings=known,
        values_int64s=list(range(1, len(known) + 1)),
        default_int64=0,
    )
    graph = converted.graph
    place = [value.name for value in graph.input].index(code)
    texts = onnx.helper.make_tensor_value_info(text, onnx.TensorProto.STRING, [None])
    graph.input[place].CopyFrom(texts)
    graph.node.insert(0, node)
    if "ai.onnx.ml" not in [opset.domain for opset in converted.opset_import]:
        converted.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 2))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep to ourselves what TensorFlow and its converters tell of their work."""
    loggers = [logging.getLogger(name) for name in ("tensorflow", "tf2onnx", "absl")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def write_checksums(folder: Path) -> None:
    """Write the SHA-256 of every file in a folder, as `sha256sum` prints and checks them."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    lines = [f"{sha256(file)}  {file.relative_to(folder).as_posix()}\n" for file in files]
    write_text(folder / CHECKSUMS, "".join(lines))


def sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
