"""Drawings of networks show every layer and what it is, without overlaps."""

import itertools
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import keras
import pytest
from conftest import ROOT, run_in
from keras import layers
from networks import build_network

from fathom.artifacts.model_file import describe_layers
from fathom.artifacts.problem import Problem
from fathom.report.network_boxes import to_boxes
from fathom.report.network_drawing import draw_network
from fathom.report.network_graph import read_graph
from fathom.train.train import make_ensemble

SVG = "{http://www.w3.org/2000/svg}"


def mlp() -> keras.Model:
    x = inputs = keras.Input((8, 8), name="features")
    x = layers.Flatten()(x)
    for units in (300, 100):
        x = layers.Dropout(0.3)(layers.Dense(units, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(10, "softmax", name="main_output")(x), name="mlp")


def deep() -> keras.Model:
    x = inputs = keras.Input((8,), name="features")
    for _ in range(20):
        x = layers.BatchNormalization()(layers.Dense(100, use_bias=False)(x))
        x = layers.Activation("relu")(x)
    return keras.Model(inputs, layers.Dense(1)(x), name="deep")


def embedded() -> keras.Model:
    numbers = keras.Input((6,), name="features")
    codes = keras.Input((8,), dtype="int32", name="categories")
    embeddings = [layers.Embedding(10 + n, 4)(codes[:, n]) for n in range(8)]
    x = layers.Concatenate()([numbers, *embeddings])
    return keras.Model([numbers, codes], layers.Dense(2, "softmax")(x), name="embedded")


def residual() -> keras.Model:
    x = inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(16, 3, padding="same")(x)
    for _ in range(3):
        inner = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
        x = layers.Add()([x, layers.Conv2D(16, 3, padding="same")(inner)])
    x = keras.ops.sin(layers.GlobalAveragePooling2D()(x))
    x = layers.Flatten()(layers.EinsumDense("bn,nfw->bfw", (6, 3), bias_axes="fw")(x))
    return keras.Model(inputs, layers.Dense(10, "softmax")(x), name="residual")


def shared() -> keras.Model:
    left, right = keras.Input((8,), name='left & "far"'), keras.Input((8,), name="a<b")
    layer = layers.Dense(4)
    both = layers.Concatenate()([layer(left), layer(right)])
    outputs = [layers.Dense(1, name="sum")(both), layer.output]
    return keras.Model([left, right], [outputs[0]], name="twins & <more>")


def apart() -> keras.Model:
    inputs = [keras.Input((size,)) for size in (8, 4)]
    return keras.Model(inputs, [layers.Dense(2)(x) for x in inputs], name="apart")


def stacked() -> keras.Model:
    body = keras.Sequential([keras.Input((12, 12, 8)), layers.Conv2D(8, 3)], name="body")
    return keras.Sequential(
        [keras.Input((12, 12, 8)), body, layers.Flatten(), layers.Dense(1_000, "relu")]
    )


def tangled() -> keras.Model:
    inputs = [keras.Input((4,)) for _ in range(3)]
    hidden = [layers.Dense(n + 2, "relu", name=f"hidden_{n}")(x) for n, x in enumerate(inputs)]
    crossed = [layers.Concatenate()([*hidden, inputs[n]]) for n in (2, 0)]
    return keras.Model(inputs, [layers.Dense(1)(x) for x in [*crossed, hidden[1]]], name="tangled")


TEXTS: dict[Callable[[], keras.Model], list[str]] = {
    mlp: ["features", "8 × 8", "Flatten", "Dense 300, relu", "Dropout 0.3", "Dense 10, softmax",
          "main_output → 10", "1,010 parameters"],
    deep: ["8 numbers", "20 ×", "Dense 100", "BatchNormalization", "Activation relu"],
    embedded: ["8 integers", "8 × Column", "8 × Embedding 10–17 × 4", "Concatenate", "→ 38"],
    stacked: ["Network body", "1 layer → 10 × 10 × 8", "584 parameters",
              "→ 1,000 · 801,000 parameters"],
    shared: ['left & "far"', "a<b"],
    residual: ["Conv2D 16, 3 × 3", "→ 16 × 16 × 16 · 448 parameters", "Sin", "EinsumDense 6 × 3"],
    apart: ["8 numbers", "4 numbers"],
    tangled: ["Dense 2, relu"],
}  # fmt: skip


@dataclass(frozen=True)
class Drawing:
    """A network, its file and its drawing."""

    model: keras.Model
    file: Path
    svg: str

    def elements(self, tag: str) -> list[ElementTree.Element]:
        return list(ElementTree.fromstring(self.svg).iter(f"{SVG}{tag}"))

    @property
    def texts(self) -> list[str]:
        return [element.text or "" for element in self.elements("text")]

    @property
    def boxes(self) -> list[tuple[float, float, float, float]]:
        """Left, top, right and bottom of each box."""
        names = ("x", "y", "width", "height")
        rectangles = [[float(e.attrib[n]) for n in names] for e in self.elements("rect")]
        return [(x, y, x + width, y + height) for x, y, width, height in rectangles]


def draw(model: keras.Model, folder: Path) -> Drawing:
    file = folder / "model.keras"
    model.save(file)
    return Drawing(model, file, draw_network(file, describe_layers(model)))


@pytest.fixture(scope="module", params=TEXTS, ids=lambda build: build.__name__)
def drawing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Drawing:
    return draw(request.param(), tmp_path_factory.mktemp("network"))


def test_every_layer_is_in_a_box_that_says_what_it_is(
    drawing: Drawing, request: pytest.FixtureRequest
) -> None:
    model = drawing.model
    boxes, _ = to_boxes(read_graph(drawing.file, describe_layers(model)))
    described = json.loads(model.to_json())["config"]["layers"]
    names = {layer["config"]["name"] for layer in described}
    assert set(TEXTS[request.node.callspec.params["drawing"]]) <= set(drawing.texts)
    assert {name for box in boxes for name in box.layers} == names
    count = sum(layer["class_name"] != "InputLayer" for layer in described)
    counts = {"input": len(model.inputs), "layer": count, "output": len(model.outputs)}
    counts["parameter"] = model.count_params()
    texts = [f"{count:,} {name}{'' if count == 1 else 's'}" for name, count in counts.items()]
    (title,) = drawing.elements("title")
    assert title.text == f"{model.name} network: {', '.join(texts)}"


def test_boxes_lie_apart_and_edges_cross_none(drawing: Drawing) -> None:
    _, _, width, height = map(float, re.findall(r'viewBox="(.*?)"', drawing.svg)[0].split())
    assert len(drawing.boxes) > 1
    for left, top, right, bottom in drawing.boxes:
        assert 0 < left < right < width
        assert 0 < top < bottom < height
    for one, other in itertools.combinations(drawing.boxes, 2):
        beside = one[2] < other[0] or other[2] < one[0]
        assert beside or one[3] < other[1] or other[3] < one[1]
    edges = [e.attrib["d"] for e in drawing.elements("path") if e.attrib["fill"] == "none"]
    assert edges
    for edge in edges:
        points = [tuple(map(float, point.split())) for point in re.findall(r"[\d.]+ [\d.]+", edge)]
        for start, to in itertools.pairwise(points):
            for share in (0.25, 0.5, 0.75):
                x, y = (a + share * (b - a) for a, b in zip(start, to, strict=True))
                assert not [b for b in drawing.boxes if b[0] < x < b[2] and b[1] < y < b[3]], edge
        # From the lower side of a box to the upper side of another.
        (x, y), (end, tip) = points[0], points[-1]
        assert any(b[0] <= x <= b[2] and abs(y - b[3]) < 0.2 for b in drawing.boxes)
        assert any(b[0] <= end <= b[2] and abs(tip + 1 - b[1]) < 0.2 for b in drawing.boxes)


def test_without_shapes_and_parameters_numbers_are_left_out(tmp_path: Path) -> None:
    """`run.json` has none of layers outside a functional graph."""
    drawing = draw(mlp(), tmp_path)
    svg = draw_network(drawing.file, {})
    assert "<title>mlp network: 1 input, 6 layers, 1 output</title>" in svg
    assert "→" not in svg
    assert "parameters" not in svg
    assert [text for text in drawing.texts if text in svg][:3] == ["features", "8 × 8", "Flatten"]


def test_an_ensemble_has_a_box_for_each_member(trainable: Path) -> None:
    problem = Problem.read("california_housing")
    member = build_network("california_housing", "wide_deep", problem=problem)
    network = make_ensemble([member] * 2)
    drawing = draw(network, trainable)
    count = network.count_params()
    assert f"ensemble network: 3 inputs, 4 layers, 2 outputs, {count:,} parameters" in drawing.svg
    members = [text for text in drawing.texts if "Network" in text]
    assert members == ["Network member_0", "Network member_1"]
    assert {"main_output → 1", "aux_output → 1"} <= set(drawing.texts)


TABLES = ["mlp", "selu", "deep_relu", "wide_deep", "wide_only"]


@pytest.mark.parametrize(
    ("dataset", "model"),
    [
        *(("california_housing", model) for model in TABLES),
        *(("digits", model) for model in [*TABLES, "cnn"]),
    ],
)
def test_draws_the_networks_of_the_settings(dataset: str, model: str, trainable: Path) -> None:
    network = build_network(dataset, model, problem=Problem.read(dataset))
    svg = draw(network, trainable).svg
    assert f", {network.count_params():,} parameters</title>" in svg
    assert float(re.findall(r"max-width:(\d+)px", svg)[0]) <= 740


def test_a_subclassed_model_is_one_box(tmp_path: Path) -> None:
    class Mine(keras.Model):  # type: ignore[misc]
        def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
            return x

    model = Mine()
    model(keras.ops.ones((2, 3)))
    assert draw(model, tmp_path).texts == ["Mine", "no graph in the file"]


@pytest.mark.slow
def test_same_file_same_bytes_without_keras(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = draw(tangled(), tmp_path)
    code = (
        "import sys; from pathlib import Path; "
        "from fathom.report.network_drawing import draw_network; "
        f"print(draw_network(Path({str(drawing.file)!r}), {describe_layers(drawing.model)})); "
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    drawings = set()
    for seed in ("1", "2", "3"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        drawings.add(run_in(ROOT / "src", sys.executable, "-c", code).stdout.strip())
    assert drawings == {drawing.svg}
