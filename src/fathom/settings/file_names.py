"""One rule for the names of data sets, models, experiments, searches and spaces.

A name is that of a file in conf/, a word in params.yaml and in Hydra's overrides, and a part of
paths and of DVC's names of stages and experiments.
"""

import re
import unicodedata
from typing import Any

from fathom.base import paths
from fathom.base.errors import did_you_mean

MAX_LENGTH = 64
NAME = re.compile(rf"[A-Za-z][A-Za-z0-9_-]{{0,{MAX_LENGTH - 1}}}")
VALUES = {"true", "false", "yes", "no", "on", "off", "null", "nan", "inf"}  # of YAML or Hydra
RULE = f"a name has at most {MAX_LENGTH} letters (A to Z), digits, _ and -, a letter first"
OWN_METRICS = ("baseline", "comparison")  # metrics/<dataset>/ has files of these names


def check_name(name: Any, group: str) -> Any:
    """Return a name that a file of this group in conf/ may have.

    Raises:
        ValueError: it may not.
    """
    problem = find_problem(name, group)
    if problem is None:
        return name
    raise ValueError(
        f"{name!r} cannot be a name in {paths.CONF}/{group}: {problem}; "
        f"rename it, for example to {suggest(name, group)}"
    )


def find_problem(name: Any, group: str) -> str | None:
    if not isinstance(name, str) or name.lower() in VALUES:
        return "YAML or Hydra does not read it as text"
    if not NAME.fullmatch(name):
        return RULE
    if group == "model" and name.lower() in OWN_METRICS:
        return f"metrics/<dataset>/{name.lower()}.json is not a network's"
    return None


def suggest(name: Any, group: str) -> str:
    prefix = group.rpartition("/")[2]
    return make_name(name if isinstance(name, str) else f"{prefix} {name}", prefix)


def make_name(text: str, prefix: str) -> str:
    """Return a name that resembles a text, with a prefix if it needs one."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore")
    name = re.sub("[^A-Za-z0-9]+", "_", plain.decode())[:MAX_LENGTH].strip("_")
    if find_problem(name, "model") is None:
        return name
    return f"{prefix}_{name}"[:MAX_LENGTH].rstrip("_")


def no_file(group: str, name: Any) -> str:
    """Return the text of an error: there is no file of this name in a group of conf/."""
    near = did_you_mean(str(name), options(group))
    return f"there is no {paths.CONF}/{group}/{name}.yaml{near}"


def options(group: str) -> list[str]:
    """Return the names of the files in a group of conf/.

    None.yaml is none.yaml again: DVC makes None of `experiment: null`.
    """
    names = {path.stem for path in (paths.CONF / group).glob("*.yaml")}
    return sorted(names - {"None"} if group == "experiment" else names)
