"""File formats of an exported model beside Keras' own: SavedModel and ONNX."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import onnxruntime
import tensorflow as tf

if TYPE_CHECKING:
    import onnx

NO_COPIES = "TF2ONNX_CATCH_ERRORS"  # tf2onnx catches none if it is set, to whatever
OPSET = 18  # of ONNX: the highest of tf2onnx 1.17


def write_saved_model(model: keras.Model, folder: Path) -> None:
    """Write a SavedModel: the same model gives the same bytes, in processes of their own."""
    archive = keras.export.ExportArchive()
    with quiet():
        serve = archive.track_and_add_endpoint("serve", model, [tensor_specs(model)])
        # TensorFlow lists a function's variables in the order of their addresses in memory.
        places = {id(variable.value): place for place, variable in enumerate(model.variables)}
        graph = serve.get_concrete_function().graph
        graph.variables = sorted(graph.variables, key=lambda v: places.get(id(v), len(places)))
        archive.write_out(folder, verbose=False)
    (folder / "fingerprint.pb").unlink()  # a random number, which nobody needs to load the model


def tensor_specs(model: keras.Model) -> dict[str, tf.TensorSpec]:
    return {t.name: tf.TensorSpec(t.shape, t.dtype, t.name) for t in model.inputs}


def write_onnx(model: keras.Model, file: Path) -> str | None:
    """Write an ONNX file, or return why the model cannot be converted.

    tf2onnx cannot convert `StringLookup`: these layers become ONNX's own operator `LabelEncoder`
    before the converted model.
    """
    import onnx

    from fathom.export.canonical_onnx import canonicalize

    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.StringLookup)]
    lookups = {layer.input.name: layer for layer in layers}
    inputs = {tensor.name: tensor for tensor in model.inputs}
    inputs |= {name: lookup.output for name, lookup in lookups.items()}
    rest = keras.Model(list(inputs.values()), model.output)
    names = {name: f"{name}_code" if name in lookups else name for name in inputs}
    signature = [tf.TensorSpec(t.shape, t.dtype, names[name]) for name, t in inputs.items()]
    with quiet():
        try:
            predict = tf.function(
                lambda *tensors: rest(list(tensors), training=False), autograph=False
            )
            converted = convert(predict, signature)
            for name, lookup in lookups.items():
                add_label_encoder(converted, name, names[name], lookup.get_vocabulary()[1:])
            canonicalize(converted.graph)
            onnx.checker.check_model(converted, full_check=True)
            content = converted.SerializeToString(deterministic=True)
            check_session(content)
        except (ValueError, NotImplementedError, onnx.checker.ValidationError) as error:
            return " ".join(str(error).split())
    file.write_bytes(content)
    return None


def check_session(content: bytes) -> None:
    """Raise ValueError if ONNX Runtime cannot run a model: operators lack some types of tensors."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # it raises ten classes of its own, which share no other
        raise ValueError(f"ONNX Runtime: {error}") from error


def convert(predict: Callable[..., Any], signature: list[tf.TensorSpec]) -> onnx.ModelProto:
    """Convert a function by tf2onnx.

    tf2onnx copies the graph before each of its optimizers, in case one fails, which takes a third
    of the time. It does so here only after one has failed.
    """
    import tf2onnx

    def converted() -> onnx.ModelProto:
        model: onnx.ModelProto
        model, _ = tf2onnx.convert.from_function(predict, signature, opset=OPSET)
        return model

    os.environ[NO_COPIES] = "1"
    try:
        return converted()
    except Exception:  # an optimizer raises anything
        del os.environ[NO_COPIES]
        return converted()
    finally:
        os.environ.pop(NO_COPIES, None)


def add_label_encoder(converted: onnx.ModelProto, text: str, code: str, known: list[str]) -> None:
    """Replace the input `code` by the input `text`: known texts have codes from 1, others 0."""
    import onnx

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
    """Suppress logs and output of TensorFlow and its converters."""
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)
