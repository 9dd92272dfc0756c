"""What a layer is in few words, how many weights it has, and what shape comes out of it.

All of it is told by the layer's own part of a network's `config.json`.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

# Kinds whose output has the shape of their (first) input, and which have no weights.
ALIKE = (
    "Activation", "ActivityRegularization", "Add", "AlphaDropout", "Average", "Cast", "Dropout",
    "ELU", "GaussianDropout", "GaussianNoise", "Identity", "LeakyReLU", "Maximum", "Minimum",
    "Multiply", "ReLU", "Rescaling", "Softmax", "SpatialDropout1D", "SpatialDropout2D", "Subtract",
)  # fmt: skip
# Kinds that reckon nothing: they lay numbers out in another way.
RESHAPING = (
    "Cropping1D", "Cropping2D", "ExpandDims", "Flatten", "GetItem", "Permute", "RepeatVector",
    "Reshape", "Squeeze", "Transpose", "UpSampling1D", "UpSampling2D", "ZeroPadding1D",
    "ZeroPadding2D",
)  # fmt: skip
WEIGHTLESS = (
    *ALIKE, *RESHAPING, "AveragePooling1D", "AveragePooling2D", "Concatenate", "Dot",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D",
    "InputLayer", "MaxPooling1D", "MaxPooling2D",
)  # fmt: skip
SETTINGS = (
    "units", "filters", "output_shape", "kernel_size", "pool_size", "target_shape", "rate",
    "activation",
)  # fmt: skip

Shape = list[int | None]


@dataclass(frozen=True)
class Layer:
    """A layer as `config.json` describes it; `input_shape` is that of its first input, if told.

    An operation is a function of `keras.ops`, which has no weights.
    """

    kind: str
    operation: bool
    name: str
    config: dict[str, Any]
    input_shape: Shape | None

    @property
    def members(self) -> list[dict[str, Any]]:
        """The layers of a layer that is itself a network."""
        layers: list[dict[str, Any]] = self.config.get("layers", [])
        return layers


def read_layer(described: dict[str, Any]) -> Layer:
    config = described["config"]
    shape = (described.get("build_config") or {}).get("input_shape")
    while shape and isinstance(shape[0], list):
        shape = shape[0]
    operation = ".ops." in (described.get("module") or "")
    return Layer(described["class_name"], operation, config.get("name", ""), config, shape)


def words(layer: Layer) -> str:
    """Return kind and settings: "Dense 300, relu", "Embedding 1,231 × 1"."""
    if layer.members:
        return f"Network {layer.name}"
    if layer.kind == "GetItem":
        return "Column"
    if layer.kind == "Embedding":
        return f"Embedding {by((layer.config['input_dim'], layer.config['output_dim']))}"
    if layer.kind == "Activation":  # a linear one, too
        return f"Activation {setting(layer.config['activation']) or 'linear'}"
    if isinstance(layer.config.get("layer"), dict):
        return f"{layer.kind}: {words(read_layer(layer.config['layer']))}"
    settings = [setting(layer.config.get(key)) for key in SETTINGS]
    return f"{layer.kind} {', '.join(text for text in settings if text)}".rstrip()


def setting(value: Any) -> str:
    """Return a setting in short; what changes nothing is left out."""
    if isinstance(value, dict):  # an activation of one's own
        inner = value.get("config")
        value = inner if isinstance(inner, str) else value.get("class_name")
    if value is None or value == "linear":
        return ""
    if isinstance(value, list):
        return by(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def by(sizes: Any) -> str:
    """Return sizes as "28 × 28 × 3"; None is a size that is not fixed."""
    return " × ".join("any" if size is None else f"{size:,}" for size in sizes)


def own_name(layer: Layer) -> str:
    """Return the name that somebody gave a layer, or "" for one by Keras: `dense_3`."""
    snake = re.sub(r"([a-z])([A-Z])|(.)([A-Z][a-z]+)", r"\1\3_\2\4", layer.kind).lower()
    plain = re.sub(r"_\d+$", "", layer.name).replace("_", "")
    return "" if plain == snake.replace("_", "") or layer.members else layer.name


def output_shape(layer: Layer, input_shape: Shape | None) -> Shape | None:
    """Return the shape of an output that no other layer takes, or None if it is not known.

    Args:
        input_shape: that of the first input, rows first.
    """
    shape = input_shape or layer.input_shape
    if layer.kind == "Dense" and shape:
        return [*shape[:-1], layer.config["units"]]
    return shape if layer.kind in ALIKE else None


def weights(layer: Layer) -> int | None:
    """Return the number of weights, those that are not trained included; None: not known."""
    if layer.members:
        return total([read_layer(member) for member in layer.members])
    if layer.operation or layer.kind in WEIGHTLESS:
        return 0
    if layer.kind == "Embedding":
        return int(layer.config["input_dim"] * layer.config["output_dim"])
    if not layer.input_shape:
        return None
    width = layer.input_shape[-1] or 0
    if layer.kind == "Dense":
        return int((width + bool(layer.config["use_bias"])) * layer.config["units"])
    if layer.kind == "EinsumDense":
        return einsum_weights(layer.config, layer.input_shape)
    if layer.kind in ("Conv1D", "Conv2D", "Conv3D"):
        kernel = math.prod(layer.config["kernel_size"]) * width // layer.config["groups"]
        return int((kernel + bool(layer.config["use_bias"])) * layer.config["filters"])
    if layer.kind == "BatchNormalization":
        return int(width * (2 + bool(layer.config["scale"]) + bool(layer.config["center"])))
    return None


def einsum_weights(config: dict[str, Any], shape: Shape) -> int | None:
    """Return the number of weights of a dense layer along some axes, such as "bnv,nvw->bnw"."""
    if "..." in config["equation"]:
        return None
    given, kernel, gives = config["equation"].replace("->", ",").split(",")
    sizes = dict(zip(gives, [None, *config["output_shape"]], strict=True))
    sizes |= dict(zip(given, shape, strict=True))
    axes = [kernel, config["bias_axes"]] if config["bias_axes"] else [kernel]
    return sum(math.prod(sizes[axis] or 0 for axis in letters) for letters in axes)


def total(layers: list[Layer]) -> int | None:
    """Return the number of weights of several layers, or None if that of one is not known."""
    counts = [weights(layer) for layer in layers]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
