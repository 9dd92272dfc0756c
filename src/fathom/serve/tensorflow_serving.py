"""What TensorFlow Serving answers about a loaded model."""

from typing import Any

from fathom.artifacts.signature import IMAGE, Signature
from fathom.predict.prediction_columns import prediction_names
from fathom.serve.openapi import output_schemas
from fathom.serve.requests import SIGNATURE_NAME

VERSION = "1"
STATUS = {
    "model_version_status": [
        {
            "version": VERSION,
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }
    ]
}
TYPES = {"uint8": "DT_UINT8", "float32": "DT_FLOAT", "float64": "DT_DOUBLE"}


def model_metadata(signature: Signature) -> dict[str, Any]:
    """Return the metadata of a model, whose tensors are the columns of requests and responses."""
    inputs = {
        column.name: tensor("DT_DOUBLE" if column.kind == "number" else "DT_STRING")
        for column in signature.columns
    }
    if signature.image is not None:
        inputs[IMAGE] = tensor(TYPES[signature.image.type], signature.image.shape)
    schemas = output_schemas(signature)
    outputs = {
        name: tensor("DT_STRING" if schemas[name]["type"] == "string" else "DT_FLOAT")
        for name in prediction_names(signature)
    }
    definition = {
        "inputs": inputs,
        "outputs": outputs,
        "method_name": "tensorflow/serving/predict",
        "defaults": {},
    }
    return {
        "model_spec": {"name": signature.model, "signature_name": "", "version": VERSION},
        "metadata": {"signature_def": {"signature_def": {SIGNATURE_NAME: definition}}},
    }


def tensor(kind: str, shape: list[int] | None = None) -> dict[str, Any]:
    sizes = [{"size": str(size), "name": ""} for size in (-1, *(shape or []))]
    return {"dtype": kind, "tensor_shape": {"dim": sizes, "unknown_rank": False}, "name": ""}
