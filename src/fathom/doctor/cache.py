"""Checks DVC's cache, and data of one's own that DVC knows."""

from collections.abc import Iterator
from pathlib import Path

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.doctor.findings import OK, WRONG, Finding, gibibytes
from fathom.download.own_files import check_pulled
from fathom.messages.dvc import dvc_problem


def check_cache() -> Iterator[Finding]:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc_objects.fs.generic import test_links

    if dvc_problem():  # `check_repository` tells it
        return
    try:
        with Repo() as repo:
            odb = repo.cache.local
            cache, kinds = Path(odb.path), odb.cache_types
            link = str(Path("link").absolute())
            works = "copy" in kinds or test_links(kinds, odb.fs, odb.path, repo.fs, link)
    except DvcException:  # so, too
        return
    sizes = [file.stat().st_size for file in cache.rglob("*") if file.is_file()]
    place = cache.relative_to(Path.cwd()) if cache.is_relative_to(Path.cwd()) else cache
    if works:
        yield OK, f"cache: {len(sizes):,} files, {gibibytes(sum(sizes))}, in {place}"
    else:
        yield (
            WRONG,
            f"cache.type {','.join(kinds)}: no such link can lead from here to the cache in "
            f"{place}; run `dvc config cache.type reflink,copy`",
        )


def check_own_data() -> Iterator[Finding]:
    """Check that all data that DVC tracks in data/own/ is here: every download waits for it."""
    for pointer in sorted(paths.OWN.rglob("*.dvc")):
        try:
            check_pulled(pointer.with_suffix(""))
        except FathomError as error:
            yield WRONG, str(error)
