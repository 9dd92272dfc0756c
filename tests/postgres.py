"""A PostgreSQL server of Debian's packages, for one test."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

PASSWORD = "s3cret@/:%"  # of characters with a meaning in URLs
QUOTED = "s3cret%40%2F%3A%25"


def find_programs() -> Path:
    """Return the folder of initdb and postgres, or skip the test."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = str(folders[-1]) if folders else shutil.which("initdb")
    if found is None:
        pytest.skip("there is no PostgreSQL server: apt-get install postgresql")
    return Path(found).parent


def other_user() -> dict[str, Any]:
    """Return arguments of a process: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    names = {user.pw_name for user in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """Start a server in a folder of its own; yield the URL of its database; stop and delete it."""
    programs, user, port = find_programs(), other_user(), free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "password").write_text(PASSWORD)
        for path in (folder, folder / "password"):
            if user:
                os.chown(path, user["user"], user["group"])
        initdb = [f"{programs}/initdb", "-D", "data", "-U", "tester", "-N", "--no-locale"]
        options = ["-E", "UTF8", "-A", "scram-sha-256", "--pwfile=password"]
        subprocess.run([*initdb, *options], check=True, capture_output=True, cwd=folder, **user)
        arguments = ["-D", "data", "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-F"]
        server = subprocess.Popen(
            [programs / "postgres", *arguments],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **user,
        )
        url = f"postgresql://tester:{QUOTED}@127.0.0.1:{port}/postgres"
        try:
            wait_for(url, server)
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # stops at once, in order
            server.wait(30)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert server.poll() is None, "the server has ended"
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return
