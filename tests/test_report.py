"""The page says the results of the stages, stands on its own, and shows in a real browser."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from conftest import ROOT, commit, init_git, run_in
from pages import browser as browser
from pages import opened, page_text
from playwright.sync_api import Browser, Page
from stages import build_once, make_stage

from fathom.base.blocks import evenly_spaced
from fathom.report import results as results_module
from fathom.report.results import read_results
from fathom.report.section import describe_shown_rows, important_columns
from fathom.settings.compose import compose
from fathom.settings.config import Config

DATASETS = ["california_housing", "digits"]


@pytest.fixture(scope="session")
def page_file(pipeline: Path) -> Path:
    return pipeline / "report/index.html"


@pytest.fixture(scope="session")
def words(page_file: Path) -> str:
    return page_text(page_file)


@pytest.fixture(scope="session")
def in_git(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with a report that was made at a commit and after another one.

    Its baselines of digits, also of two libraries, have 1,000 training rows; nothing is explained.
    """

    def build(folder: Path) -> None:
        shutil.copytree(pipeline, folder, dirs_exist_ok=True)
        shutil.copy(ROOT / ".gitignore", folder)
        baselines = read_metrics(folder, "digits", "baseline")
        baselines |= {"CatBoost": baselines["boosting"], "LightGBM": baselines["logistic"]}
        marked = {name: subsets | {"trained_rows": 1000} for name, subsets in baselines.items()}
        (folder / "metrics/digits/baseline.json").write_text(json.dumps(marked))
        compared = read_metrics(folder, "digits", "comparison")
        of_boosting = dict.fromkeys(["CatBoost", "LightGBM"], compared["intervals"]["boosting"])
        compared["intervals"] |= of_boosting
        (folder / "metrics/digits/comparison.json").write_text(json.dumps(compared))
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            for dataset in DATASETS:
                make_stage("explain", f"dataset={dataset}", "experiment=quick")
                make_stage("export", f"dataset={dataset}", "model=mlp", "experiment=quick")
            init_git(folder)
            make_stage("report")
            shutil.move("report/index.html", "report/first.html")
            commit(folder)
            Path("notes.md").write_text("not committed")
            make_stage("report")

    return build_once(tmp_path_factory, "report-in-git", build)


def read_metrics(folder: Path, dataset: str, name: str) -> Any:
    return json.loads((folder / f"metrics/{dataset}/{name}.json").read_text())


def test_says_how_many_rows_baselines_had(in_git: Path) -> None:
    text = page_text(in_git / "report/index.html")
    rows = json.loads((in_git / "data/problem/digits.json").read_text())["rows"]["train"]
    baselines = "baselines of scikit-learn, CatBoost and LightGBM"
    assert f"{baselines}, trained on 1,000 of {rows:,} training rows, sampled" in text
    assert "Those that are not of scikit-learn stop training when they are best on" in text
    assert f"Baselines were trained on 1,000 of {rows:,} training rows, sampled at random." in text
    assert text.count("baselines of scikit-learn.") == 1  # California's, of all rows


def test_git_changes_only_the_file_beside_the_page(in_git: Path) -> None:
    page = (in_git / "report/index.html").read_bytes()
    assert page == (in_git / "report/first.html").read_bytes()
    _, first, second = lines_of_provenance(in_git)
    old, new = run_in(in_git, "git", "log", "--format=%h").stdout.split()[::-1]
    start = r"Built on \d{4}-\d\d-\d\d from commit"
    assert re.fullmatch(rf"{start} {old}\. To rebuild it: git checkout {old} && make repro", first)
    assert re.fullmatch(rf"{start} {new}, with uncommitted changes\.", second)


def lines_of_provenance(folder: Path) -> list[str]:
    calls = (folder / "report/provenance.js").read_text().splitlines()
    return [json.loads(f"[{call[len('registerPage(') : -2]}]")[1] for call in calls]


@pytest.mark.browser
def test_shows_only_its_own_provenance(
    browser: Browser, in_git: Path, page_file: Path, tmp_path: Path
) -> None:
    page = opened(browser, in_git / "report/index.html")
    line = page.locator("#fathom-provenance")
    assert line.is_visible()
    assert line.inner_text() == lines_of_provenance(in_git)[-1]
    other = Path(shutil.copy(page_file, tmp_path))
    calls = (in_git / "report/provenance.js").read_text().splitlines(keepends=True)
    (tmp_path / "provenance.js").write_text("".join(calls[1:]))  # the first is of `page_file`
    page.goto(other.as_uri())
    assert not line.is_visible()
    page.context.close()


def test_a_quick_experiment_has_no_explanations_and_exports(in_git: Path) -> None:
    text = page_text(in_git / "report/index.html")
    line = (
        "None, because explain.rows is 0. With another number, dvc repro explains the best network."
    )
    assert text.count(line) == len(DATASETS)
    for dataset in DATASETS:
        exported = in_git / "exports" / dataset / "mlp"
        card = (exported / "MODEL_CARD.md").read_text()
        assert card.startswith(f"# Model card: mlp on {dataset}".replace("_", "\\_"))
        assert [file.name for file in exported.iterdir()] == ["MODEL_CARD.md"]


def test_needs_no_other_file(page_file: Path) -> None:
    page = page_file.read_text()
    others = re.findall(r'(?:src|href)="(?!#|data:)([^"]*)"', page.replace("xlink:", ""))
    assert others == ["provenance.js"]  # may be missing
    assert "@import" not in page
    assert "url(" not in page.replace("url(#", "")
    assert page_file.stat().st_size < 5_000_000


