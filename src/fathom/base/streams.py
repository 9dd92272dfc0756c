"""Standard streams that take all that Fathom prints."""

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
