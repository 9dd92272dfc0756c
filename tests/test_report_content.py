"""The page, report.json and summary.md show the very values that the stages wrote."""

import json
from pathlib import Path
from typing import Any

import pytest
from pages import Outline, page_text

from fathom.base.paths import SUBSETS
from fathom.evaluate.formatting import format_mean
from fathom.report.digits import format_difference, format_fixed

PRIMARY: dict[str, tuple[str, str, Any]] = {
    "california_housing": ("rmse", "lowest validation RMSE", min),
    "digits": ("accuracy", "highest validation accuracy", max),
}
MODELS = ["mlp", "wide_deep"]


@pytest.fixture(scope="module")
def words(pipeline: Path) -> str:
    return page_text(pipeline / "report/index.html")


def read_metrics(folder: Path, dataset: str, name: str) -> Any:
    return json.loads((folder / f"metrics/{dataset}/{name}.json").read_text())


@pytest.mark.parametrize("dataset", PRIMARY)
def test_shows_the_results_of_models(words: str, pipeline: Path, dataset: str) -> None:
    primary, criterion, choose = PRIMARY[dataset]
    content = json.loads((pipeline / "report/report.json").read_text())["datasets"][dataset]
    digits = content["decimals"]
    rows = {row["name"]: row for row in content["comparison"]["models"]}
    compared = read_metrics(pipeline, dataset, "comparison")["networks"]
    valid = {}
    for model in MODELS:
        metrics, of_model = read_metrics(pipeline, dataset, model), compared[model]
        assert rows[model]["metrics"] == {name: metrics[name] for name in SUBSETS}
        assert rows[model]["compared"] == of_model
        valid[model] = metrics["valid"][primary]
        ends = " to ".join(format_difference(of_model[end]) for end in ("low", "high"))
        if "spread" in metrics:
            spread = metrics["spread"]["test"][primary]
            mean = f"{format_fixed(spread['mean'], digits[primary])} {format_mean(spread)} "
            assert f"{model}, a single run {mean}" in words
        row = f"{model} {format_fixed(metrics['test'][primary], digits[primary])} "
        row += f"{format_difference(of_model['difference'])} ({ends}) {of_model['verdict']} "
        others = [
            format_fixed(value, digits[name])
            for name, value in metrics["test"].items()
            if name not in (primary, "mse")
        ]
        others += [format_fixed(metrics[s][primary], digits[primary]) for s in ("valid", "train")]
        cells = words[words.index(row) + len(row) :].split()[: len(others)]
        assert sorted(cells) == sorted(others)
        run = json.loads((pipeline / f"models/{dataset}/{model}/run.json").read_text())
        epoch = f"Best epoch: {run['kept_epoch']} of 2 ({criterion})"
        epoch += ", in the best of 2 runs." if dataset == "digits" else "."
        assert f"{model} {run['parameters']:,} parameters. {epoch}" in words
    best = choose(valid, key=valid.__getitem__)
    assert content["headline"]["name"] == best
    for name, subsets in read_metrics(pipeline, dataset, "baseline").items():
        for metric, value in subsets["test"].items():
            if metric != "mse":
                assert format_fixed(value, digits[metric]) in words.split(), name


def test_the_first_screen_is_that_of_the_content(words: str, pipeline: Path) -> None:
    """The page and the summary for a pull request show the very values of report.json."""
    content = json.loads((pipeline / "report/report.json").read_text())
    summary = (pipeline / "report/summary.md").read_text()
    assert list(content["datasets"]) == list(PRIMARY)
    for dataset, section in content["datasets"].items():
        best = section["headline"]
        assert f"{best['text']} {best['label']} {best['name']}" in words
        assert f"**{best['name']}**" in summary
        for sentence in (best["worth"]["sentence"], best["comparison"]["sentence"]):
            assert words.count(sentence) == 2
            assert sentence in summary
        low, high = (best["interval"][end] for end in ("low", "high"))
        assert low <= best["value"] <= high
        assert 1 <= len(section["suggestions"]) <= 3
        for suggestion in section["suggestions"]:
            assert f"{suggestion['action']}. {suggestion['evidence']}" in words
            assert f"- {suggestion['action']}. {suggestion['evidence']}" in summary
        assert (
            section["rows"]
            == json.loads((pipeline / f"data/problem/{dataset}.json").read_text())["rows"]
        )


def test_is_valid_enough_and_its_links_lead_somewhere(pipeline: Path) -> None:
    """Elements are closed, ids are unique, and links within the page have a target."""
    outline = Outline()
    outline.feed((pipeline / "report/index.html").read_text())
    assert outline.open == outline.faults == []
    assert len(outline.ids) == len(set(outline.ids))
    assert len(outline.links) > 12
    assert set(outline.links) <= set(outline.ids)
