"""Snapshots of a query's result in `data/own/`, and `fathom refresh`, which takes one anew."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from pyarrow import parquet

from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean
from fathom.base.files import write_text
from fathom.base.tables import ROW_GROUP
from fathom.download.checksums import hash_files
from fathom.messages.dvc import require_dvc
from fathom.new_dataset.database_query import query_database
from fathom.new_dataset.dataset_file import Arguments
from fathom.new_dataset.new_dataset import DVC, Options, new_dataset, track
from fathom.settings.yaml_text import to_yaml

FUNCTION = "fathom.download.sources.database"


def new_dataset_of_query(url_env: str, options: Options) -> None:
    """Add the result of a query to the project, as `new_dataset` adds a file."""
    for option in ("sheet", "table"):
        if getattr(options, option) is not None:
            raise FathomError(f"--{option} is for files: write the query with --query")
    if options.name is None or options.query is None:
        example = "a database needs --name houses and --query, such as 'select * from houses'"
        raise FathomError(f"--url-env: {example}")
    with take_snapshot(url_env, options.query, options.name) as (file, arguments):
        new_dataset(file, options, arguments)


@contextmanager
def take_snapshot(url_env: str, query: str, name: str) -> Iterator[tuple[Path, Arguments]]:
    """Yield a Parquet file with the result of a query, and the arguments of its source."""
    table = query_database(url_env, query)
    (DVC / "tmp").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DVC / "tmp") as folder:
        file = Path(folder, f"{name}.parquet")
        parquet.write_table(table, file, row_group_size=ROW_GROUP)
        yield (
            file,
            {
                "url_env": (url_env, "the environment variable with the URL of the database"),
                "query": (query, f"`fathom refresh {name}` asks the database again"),
                "rows": (table.num_rows, ""),
                "sha256": (hash_files([file]), ""),
            },
        )


def refresh(name: str) -> None:
    """Ask the database of a data set again, and replace its snapshot, rows and checksum.

    Raises:
        FathomError: the data set is not one of a database, or the query fails. Nothing changes.
    """
    settings = paths.CONF / "dataset" / f"{name}.yaml"
    require_dvc()
    text, source = read_source(settings)
    with take_snapshot(source["url_env"], source["query"], name) as (file, arguments):
        new = {key: arguments[key][0] for key in ("rows", "sha256")}
        if new["sha256"] == source["sha256"]:
            print(f"{source['file']} is up to date: {new['rows']:,} rows")
            return
        text = replace_values(settings, text, new)
        with track(file, Path(source["file"])):
            write_text(settings, text)
    print(f"{source['file']} has {new['rows']:,} rows, before {source['rows']:,}")


def replace_values(settings: Path, text: str, values: dict[str, Any]) -> str:
    """Return settings with other values in `dataset.source`; comments and all else stay."""
    for key, value in values.items():
        text = re.sub(rf"(?m)^( +{key}: *)\S+", rf"\g<1>{to_yaml(value)}", text, count=1)
    source = yaml.safe_load(text)["dataset"]["source"]
    if {key: source[key] for key in values} != values:
        raise FathomError(
            f"{settings}: write rows and sha256 of dataset.source in lines of their own"
        )
    return text


def read_source(settings: Path) -> tuple[str, dict[str, Any]]:
    """Return a file of settings and its `dataset.source`, which must be a database."""
    if not settings.is_file():
        names = [file.stem for file in settings.parent.glob("*.yaml")]
        near = did_you_mean(settings.stem, names)
        raise FathomError(f"there is no data set {settings.stem!r}{near}")
    text = settings.read_text(encoding="utf-8")
    try:
        source = yaml.safe_load(text)["dataset"]["source"]
        wrong = source["_target_"] != FUNCTION
    except (yaml.YAMLError, KeyError, TypeError):
        wrong = True
    keys = ("file", "url_env", "query", "rows", "sha256")
    if wrong or any(key not in source for key in keys):
        raise FathomError(
            f"{settings}: dataset.source is no {FUNCTION} with {', '.join(keys)}: only what "
            "`fathom new-dataset --url-env` wrote can be refreshed"
        )
    return text, source
