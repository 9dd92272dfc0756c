"""How a program of Fathom starts and ends: its standard streams, and threads of C++."""

import atexit
import io
import os
import sys
from pathlib import Path


def open_streams() -> None:
    """Replace closed standard streams, such as those of a daemon, by the null device.

    Letters that the encoding of an open one lacks, as in the locale C, are printed as `?`.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            # A new file takes the lowest free number, which programs that are started inherit.
            null = Path(os.devnull).open("w" if number else "r", encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, null)
        elif number and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def end_process() -> None:
    """End this process with status 0, after Python's exit handlers, without C++ destructors.

    Threads of TensorFlow and Arrow may still run, and a destructor then aborts the process now and
    then ("terminate called without an active exception"). DVC would take a stage whose outputs are
    complete for a failed one.
    """
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # a full disk, for example, which Python reports when it ends
        return
    os._exit(0)
