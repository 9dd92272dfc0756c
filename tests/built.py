"""A clone of the project with the outputs of every stage, for tests of `dvc` and `fathom repro`."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from conftest import CALIFORNIA, TWO_MODELS, clone, commit, edit, run_in
from stages import build_once

STAGES = ("download", "split", "check", "scale", "train", "evaluate", "baseline", "export")


def adopt(folder: Path, pipeline: Path, *names: str) -> None:
    """Give a clone the outputs that stages have in the fixture `pipeline`, and have DVC take them
    as made in the clone. The stages then need not run, each in a process of its own.
    """
    # Not above: importing DVC takes a second.
    from dvc.repo import Repo

    with chdir(folder), Repo() as repo:
        for name in names:
            for stage in repo.stage.collect(name):
                for out in stage.outs:
                    copy(pipeline / out.def_path, folder / out.def_path)
        for name in names:
            repo.commit(name, force=True)


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


@pytest.fixture(scope="session")
def built(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone in which `fathom repro` has run and everything is committed.

    Networks of digits were trained twice, those of California once; these have every format.
    """

    def build(folder: Path) -> None:
        clone(folder)
        edit(folder / "params.yaml", TWO_MODELS, "train.repeats=2")
        formats = "export={saved_model: true, onnx: true}"
        edit(folder / CALIFORNIA, "train={repeats: 1}", "scale.bins=8", formats)
        adopt(folder, pipeline, "collect", *STAGES[:-1], "compare", "explain")
        adopt(folder, pipeline, *(f"export@digits-{model}" for model in ("mlp", "wide_deep")))
        commit(folder)
        run_in(folder, "env", "PYTHONPATH=src", sys.executable, "-m", "fathom", "repro")
        commit(folder)

    shared = build_once(tmp_path_factory, "built", build)
    return Path(shutil.copytree(shared, tmp_path_factory.getbasetemp() / "built", symlinks=True))


@pytest.fixture
def project(built: Path) -> Iterator[Path]:
    """Return the built clone; it is restored after the test."""
    head = run_in(built, "git", "rev-parse", "HEAD").stdout.strip()
    yield built
    run_in(built, "git", "reset", "-q", "--hard", head)
    run_in(built, "git", "clean", "-qfd")
    refs = run_in(built, "git", "for-each-ref", "--format=%(refname)", "refs/exps").stdout
    for ref in refs.split():
        run_in(built, "git", "update-ref", "-d", ref)
    # Not above: importing DVC takes a second.
    from dvc.repo import Repo

    with Repo(str(built)) as opened:
        opened.checkout(force=True)
