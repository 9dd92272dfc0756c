"""Checks the environment variables: which Python stages run with, and what may change networks."""

import os
import subprocess
import sys
from collections.abc import Iterator

from fathom.base.environment import GIVEN, given_bits
from fathom.doctor.findings import OK, WARNING, WRONG, Finding

PRINT_PREFIX = "import sys; print(sys.prefix)"
SECONDS = 60
NOT_FOUND = 127  # exit status of a shell


def check_variables() -> Iterator[Finding]:
    yield check_python()
    for name in sorted(GIVEN):
        if name.startswith("KERAS_") and name != "KERAS_HOME":
            yield (
                WARNING,
                f"{name}={GIVEN[name]}: Fathom's programs ignore it; fathom.sklearn, which leaves "
                "Keras as it is, may refuse it",
            )
    for name, value in given_bits().items():
        yield (
            WARNING,
            f"{name}={value}: it may change the bits of networks, so run.json has it; "
            f"`unset {name}` for those of others",
        )


def check_python() -> Finding:
    """Run Python as DVC runs the commands of stages: by the user's shell, from PATH."""
    shell = GIVEN.get("SHELL") or "/bin/sh"
    command = [shell, "-c", f"python -c '{PRINT_PREFIX}'"]
    try:
        done = subprocess.run(
            command, env=GIVEN, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return WRONG, f"SHELL={shell} cannot run stages: {error}; run `export SHELL=/bin/sh`"
    found = done.stdout.strip()
    if done.returncode == 0 and os.path.realpath(found) == os.path.realpath(sys.prefix):
        return OK, "stages run with this Python"
    activate = f"run `. {sys.prefix}/bin/activate`"
    if found:
        return WRONG, f"`dvc repro` runs stages with the Python in {found}: {activate}"
    reason = (done.stderr.strip().splitlines() or [f"{shell} exits with {done.returncode}"])[-1]
    advice = activate if done.returncode == NOT_FOUND else "run `export SHELL=/bin/sh`"
    return WRONG, f"`dvc repro` cannot run stages: {reason}; {advice}"
