"""The examples for continuous integration: valid, and of commands that are there."""

import os
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml
from conftest import ROOT, run_in
from stages import run_command

from fathom.base import paths
from fathom.report import provenance

SCHEMAS = {
    ".github/workflows/fathom.yml": "vendor.github-workflows",
    ".gitlab-ci.yml": "vendor.gitlab-ci",
}


def scripts(file: str) -> str:

    def within(node: Any) -> list[str]:
        if isinstance(node, dict):
            shell = [node[key] for key in ("run", "script", "after_script") if key in node]
            lines = [line for part in shell for line in ([part] if isinstance(part, str) else part)]
            return lines + [line for value in node.values() for line in within(value)]
        return [line for value in node for line in within(value)] if isinstance(node, list) else []

    return "\n".join(within(yaml.safe_load((ROOT / file).read_text())))


@pytest.mark.parametrize("file", SCHEMAS)
def test_follows_its_schema(file: str) -> None:
    # In this process it would change how ruamel.yaml reads dates.
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[file], file]
    run_in(ROOT, *command)


@pytest.mark.parametrize("file", SCHEMAS)
def test_tests_runs_and_shows_what_is_there(file: str) -> None:
    shell = scripts(file)
    assert "make test" in shell or ".ci/run" in shell
    assert "make repro" in shell
    for target in re.findall(r"\bmake (\S+)", shell):
        run_in(ROOT, "make", "--dry-run", target)
    for program in re.findall(r"^\.\S+$", shell, re.MULTILINE):
        assert os.access(ROOT / program, os.X_OK), program
    subprocess.run(["bash", "-n", "-c", shell], check=True)
    shown = set(re.findall(r"report/[\w.]+", (ROOT / file).read_text()))
    assert shown == {str(paths.REPORT), str(provenance.FILE)}
    (summary,) = re.findall(r"\.venv/bin/fathom (summary --against) \S+ >summary.md$", shell, re.M)
    assert run_command(*summary.split(), "HEAD").status == 0


def test_a_workflow_may_do_no_more_than_it_has_to() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/fathom.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    writes = {name: job.get("permissions") for name, job in workflow["jobs"].items()}
    repro = {"contents": "read", "pull-requests": "write"}
    assert writes == {"test": None, "docs": None, "repro": repro}
    # what others write, such as the name of a branch, is not put into a command
    assert "${{" not in scripts(".github/workflows/fathom.yml")
    (only,) = (ROOT / ".github/workflows").iterdir()
    assert only.name == "fathom.yml"
