"""Graphs that compute the same become the same graph, which still computes it."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from fathom.export.canonical_onnx import canonicalize


def value(name: str, size: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [size])


def make_model(names: list[str], swapped: bool, merged: bool) -> onnx.ModelProto:
    """Return a = |x + 1| plus a if the sum of x + 1 is above 1, else a · (x + 1)."""
    one, one_again, added, added_again, absolute, total, above, chosen, inner = names
    if merged:
        one_again, added_again = one, added
    branches = [
        helper.make_graph([helper.make_node(*kind, [inner])], "b", [], [value(inner, one)])
        for kind in (("Identity", [absolute]), ("Mul", [added_again, absolute]))
    ]
    nodes = [
        helper.make_node("Add", ["x", one], [added]),
        helper.make_node("Add", ["x", one_again], [added_again]),
        helper.make_node("Abs", [added], [absolute]),
        helper.make_node("ReduceSum", [added_again], [total], keepdims=0),
        helper.make_node("Greater", [total, one], [above]),
        helper.make_node("If", [above], [chosen], then_branch=branches[0], else_branch=branches[1]),
        helper.make_node("Add", [chosen, absolute], ["y"]),
    ]
    if merged:
        del nodes[1]
    elif swapped:
        nodes[:2] = nodes[1::-1]
    ones = [
        numpy_helper.from_array(np.array(1, np.float32), name)
        for name in dict.fromkeys([one, one_again])
    ]
    graph = helper.make_graph(nodes, "g", [value("x", one)], [value("y", one)], ones)
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


def predict(model: onnx.ModelProto, x: list[float]) -> list[float]:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    outputs: list[float] = session.run(["y"], {"x": np.array(x, np.float32)})[0].tolist()
    return outputs


def test_names_order_and_copies_leave_no_trace() -> None:
    models = [
        make_model([f"a{number}" for number in range(9)], swapped=False, merged=False),
        make_model([f"b{number % 5}{number}" for number in range(9)], swapped=True, merged=False),
        make_model([f"c{9 - number}" for number in range(9)], swapped=False, merged=True),
    ]
    for model in models:
        canonicalize(model.graph)
        onnx.checker.check_model(model, full_check=True)
        assert predict(model, [2, -4]) == [12, -6]
        assert predict(model, [2, 4]) == [6, 10]
    assert models[0] == models[1] == models[2]
    assert models[0].SerializeToString() == models[2].SerializeToString()
    other = make_model([f"a{number}" for number in range(9)], swapped=False, merged=False)
    other.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.array(2, np.float32), "a0"))
    canonicalize(other.graph)
    assert other != models[0]
