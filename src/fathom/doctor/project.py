"""Checks the project: its settings, folders and Git repository, DVC's cache, and own data."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.doctor.findings import OK, WARNING, WRONG, Finding, gibibytes
from fathom.download.own_files import check_pulled
from fathom.experiments.revisions import FILES
from fathom.messages.dvc import dvc_problem, is_writable
from fathom.messages.git import WITHOUT_GIT, git, git_problem
from fathom.messages.remedies import system_error_line
from fathom.search.dvc_experiment import experiment_problem, has_no_scm

FOLDERS = (
    "data", "models", "metrics", "plots", "report", "exports", "checkpoints", "logs", "studies",
    ".dvc/tmp", ".dvc/cache",
)  # fmt: skip
SOME_BYTES = bytes(4096)
CONVERTED = ["i/lf", "w/crlf"]  # line endings in the index, and in the working folder


def check_folders() -> Iterator[Finding]:
    """Write a temporary file into each folder of outputs, or into the one that it will be in."""
    if not is_writable():
        return  # `check_repository` tells it
    refused = False
    for folder in map(Path, FOLDERS):
        place = next(path for path in (folder, *folder.parents) if path.exists())
        try:
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(SOME_BYTES)
        except OSError as error:
            refused = True
            yield WRONG, system_error_line(OSError(error.errno, error.strerror, str(folder)))
    if not refused:
        yield OK, "all folders of outputs can be written to"
    left = [file for file in Path("checkpoints").rglob("*") if file.is_file()]
    if left:
        size = gibibytes(sum(file.stat().st_size for file in left))
        advice = "the same trainings go on from there; `rm -r checkpoints` deletes them"
        yield OK, f"checkpoints/ has {size} of trainings that have not ended: {advice}"


def check_settings() -> Iterator[Finding]:
    """Compose the settings of every network on every data set."""
    from fathom.settings.compose import compose
    from fathom.settings.config import Config, NetworkConfig
    from fathom.settings.selection import read_selection

    try:
        config = compose([], Config)
        experiment = f"experiment={read_selection().experiment}"
        for dataset in config.datasets:
            for model in config.models:
                compose([f"dataset={dataset}", f"model={model}", experiment], NetworkConfig)
    except FathomError as error:
        yield WRONG, str(error)
        return
    yield OK, f"settings: {', '.join(config.datasets)}, each with {', '.join(config.models)}"
    yield from check_unused_files()


def check_unused_files() -> Iterator[Finding]:
    """Find the files of conf/ that could not be chosen. The used ones are sound."""
    from fathom.settings.file_names import check_name
    from fathom.settings.yaml_values import check_yaml

    for path in sorted(paths.CONF.rglob("*.yaml")):
        group = path.parent.relative_to(paths.CONF)
        try:
            check_name(path.stem, group.as_posix())
            check_yaml(path)
        except (FathomError, ValueError) as error:
            yield WARNING, str(error)


def check_repository() -> Iterator[Finding]:
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo
    from dvc.scm import SCMError

    if problem := dvc_problem():
        yield WRONG, problem
        return
    try:
        Repo().close()
    except NotDvcRepoError:
        yield WRONG, "this folder is no DVC repository: run `dvc init`, or clone it again"
    except SCMError:
        yield WRONG, f"{git_problem()}, {WITHOUT_GIT}"
    else:
        if has_no_scm():
            yield OK, "works without Git (core.no_scm), and without experiments"
        elif problem := experiment_problem():
            yield WARNING, problem
        else:
            yield OK, "Git has this project: experiments can run"


def check_line_endings() -> Iterator[Finding]:
    """Check that files have the bytes of Git, by which DVC knows them."""
    listed = git("ls-files", "--eol", "-z", "--", *FILES).split("\0")
    converted = [line.partition("\t")[2] for line in listed if line.split()[:2] == CONVERTED]
    if converted:
        yield (
            WARNING,
            f"Git has converted the line endings of {len(converted)} files, such as "
            f"{converted[0]}, and DVC runs their stages again: commit your changes, then run "
            "`git rm -rq --cached .` and `git reset -q --hard`",
        )


def check_cache() -> Iterator[Finding]:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc_objects.fs.generic import test_links

    if dvc_problem():  # `check_repository` tells it
        return
    try:
        with Repo() as repo:
            odb = repo.cache.local
            cache, kinds = Path(odb.path), odb.cache_types
            link = str(Path("link").absolute())
            works = "copy" in kinds or test_links(kinds, odb.fs, odb.path, repo.fs, link)
    except DvcException:  # so, too
        return
    sizes = [file.stat().st_size for file in cache.rglob("*") if file.is_file()]
    place = cache.relative_to(Path.cwd()) if cache.is_relative_to(Path.cwd()) else cache
    if works:
        yield OK, f"cache: {len(sizes):,} files, {gibibytes(sum(sizes))}, in {place}"
    else:
        yield (
            WRONG,
            f"cache.type {','.join(kinds)}: no such link can lead from here to the cache in "
            f"{place}; run `dvc config cache.type reflink,copy`",
        )


def check_own_data() -> Iterator[Finding]:
    """Check that all data that DVC tracks in data/own/ is here: every download waits for it."""
    for pointer in sorted(paths.OWN.rglob("*.dvc")):
        try:
            check_pulled(pointer.with_suffix(""))
        except FathomError as error:
            yield WRONG, str(error)
