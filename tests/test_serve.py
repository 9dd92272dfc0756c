"""`fathom serve`: predictions, routes and metrics, as clients see them."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from exports import CALIFORNIA, DIGITS, HOUSES
from PIL import Image
from services import Served, assert_same, expected, exported, instances, raw_rows

from fathom.base import paths
from fathom.base.files import read_array
from fathom.predict.prediction_columns import prediction_table

pytestmark = pytest.mark.usefixtures("in_exports")
pytest_plugins = ["services"]


def test_rows_are_answered_row_by_row(california: Served) -> None:
    rows = raw_rows(CALIFORNIA)
    response = california.post({"instances": instances(rows)})
    assert (response.status_code, list(response.json())) == (200, ["predictions"])
    wanted = expected(CALIFORNIA, rows)
    assert_same(response.json()["predictions"], wanted)
    assert list(wanted) == ["predicted", "predicted_low", "predicted_high", "aux_predicted"]
    # The fewest digits that tell a float32 from its neighbors.
    number = json.dumps(response.json()["predictions"][0]["predicted"])
    assert str(np.float32(number)) == number


def test_columns_are_answered_by_column(california: Served) -> None:
    rows = raw_rows(CALIFORNIA)
    body = {"signature_name": "serving_default", "inputs": rows.to_dict(orient="list")}
    response = california.post(body)
    assert (response.status_code, list(response.json())) == (200, ["outputs"])
    found = pd.DataFrame(response.json()["outputs"]).to_dict(orient="records")
    assert_same(found, expected(CALIFORNIA, rows))  # type: ignore[arg-type]


def test_routes_of_tensorflow_serving(california: Served) -> None:
    body = {"instances": instances(raw_rows(CALIFORNIA, 2))}
    path = "/v1/models/wide_deep:predict"
    # Its documentation uses curl -d, which labels the body as a form.
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert california.post(body, path, headers=form).json() == california.post(body).json()
    status = {"error_code": "OK", "error_message": ""}
    available = {"version": "1", "state": "AVAILABLE", "status": status}
    for version in ("", "/versions/1"):
        path = f"/v1/models/wide_deep{version}"
        assert california.post(body, f"{path}:predict").json() == california.post(body).json()
        assert california.get(path).json() == {"model_version_status": [available]}
        metadata = california.get(f"{path}/metadata").json()
        assert metadata["model_spec"] == {
            "name": "wide_deep",
            "signature_name": "",
            "version": "1",
        }
        definition = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
        assert sorted(definition["inputs"]) == sorted(body["instances"][0])
        assert list(definition["outputs"]) == list(california.post(body).json()["predictions"][0])
        assert definition["inputs"]["MedInc"] == {
            "dtype": "DT_DOUBLE",
            "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
            "name": "",
        }


def test_docs_load_nothing(california: Served) -> None:
    page = california.get("/docs")
    assert page.headers["content-security-policy"].startswith("default-src 'none';")
    assert re.findall(r'(?:src|href|url)\W+"?([^">]+)', page.text) == ["openapi.json"]
    for path in california.get("/openapi.json").json()["paths"]:
        assert f" {path}</code>" in page.text
    assert "MedInc" in page.text


def test_values_outside_the_training_set_are_marked(california: Served) -> None:
    usual, strange, lacking = instances(raw_rows(CALIFORNIA, 3))
    strange["MedInc"], lacking["HouseAge"] = 99, None
    found = california.post({"instances": [usual, strange, lacking]}).json()["predictions"]
    limit = exported(CALIFORNIA).signature.columns[0].high
    marks = [f"MedInc above {limit:g}", "HouseAge missing"]
    assert [row.get("unusual") for row in found] == [None, *marks]
    columns = {name: [usual[name], strange[name], lacking[name]] for name in usual}
    found = california.post({"inputs": columns}).json()["outputs"]
    assert found["unusual"] == [None, *marks]
    assert "unusual" not in california.post({"instances": [usual]}).text


def test_every_kind_of_column(houses: Served) -> None:
    rows = raw_rows(HOUSES, 60)
    assert rows.isna().any().any()
    wanted = expected(HOUSES, rows)
    assert_same(houses.post({"instances": instances(rows)}).json()["predictions"], wanted)
    columns = {name: [row[name] for row in instances(rows)] for name in map(str, rows)}
    found = pd.DataFrame(houses.post({"inputs": columns}).json()["outputs"])
    assert_same(found[list(wanted)].to_dict(orient="records"), wanted)  # type: ignore[arg-type]


def test_several_ways_to_write_a_value(houses: Served) -> None:
    row = instances(raw_rows(HOUSES, 1))[0] | {"with pool": True, "sold": "2020-03-01", "town": "x"}
    same = [
        row | {"with pool": "true"},
        row | {"with pool": "TRUE"},
        row | {"sold": 20200301},
        row | {"sold": "2020-03-01T00:00:00Z"},
        row | {"sold": "2020-03-01T02:00:00+02:00"},
    ]
    first, *others = houses.post({"instances": [row, *same]}).json()["predictions"]
    assert others == [first] * 5
    missing = [row | {"town": text} for text in (None, "", "?")]
    first, *others = houses.post({"instances": missing}).json()["predictions"]
    assert others == [first] * 2


def test_images(digits: Served) -> None:
    images: np.ndarray = np.array(read_array(paths.raw("digits") / "images.npy", "")[:5])
    network = exported(DIGITS)
    wanted = prediction_table(network.predict({"image": images}), network.signature)
    lists, files = images.tolist(), [{"b64": encode_png(image)} for image in images]
    for rows in (
        lists,
        files,
        [{"image": image} for image in lists],
        [{"image": file} for file in files],
        [*files[:2], *lists[2:]],
        images[..., None].tolist(),
        images.astype(float).tolist(),
    ):
        found = digits.post({"instances": rows}).json()["predictions"]
        assert_same(found, wanted)
    for columns in (lists, {"image": lists}, files, {"image": files}):
        outputs = digits.post({"inputs": columns}).json()["outputs"]
        assert outputs["predicted"] == wanted["predicted"].tolist()
        assert list(outputs) == list(wanted)
    bright = images[0].copy()
    bright[0, 0] = 255
    (row,) = digits.post({"instances": [bright.tolist()]}).json()["predictions"]
    assert row["unusual"] == "pixels above 16"


def encode_png(pixels: np.ndarray) -> str:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def test_health_and_signature(california: Served) -> None:
    health = california.get("/health")
    content = {"status": "ok", "dataset": "california_housing", "model": "wide_deep"}
    assert (health.status_code, health.json()) == (200, content)
    signature = california.get("/signature").json()
    assert signature == exported(CALIFORNIA).signature.model_dump()
    assert "server" not in health.headers


def test_only_this_machine_unless_a_host_is_set(california: Served) -> None:
    assert california.url.startswith("http://127.0.0.1:")
    model = "california_housing/wide_deep (model.keras)"
    line = f"{model} is served at {california.url} until Ctrl+C or SIGTERM"
    assert california.printed == [line]


def test_metrics(houses: Served) -> None:
    rows = instances(raw_rows(HOUSES, 7))
    names = ["fathom_rows_total", "fathom_batch_rows_sum", "fathom_batch_requests_count"]
    before = [houses.metric(name) for name in names]
    houses.post({"instances": rows})
    houses.post({"instances": []})
    houses.get("/nothing/else")
    after = [houses.metric(name) for name in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [7, 7, 1]
    response = houses.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert 'fathom_requests_total{path="/predict",status="400"} ' in response.text
    assert 'fathom_requests_total{path="other",status="404"} ' in response.text
    assert 'fathom_request_seconds_bucket{le="0.001",path="/predict"} ' in response.text
    assert 'fathom_model_info{dataset="houses",model="mlp"} 1.0' in response.text
    assert houses.metric("fathom_requests_under_way") == 1  # this one


def test_metrics_of_the_last_rows(houses: Served) -> None:
    rows = raw_rows(HOUSES, 50)
    houses.post({"instances": instances(rows.assign(town="Atlantis"))})
    text = houses.get("/metrics").text
    names = "missing", "unseen", "out_of_range", "stability_index"
    found = {
        name: dict(re.findall(rf'fathom_column_{name}{{column="(.+)"}} (\S+)', text))
        for name in names
    }
    assert list(found["missing"]) == list(found["stability_index"]) == list(rows)
    assert float(found["unseen"]["town"]) > 0
    assert "town" not in found["out_of_range"]
    assert "rooms" not in found["unseen"]
    assert houses.metric("fathom_drift_rows") >= 50
    assert houses.metric("fathom_predictions_stability_index") >= 0
    dashboard = (ROOT / "docs/grafana.json").read_text()
    assert all(name in text for name in re.findall(r"fathom_[a-z_]+", dashboard))
    shares = re.findall(r'fathom_predictions_share{bin=".+"} (\S+)', text)
    assert sum(map(float, shares)) == pytest.approx(1, abs=1e-4)
