"""The files of DVC's cache, read byte by byte.

DVC takes a file of its cache for what its name says while that is read-only.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from fathom.doctor.finding import Finding, counted


def files_of_cache(repo: Any) -> list[Path]:
    """Return the files of the cache, the list of runs not among them."""
    return [Path(top, name) for top, _, names in os.walk(repo.cache.local.path) for name in names]


def kept(repo: Any) -> list[tuple[Path, str]]:
    """Return path and MD5 of every output and of every file in it, as far as the cache can tell."""
    from dvc_data.hashfile.tree import Tree
    from dvc_objects.errors import ObjectFormatError

    found = []
    for out in repo.index.outs:
        if not (out.use_cache and out.hash_info):
            continue
        found.append((Path(out.fs_path), out.hash_info.value))
        if out.hash_info.isdir:
            try:
                tree = Tree.load(repo.cache.local, out.hash_info)
            except (FileNotFoundError, ObjectFormatError):
                continue
            found += [(Path(out.fs_path, *key), info.value) for key, _, info in tree]
    return found


def look_at_cache(repo: Any, mend: bool) -> Iterator[Finding]:
    """Read every file of the cache; mend it, or say how."""
    damaged = [file for file in files_of_cache(repo) if not is_sound(file)]
    if not damaged:
        yield Finding("ok", "every file of the cache is what its name says")
    elif not mend:
        yield Finding(
            "wrong",
            f"damaged files in the cache: {counted(damaged)}; `fathom doctor --deep --mend` "
            "deletes them and what was made of them",
        )
    else:
        outputs = kept(repo)
        restored = [file for file in damaged if restore(file, outputs)]
        deleted = [file for file in damaged if file not in restored]
        if restored:
            what = "damaged files of the cache, made anew from the outputs"
            yield Finding("ok", f"{what}: {counted(restored)}")
        if deleted:
            what = "damaged files of the cache, deleted with what was made of them"
            yield Finding("warning", f"{what}: {counted(deleted)}; `make repro` brings them back")


def restore(file: Path, outputs: list[tuple[Path, str]]) -> bool:
    """Make a damaged file of the cache anew from an output, or delete it and the damaged outputs.

    DVC does not look into an output again that it has put there itself: left there, a damaged one
    would stay.
    """
    digest = digest_of(file)
    copies = [path for path, md5 in outputs if md5 == digest and path.is_file()]
    sound = [path for path in copies if has(path, digest)]
    file.unlink()
    for path in set(copies).difference(sound):
        path.unlink()
    if sound:
        part = file.with_name(f"{file.name}.part")
        shutil.copyfile(sound[0], part)
        part.chmod(0o444)  # as DVC protects its files
        part.replace(file)
    return bool(sound)


def digest_of(file: Path) -> str:
    return file.parent.name + file.name


def is_sound(file: Path) -> bool:
    """Tell whether a file of the cache has the MD5 that it is called by."""
    digest = digest_of(file)
    # others are DVC's own, or just being written
    return not re.fullmatch(r"[0-9a-f]{32}(\.dir)?", digest) or has(file, digest)


def has(file: Path, digest: str) -> bool:
    """Tell whether a file is there and has this MD5."""
    try:
        with file.open("rb") as opened:
            return md5(opened) == digest.removesuffix(".dir")
    except FileNotFoundError:
        return False


def md5(opened: IO[bytes]) -> str:
    return hashlib.file_digest(opened, "md5").hexdigest()  # type: ignore[arg-type]
