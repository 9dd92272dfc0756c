"""`dvc plots show` draws without the internet."""

from pathlib import Path

import pytest
from conftest import run_in
from dvc.config import Config
from pages import browser as browser
from pages import opened
from playwright.sync_api import Browser

from fathom.experiments.plots_page import write_plots_page


@pytest.fixture
def project(tmp_path: Path) -> Path:
    run_in(tmp_path, "git", "init", "-q")
    run_in(tmp_path, "dvc", "init", "-q")
    return tmp_path


def test_another_template_stays(project: Path) -> None:
    with Config(str(project / ".dvc")).edit("repo") as settings:
        settings["plots"] = {"html_template": "own.html"}
    write_plots_page(project / ".dvc")
    assert not (project / ".dvc/config.local").exists()


@pytest.mark.browser
def test_plots_are_drawn_without_the_internet(project: Path, browser: Browser) -> None:
    (project / "loss.csv").write_text("epoch,loss,val_loss\n1,0.9,1\n2,0.5,0.7\n3,0.4,0.6\n")
    (project / "dvc.yaml").write_text("plots:\n- loss.csv:\n    x: epoch\n    y: loss\n")
    for _ in range(2):  # the second replaces the first
        write_plots_page(project / ".dvc")
    run_in(project, "dvc", "plots", "show")
    file = project / "dvc_plots/index.html"
    assert "<script src" not in file.read_text()
    page = opened(browser, file)
    page.wait_for_selector(".vega-embed canvas, .vega-embed svg")
    assert page.title() == "Plots"