def test_says_which_rows_it_shows_errors_of(
    pipeline: Path, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Rows of the test set; on the dashed line" in words
    assert "Rows of the test set; mistakes are orange" in words
    monkeypatch.chdir(pipeline)
    monkeypatch.setattr(results_module, "MAX_ROWS", 30)
    for dataset in DATASETS:
        results = read_results(dataset, compose([], Config))
        table = pd.read_parquet(f"data/predictions/{dataset}/{results.best.name}.parquet")
        expected = table.iloc[evenly_spaced(len(table), 30)].reset_index(drop=True)
        pd.testing.assert_frame_equal(results.best.predictions, expected)
        shown = describe_shown_rows(results)
        assert shown == "30 evenly spaced rows of the test set, here and below"
        features = important_columns(results)
        if results.problem.kind == "table":
            raw = pd.read_parquet(f"data/raw/{dataset}/data.parquet")[list(features)]
            chosen = raw.iloc[expected["row"]].reset_index(drop=True)
            pd.testing.assert_frame_equal(features, chosen)


@pytest.fixture
def page(browser: Browser, page_file: Path) -> Iterator[Page]:
    page = opened(browser, page_file)
    yield page
    page.context.close()


@pytest.mark.browser
def test_opens_without_network_or_errors(browser: Browser, page_file: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copy(page_file, tmp_path))
    page = browser.new_context(offline=True).new_page()
    events: list[str] = []
    page.on("console", lambda message: events.append(message.text))
    page.on("request", lambda request: events.append(request.url))
    page.on("pageerror", lambda error: events.append(str(error)))
    page.goto(alone.as_uri())
    missing = "Failed to load resource: net::ERR_FILE_NOT_FOUND"
    addresses = [alone.as_uri(), alone.with_name("provenance.js").as_uri()]
    assert [event for event in events if not event.startswith("data:")] == [*addresses, missing]
    assert page.title() == "Fathom report"
    page.context.close()


@pytest.mark.browser
def test_every_chart_has_ink(page: Page) -> None:
    charts = page.locator(".chart svg")
    titles = page.locator(".chart .role-title-text").all_inner_texts()
    # Intervals of models, training rows, learning curves, predicted against true, calibration,
    # errors, maps, Shapley values and partial dependence; intervals, training rows, learning
    # curves, confusion matrices and reliability; a search's history and importances.
    shown = charts.count() - page.locator(".distributions .chart svg").count()
    assert shown == (1 + 1 + 2 + 2 + 2 + 4 + 2 + 4 + 6) + (1 + 1 + 2 + 2 + 2) + 2
    assert len(titles) >= 14
    for index in range(charts.count()):
        box = charts.nth(index).bounding_box()
        assert box is not None
        assert (box["width"] > 150, box["height"] > 60) == (True, True)
        marks = charts.nth(index).locator("[class*=role-mark] path, [class*=role-mark] line")
        assert marks.count() > 0


@pytest.mark.browser
def test_pointing_at_a_mark_says_what_it_is(page: Page) -> None:
    bar = page.locator(".chart [aria-roledescription=bar]").first
    bar.scroll_into_view_if_needed()
    bar.hover()
    tip = page.locator("#fathom-tip")
    assert tip.is_visible()
    assert tip.inner_text() == bar.get_attribute("aria-label")


@pytest.mark.browser
def test_best_model_comes_first_and_tables_sort(page: Page) -> None:
    for section, smaller_is_better in (("california_housing", True), ("digits", False)):
        table = page.locator(f"#{section} table").first
        assert not table.locator(".more").first.is_visible()
        page.locator(f"#{section} .switch input").check()
        cells = table.locator("tbody tr td:nth-of-type(1)")
        metrics = [float(cell) for cell in cells.all_inner_texts()]
        assert metrics == sorted(metrics, reverse=not smaller_is_better)
        head = table.locator("thead th").nth(1)
        for order in ("ascending", "descending"):
            head.get_by_role("button").click()
            assert head.get_attribute("aria-sort") == order
            values = [float(cell) for cell in cells.all_inner_texts()]
            assert values == sorted(metrics, reverse=order == "descending")
        parameters = table.locator("thead th").filter(has_text="parameters")
        parameters.get_by_role("button").press("Enter")
        column = int(parameters.evaluate("head => head.cellIndex"))
        texts = table.locator(f"tbody tr > :nth-child({column + 1})").all_inner_texts()
        counts = [int(text.replace(",", "")) for text in texts if text]
        assert counts == sorted(counts)
        assert texts[len(counts) :] == [""] * (len(texts) - len(counts))


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_is_accessible(browser: Browser, page_file: Path, scheme: str) -> None:
    page = opened(browser, page_file, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    violations = Axe().run(page).response["violations"]
    serious = [v for v in violations if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"][:3]]) for v in serious] == []
    page.context.close()


@pytest.mark.browser
def test_paper_shows_what_is_folded(page: Page) -> None:
    closed = page.locator("main details:not([open])")
    count = closed.count()
    assert count > 4
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert closed.count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert closed.count() == count


@pytest.mark.browser
def test_the_navigation_is_beside_a_wide_page_and_a_menu_above_a_narrow_one(
    browser: Browser, page_file: Path
) -> None:
    for width, is_menu in ((1280, False), (390, True)):
        page = opened(browser, page_file, viewport={"width": width, "height": 844})
        link = page.locator('nav a[href="#digits-data"]')
        assert link.is_visible() != is_menu
        assert page.locator("nav summary").is_visible() == is_menu
        if is_menu:
            page.locator("nav summary").click()
        link.click()
        assert page.url.endswith("#digits-data")
        box = page.locator("#digits-data").bounding_box()
        assert box is not None
        assert 0 <= box["y"] < 300
        page.context.close()


@pytest.mark.browser
def test_fits_a_phone(browser: Browser, page_file: Path) -> None:
    page = opened(browser, page_file, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()
