"""How a program of Fathom ends once its work is done."""

import atexit
import os
import sys


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
