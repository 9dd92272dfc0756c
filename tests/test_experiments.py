"""`fathom compare` and `fathom summary`, on a small repository with metrics written by hand."""

from pathlib import Path

import pytest
from conftest import edit
from repositories import commit, git, lines_of, write_metrics
from repositories import repository as repository
from stages import run_command


def test_lists_revisions_by_metric_of_the_best_network(repository: Path) -> None:
    edit(Path("params.yaml"), "train.schedule=cosine")
    write_metrics(0.5)
    assert lines_of("compare") == [
        "houses",
        "test RMSE network differs from HEAD in",
        "HEAD 4.000 mlp",
        "small-mlp 4.125 mlp conf/model/mlp.yaml:units=[64]",
        "workspace 4.500 mlp train.schedule=cosine",
        "three-epochs 5.000 mlp train.epochs=3",
        "digits",
        "test accuracy network differs from HEAD in",
        "three-epochs 5.250 selu train.epochs=3",
        "workspace 4.750 selu train.schedule=cosine",
        "small-mlp 4.375 selu conf/model/mlp.yaml:units=[64]",
        "HEAD 4.250 selu",
        "Mean ± standard deviation over runs of the best network on validation data.",
    ]
    assert lines_of("compare", "--last", "1")[-1] == (
        "1 older experiment: `fathom compare --last 2`"
    )


