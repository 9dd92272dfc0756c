"""Why DVC cannot work in this process and folder."""

import getpass
import os
import re
from pathlib import Path

from fathom.base.errors import FathomError


def require_dvc() -> None:
    """Raise a FathomError if DVC cannot work."""
    problem = dvc_problem()
    if problem:
        raise FathomError(problem)


def dvc_problem() -> str | None:
    """Return why DVC would end with a traceback here, and what to do, or None."""
    from dvc.dirs import global_config_dir

    try:
        global_config_dir()
    except RuntimeError as error:  # a container may run as a user that it does not know
        return f"DVC {error}"
    try:
        getpass.getuser()
    except (KeyError, OSError):
        return "DVC asks for the name of this user, who has none: set USER to any name"
    folder = Path.cwd()
    if re.search("[{}]", str(folder)):  # DVC takes them for fields of a format
        return f"DVC cannot work in {folder}: rename the folder without {{ and }}"
    if not is_writable():
        return f"DVC cannot write to {folder}: allow it, or copy the project"
    return None


def is_writable() -> bool:
    """Tell whether DVC can write to the project in the working folder."""
    return all(os.access(path, os.W_OK) for path in (Path(), Path(".dvc")) if path.exists())
