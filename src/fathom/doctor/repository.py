"""Checks that DVC can use Git's repository, and keep experiments there."""

from collections.abc import Iterator

from fathom.doctor.findings import OK, WARNING, WRONG, Finding
from fathom.messages.dvc import dvc_problem
from fathom.messages.git import WITHOUT_GIT, git_problem
from fathom.search.dvc_experiment import experiment_problem, has_no_scm


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
