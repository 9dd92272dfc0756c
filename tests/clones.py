"""Clones with a remote, and a connection that breaks."""

import itertools
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from conftest import run_in
from dvc.repo import Repo

from fathom.report import provenance

MADE = ["data", "exports", "metrics", "models", "plots", "report"]


def remote(folder: Path, **options: str) -> None:
    for key, value in options.items():
        run_in(folder, "dvc", "remote", "modify", "team", key, value)


def another(of: Path, folder: Path) -> Path:
    run_in(of, "git", "clone", "--quiet", str(of), str(folder))
    return folder


def made(folder: Path) -> dict[str, bytes]:
    """Return the content of all outputs; of a page DVC does not track where it was built."""
    files = [file for top in MADE for file in (folder / top).rglob("*") if file.is_file()]
    files = [file for file in files if file.name != provenance.FILE.name]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def digest(folder: Path, path: Path) -> str:
    """Return the MD5 by which DVC knows an output or a file in one."""
    with Repo(str(folder)) as repo:
        return str(repo.index.data["repo"][(*path.parts,)].hash_info.value)


@contextmanager
def network(server: tuple[str, int], passes: Callable[[int], bool]) -> Iterator[str]:
    """Return the address of a way to the server that breaks when an upload, from 1, cannot pass."""
    uploads = itertools.count(1)
    broken = threading.Event()

    class Way(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(server) as onward:
                threading.Thread(target=back, args=(onward, self.request), daemon=True).start()
                while not broken.is_set() and (sent := self.request.recv(2**16)):
                    if sent.startswith(b"PUT ") and not passes(next(uploads)):
                        broken.set()
                    if broken.is_set():
                        return
                    onward.sendall(sent)

    def back(onward: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):  # one of them has gone
            while not broken.is_set() and (received := onward.recv(2**16)):
                to.sendall(received)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Way) as opened:
        opened.daemon_threads = True
        threading.Thread(target=opened.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{opened.server_address[1]}"
        opened.shutdown()


def pushed(store: Any, path: str) -> int:
    return len(store.find(f"team/{path}")) if store.exists(f"team/{path}") else 0