def test_lists_only_what_the_settings_of_a_revision_name(repository: Path) -> None:
    edit(Path("params.yaml"), "datasets=[digits]", "models=[mlp]")
    Path("src/new.py").write_text("")
    workspace = [line for line in lines_of("compare") if line.startswith("workspace")]
    assert workspace == ["workspace 4.000 mlp datasets=[digits]"]
    Path("params.yaml").write_text("{}")
    git("commit", "-qam", "no models")
    assert lines_of("compare", "--last", "1")[0] == "houses"  # an experiment has them still


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_is_as_wide_as_the_terminal(
    repository: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    edit(Path("params.yaml"), f"train.schedule={'a-long-value' * 20}")
    write_metrics(0.5)
    for arguments in ((), ("HEAD",), ("HEAD", "small-mlp")):
        printed = run_command("compare", *arguments)
        assert printed.status == 0
        assert max(map(len, printed.out.splitlines())) <= columns
        assert "…" not in printed.out


def test_differences_of_two_revisions(repository: Path) -> None:
    head = git("rev-parse", "--short", "HEAD")
    assert lines_of("compare", "HEAD", "three-epochs") == [
        f"HEAD: commit {head}",
        f"three-epochs: experiment on commit {head}",
        "Code and data: no file differs",
        "Settings",
        "file key HEAD three-epochs",
        "params.yaml train.epochs 60 3",
        "houses",
        "model test HEAD three-epochs change verdict",
        "mlp RMSE 4.000 5.000 +1.0 worse",
        "mlp MAE 4.000 5.000 +1.0 worse",
        "selu RMSE 4.250 5.250 +1.0 worse",
        "selu MAE 4.250 5.250 +1.0 worse",
        "digits",
        "model test HEAD three-epochs change verdict",
        "mlp accuracy 4.000 5.000 +1.0 better",
        "selu accuracy 4.250 5.250 +1.0 better",
        "Mean ± standard deviation (sd) over runs. within sd: the change is not larger than the "
        "standard",
        "deviation of the difference of two runs.",
    ]
    verdicts = [
        line.split()[-1] for line in lines_of("compare", "HEAD", "small-mlp") if "+" in line
    ]
    assert verdicts == ["sd"] * 6


def test_compares_with_the_workspace(repository: Path) -> None:
    head = git("rev-parse", "--short", "HEAD")
    assert lines_of("compare", "main") == [
        f"main: commit {head}",
        f"workspace: the working folder, on commit {head}",
        "Code and data: no file differs",
        "Settings: none differs",
        "Test metrics: none differs",
    ]
    Path("src/train.py").write_text("changed")
    Path("src/new.py").write_text("")
    edit(Path("params.yaml"), "split={test: 0.5}")
    write_metrics(1, spread={})
    printed = lines_of("compare", "small-mlp", "workspace")
    assert printed[2] == "Code and data: src/new.py, src/train.py"
    assert "params.yaml split.test – 0.5" in printed
    assert "The split differs: the metrics are of other test rows." in printed
    assert "conf/model/mlp.yaml units [64] [300, 100]" in printed
    assert "mlp RMSE 4.125 5.000 +0.88 worse" in printed


def test_problems_are_one_line(repository: Path) -> None:
    assert lines_of("compare", "three-epoch", status=1) == [
        "fathom: there is no revision three-epoch; did you mean three-epochs?"
    ]
    assert lines_of("summary", "--against", "mian", status=1) == [
        "fathom: there is no revision mian; did you mean main?"
    ]
    Path("metrics/digits/comparison.json").unlink()
    assert lines_of("summary", status=1) == [
        "fathom: metrics/digits/comparison.json lacks networks: make it again with "
        "`dvc repro compare@digits`"
    ]
    Path("metrics/digits/mlp.json").write_text("{")
    assert lines_of("summary", status=1) == [
        "fathom: metrics/digits/mlp.json of workspace cannot be parsed: repair it"
    ]


def test_summary_compares_with_the_merge_base(repository: Path) -> None:
    base = git("rev-parse", "--short", "HEAD")
    git("checkout", "-q", "-b", "epochs")
    edit(Path("params.yaml"), "train.epochs=3")
    write_metrics(0.5)
    commit("three epochs")
    git("checkout", "-q", "main")
    write_metrics(7)
    commit("main goes on")
    git("checkout", "-q", "epochs")
    models, changes = run_command("summary").out.split("## Against ")
    assert models.splitlines()[:13] == [
        "# Fathom report",
        "",
        "## houses",
        "",
        "**mlp**: test RMSE 4.500, against 5.000 of the best baseline, linear: better.",
        "",
        "| model | test RMSE | test MAE | over runs | against linear |",
        "|---|---|---|---|---|",
        "| **mlp** | 4.500 | 4.500 | 4.5 ± 0.2 | −0.50 |",
        "| **selu** | 4.750 | 4.750 | 4.8 ± 0.2 | −0.25 |",
        "| linear | 5.000 | 5.000 |  |  |",
        "",
        "Validation RMSE selects the best models; the metrics are of the test set.",
    ]
    assert "Baselines were trained on a random sample of 1,000 training rows." in models
    assert changes.splitlines()[:7] == [
        f"{base}, the merge base with main",
        "",
        "- `train.epochs`: 60 → 3",
        "",
        "| data set | model | test | before | now | change | verdict |",
        "|---|---|---|---|---|---|---|",
        "| houses | mlp | RMSE | 4.000 | 4.500 | +0.50 | worse |",
    ]
    against = run_command("summary", "--against", "HEAD~2").out
    assert "## Against HEAD~2\n" in against
    assert "| houses | mlp | RMSE | 3.000 | 4.500 | +1.5 | worse |" in against


def test_summary_without_a_default_branch(repository: Path) -> None:
    git("branch", "-q", "-m", "main", "trunk")
    changes = run_command("summary").out.split("## Against ")[1]
    assert changes == (
        "HEAD (no branch origin/HEAD, main or master is there)\n\nNo test metric differs.\n"
    )
    git("update-ref", "refs/remotes/origin/trunk", "HEAD~1")
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    changes = run_command("summary").out.split("## Against ")[1]
    assert changes.startswith(f"{git('rev-parse', '--short', 'HEAD~1')}, the merge base with ")
    assert "| digits | selu | accuracy | 3.250 | 4.250 | +1.0 | better |" in changes
