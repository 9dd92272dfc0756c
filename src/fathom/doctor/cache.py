"""Checks DVC's cache."""

from collections.abc import Iterator
from pathlib import Path

from fathom.doctor.findings import OK, WRONG, Finding, gibibytes


def check_cache() -> Iterator[Finding]:
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            cache = Path(repo.cache.local.path)
    except NotDvcRepoError:
        yield WRONG, "this folder is no DVC repository: run `dvc init`, or clone it again"
        return
    sizes = [file.stat().st_size for file in cache.rglob("*") if file.is_file()]
    place = cache.relative_to(Path.cwd()) if cache.is_relative_to(Path.cwd()) else cache
    yield OK, f"cache: {len(sizes):,} files, {gibibytes(sum(sizes))}, in {place}"
