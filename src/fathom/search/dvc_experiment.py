"""Pipelines with the settings of the best trials, as DVC experiments."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from fathom.base.environment import child_environment
from fathom.base.errors import FathomError
from fathom.messages.dvc import dvc_problem
from fathom.messages.git import git, git_problem, is_shallow


def experiment_problem() -> str | None:
    """Return why DVC cannot keep what `dvc exp run --temp` trains, and what to do, or None."""
    if problem := dvc_problem():
        return problem
    if problem := git_problem():
        return f"DVC keeps experiments in Git, but {problem}"
    if has_no_scm():
        return (
            "DVC keeps experiments in Git, but core.no_scm is set: run "
            "`dvc config --local core.no_scm false`"
        )
    if is_shallow():
        return (
            "DVC loses experiments that run in a copy of a shallow clone: "
            "run `git fetch --unshallow`"
        )
    if problem := unwritable_setting():
        return (
            f"DVC cannot write settings for an experiment in letters other than English: {problem}"
        )
    # DVC gives Git the address file://<folder>, which it does not quote.
    if letters := re.findall(r"[^ -~]|[#?]|%(?=[0-9A-Fa-f]{2})", str(Path.cwd())):
        return (
            f"DVC cannot run experiments in a copy of {Path.cwd()}: rename the folder without "
            f"{' '.join(dict.fromkeys(letters))}"
        )
    return None


def unwritable_setting() -> str | None:
    """Return which setting of this repository DVC cannot write, and what to do, or None.

    DVC copies those of Git and of `.dvc/config.local` as ASCII, but leaves the user's own alone.
    """
    from dvc.config import Config

    for setting in git("config", "--local", "--list", "-z").split("\0"):
        name, _, value = setting.partition("\n")
        if setting.isascii():
            continue
        if name.startswith("user."):
            move = f"git config --global {name} {shlex.quote(value)} && git config --unset {name}"
            return f"run `{move}`"
        return f"change the name or value of Git's {name}={value} in .git/config"
    if not str(Config(".dvc").read("local")).isascii():
        return "change those in .dvc/config.local"
    return None


def has_no_scm() -> bool:
    """Tell whether DVC works without Git here."""
    from dvc.config import Config

    return bool(Config(".dvc")["core"].get("no_scm"))


def run_experiment(name: str, overrides: list[str]) -> None:
    """Run the pipeline as a DVC experiment of this name, in a folder of its own."""
    dvc = [sys.executable, "-m", "dvc", "exp"]
    subprocess.run([*dvc, "remove", "--quiet", name], capture_output=True)  # from an earlier search
    options = [argument for override in overrides for argument in ("-S", override)]
    process = subprocess.run(
        [*dvc, "run", "--temp", "--name", name, *options],
        env=child_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    lines = [line for line in process.stdout.splitlines() if line.strip()]
    if process.returncode:
        # The line before DVC's error is the last one of the stage that failed.
        end = next((n for n, line in enumerate(lines, 1) if line.startswith("ERROR")), len(lines))
        raise FathomError(f"dvc exp run --name {name}: {'; '.join(lines[max(end - 2, 0) : end])}")
    if not git("for-each-ref", f"refs/exps/*/*/{name}"):
        last = "".join(lines[-1:])
        raise FathomError(f"dvc exp run --name {name}: DVC has lost the experiment: {last}")
