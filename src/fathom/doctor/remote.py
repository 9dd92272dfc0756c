"""What the default remote of DVC has of the outputs, read byte by byte.

DVC goes by names: it takes a file of a remote for what its name says unless the remote's setting
`verify` is on, and all files of a folder for being there if the list of them, its `.dir` file, is.
So a push does not bring back what is damaged or lost there.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fathom.doctor.finding import Finding, counted
from fathom.doctor.storage import has, kept, md5


def look_at_remote(repo: Any, mend: bool) -> Iterator[Finding]:
    """Read what the default remote has of the outputs; write anew what is amiss, or say how."""
    name = repo.config["core"].get("remote")
    if not name:
        yield Finding("warning", "there is no default remote: `dvc remote add -d NAME ADDRESS`")
        return
    try:
        yield from look_into(name, repo, mend)
    except Exception as error:  # each kind of remote has errors of its own
        said = " ".join(str(error).split())
        yield Finding("wrong", f"the remote {name} cannot be used: {said}")


def look_into(name: str, repo: Any, mend: bool) -> Iterator[Finding]:
    cache, remote = repo.cache.local, repo.cloud.get_remote_odb(name)

    def arrived(digest: str) -> bool:
        try:
            with remote.fs.open(remote.oid_to_path(digest), "rb") as opened:
                return md5(opened) == digest.removesuffix(".dir")
        except FileNotFoundError:
            return False

    def addresses(digests: list[str]) -> list[str]:
        return [remote.fs.unstrip_protocol(remote.oid_to_path(digest)) for digest in digests]

    digests = sorted({digest for _, digest in kept(repo)})
    with ThreadPoolExecutor(remote.fs.jobs) as pool:
        sound = list(pool.map(arrived, digests))
    amiss = [digest for digest, fine in zip(digests, sound, strict=True) if not fine]
    if not amiss:
        yield Finding("ok", f"the remote {name} has all {len(digests):,} files of the outputs")
        return
    if not mend:
        yield Finding(
            "wrong",
            f"damaged or missing in the remote {name}: {counted(addresses(amiss))}; `fathom doctor "
            "--remote --mend` writes them anew from this cache",
        )
        return
    held = [digest for digest in amiss if has(Path(cache.oid_to_path(digest)), digest)]
    lacking = [digest for digest in amiss if digest not in held]
    for digest in held:
        remote.add(cache.oid_to_path(digest), cache.fs, digest, check_exists=False)
    if held:
        what = f"damaged or missing in the remote {name}, written anew"
        yield Finding("ok", f"{what}: {counted(addresses(held))}")
    if lacking:
        yield Finding(
            "wrong",
            f"damaged or missing in the remote {name}, and in this cache: "
            f"{counted(addresses(lacking))}; do this where they were made, or `dvc repro` and push",
        )


def look_at_setting(repo: Any) -> Iterator[Finding]:
    """Tell whether what comes from the default remote is checked."""
    name = repo.config["core"].get("remote")
    if not name:
        return
    remote = repo.config["remote"].get(name, {})
    if remote.get("verify"):
        yield Finding("ok", f"remote {name}: {remote['url']}")
    else:
        yield Finding(
            "warning",
            f"remote {name}: damaged files would be taken as they come; "
            f"`dvc remote modify {name} verify true` has them checked",
        )
