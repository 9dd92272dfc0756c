"""Checks that DVC can use Git's repository, and keep experiments there."""

from collections.abc import Iterator

from fathom.doctor.findings import OK, WARNING, WRONG, Finding
from fathom.experiments.revisions import FILES
from fathom.messages.dvc import dvc_problem
from fathom.messages.git import WITHOUT_GIT, git, git_problem
from fathom.search.dvc_experiment import experiment_problem, has_no_scm

CONVERTED = ["i/lf", "w/crlf"]  # in the index, and in the working folder


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
