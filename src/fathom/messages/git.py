"""What Git knows about the project, and why it may know nothing."""

import os
import subprocess

from fathom.base import paths

WITHOUT_GIT = "or `dvc config core.no_scm true` to work without experiments"
FIRST_COMMIT = "`git add -A` and `git commit -m start`"


def git(*arguments: str) -> str:
    """Return what Git prints, "" if it fails or is not installed."""
    try:
        done = run_git(*arguments)
    except OSError:
        return ""
    return os.fsdecode(done.stdout).strip() if done.returncode == 0 else ""


def run_git(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"LC_ALL": "C"}  # reasons in English
    command = ["git", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, env=environment, check=False)


def git_problem() -> str | None:
    """Return why Git does not know the project in the working folder, and what to do, or None."""
    if git("rev-parse", "--verify", "--quiet", f"HEAD:./{paths.PARAMS}"):
        return None
    try:
        done = run_git("rev-parse", "--show-cdup")
    except OSError:
        return "Git is not installed: install it"
    if done.returncode:
        return refusal(os.fsdecode(done.stderr).strip())
    ignored = git("check-ignore", "--verbose", str(paths.PARAMS))
    if ignored:
        file, line, pattern = ignored.partition("\t")[0].split(":", 2)
        return f"Git ignores this folder: delete {pattern}, line {line}, from {file}"
    return f"{paths.PARAMS} of this folder is in no commit: run {FIRST_COMMIT}"


def refusal(reason: str) -> str:
    """Return why Git refuses to work here, by what it prints."""
    lines = [line.strip() for line in reason.splitlines()]
    if "safe.directory" in lines[-1]:
        return f"Git refuses this folder, which belongs to another user: run `{lines[-1]}`"
    if lines[-1].startswith("fatal: not a git repository (or any"):
        return f"this folder is in no Git repository: run `git init`, {FIRST_COMMIT}"
    return f"Git cannot read this repository: {' '.join(lines).removeprefix('fatal: ')}"


def is_shallow() -> bool:
    """Tell whether older commits are missing, as in a clone with `--depth`."""
    return git("rev-parse", "--is-shallow-repository") == "true"
