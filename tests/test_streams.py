"""Standard streams that are closed, or lack letters."""

import subprocess
import sys

PROGRAM = """
import os, sys
from fathom.base.process import open_streams
open_streams()
assert sys.stdin.buffer.read() == b""
print("1", "×", file=sys.stdout, flush=True)
print("2", "×", file=sys.stderr, flush=True)
assert [os.isatty(number) for number in range(3)] == [False] * 3
os.write(3, b"passed")
"""


def run_program(redirection: str, **variables: str) -> "subprocess.CompletedProcess[bytes]":
    """Run the program in a shell that redirects its streams; the standard output comes last."""
    shell = f'exec 3>&1; exec "$0" -c "$1" {redirection}'
    return subprocess.run(
        ["sh", "-c", shell, sys.executable, PROGRAM],
        stdin=subprocess.DEVNULL,
        env={"PYTHONPATH": ":".join(sys.path), **variables},
        capture_output=True,
        check=True,
    )


def test_closed_streams() -> None:
    for closed in ("<&-", "<&- >&-", "2>&-", "<&- >&- 2>&-"):
        assert run_program(closed).stdout.endswith(b"passed"), closed


def test_streams_that_lack_letters() -> None:
    done = run_program("</dev/null", PYTHONIOENCODING="ascii")
    assert (done.stdout, done.stderr) == (b"1 ?\npassed", b"2 ?\n")
