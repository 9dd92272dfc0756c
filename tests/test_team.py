"""A project shared through a remote on S3: what one has built another gets, whatever happens."""

import logging
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import gt
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import s3fs  # type: ignore[import-untyped]
from built import STAGES, adopt
from clones import another, digest, made, network, pushed, remote
from conftest import clone, commit, edit, ran, repro, run_in
from moto.server import ThreadedMotoServer

pytestmark = pytest.mark.network

REPRO = ["make", "--silent", "--assume-old=setup", "repro"]  # with what runs the tests
TRAINED = "train@digits-mlp"
OTHERS = {"compare@digits", "explain@digits", "report", "gate"}  # they depend on all networks
RUN = "models/digits/mlp/run.json"
PUSH = ["dvc", "push", "--run-cache"]
ROWS = Path("data/split/digits/test.npy")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Return host and port of an S3 server with an empty bucket, for which credentials are set."""
    nothing = tmp_path_factory.mktemp("settings") / "none"
    nothing.touch()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": str(nothing),
            "AWS_SHARED_CREDENTIALS_FILE": str(nothing),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "NO_PROXY": "127.0.0.1",
        }.items():
            patch.setenv(name, value)
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        running = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        running.start()
        # Servers of one process share their content.
        urlopen(f"{url(running.get_host_and_port())}/moto-api/reset", data=b"").close()
        bucket(running.get_host_and_port()).mkdir("team")
        yield running.get_host_and_port()
        running.stop()


def url(server: tuple[str, int]) -> str:
    return f"http://{server[0]}:{server[1]}"


def bucket(server: tuple[str, int]) -> Any:
    return s3fs.S3FileSystem(
        endpoint_url=url(server), skip_instance_cache=True, use_listings_cache=False
    )


@pytest.fixture
def store(server: tuple[str, int]) -> Any:
    return bucket(server)


@pytest.fixture(scope="module")
def first(
    pipeline: Path, tmp_path_factory: pytest.TempPathFactory, server: tuple[str, int]
) -> Path:
    """Return a clone that has built and pushed everything, once with other settings, too."""
    folder = clone(tmp_path_factory.mktemp("first"))
    edit(folder / "params.yaml", "datasets=[digits]", "models=[mlp]", "gates={}")
    edit(folder / "params.yaml", "train.repeats=2")  # as in `pipeline`
    run_in(folder, "dvc", "remote", "add", "--default", "team", "s3://team/fathom")
    remote(folder, endpointurl=url(server), verify="true")
    commit(folder)
    repro(folder, "collect")
    adopt(folder, pipeline, *STAGES)
    assert set(ran(run_in(folder, *REPRO).stdout)) == OTHERS
    commit(folder)
    run_in(folder, *PUSH)
    edit(folder / "params.yaml", "train.epochs=1")
    assert repro(folder, TRAINED) == [TRAINED]
    run_in(folder, *PUSH)
    shutil.copy(folder / RUN, folder.parent / "one_epoch.json")
    run_in(folder, "git", "reset", "--quiet", "--hard")
    run_in(folder, "dvc", "checkout", "--quiet", "--force")
    return folder


def test_second_clone_gets_all_and_runs_nothing(first: Path, tmp_path: Path) -> None:
    second = another(first, tmp_path / "second")
    done = run_in(second, *REPRO)
    assert done.stdout.startswith("Pulling what the remote 'team' has; --no-pull does without\n")
    assert ran(done.stdout) == []
    assert made(second) == made(first)
    assert "report/index.html" in made(second)
    assert run_in(second, "git", "status", "--porcelain").stdout == ""


def test_settings_that_another_has_tried_run_nothing(first: Path, tmp_path: Path) -> None:
    third = another(first, tmp_path / "third")
    edit(third / "params.yaml", "train.epochs=1")
    assert repro(third, "--pull", TRAINED) == []
    trained = (third / RUN).read_bytes()
    assert trained == (first.parent / "one_epoch.json").read_bytes()
    assert trained != (first / RUN).read_bytes()


def test_without_a_remote_nothing_is_pulled(first: Path, tmp_path: Path) -> None:
    alone = shutil.copytree(first, tmp_path / "alone")
    run_in(alone, "dvc", "remote", "remove", "team")
    shutil.rmtree(alone / "report")
    done = run_in(alone, *REPRO)
    assert "Pulling" not in done.stdout
    assert ran(done.stdout) == []
    assert made(alone) == made(first)


def test_remote_that_does_not_answer(first: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    clone = another(first, tmp_path / "clone")
    remote(clone, endpointurl=f"http://127.0.0.1:{port}")
    done = run_in(clone, *REPRO, check=False)
    assert done.returncode != 0
    assert f'Could not connect to the endpoint URL: "http://127.0.0.1:{port}/' in done.stderr
    assert ran(done.stdout) == []


def test_s3_is_set_up_where_the_remote_is_there(first: Path, tmp_path: Path) -> None:
    install = "install --no-compile --quiet --require-hashes -r requirements-s3.txt"
    assert install in run_in(first, "make", "--dry-run", "setup").stdout
    alone = another(first, tmp_path / "alone")
    run_in(alone, "dvc", "remote", "remove", "team")
    assert install not in run_in(alone, "make", "--dry-run", "setup").stdout
    assert install in run_in(alone, "make", "--dry-run", "setup", "S3=1").stdout


@pytest.fixture
def shared(first: Path, tmp_path: Path, store: Any) -> Path:
    """Return a copy of the first clone with a remote of its own, which may be damaged."""
    folder = shutil.copytree(first, tmp_path / "shared")
    remote(folder, url=f"s3://team/{tmp_path.name}")
    commit(folder)
    store.copy("team/fathom/", f"team/{tmp_path.name}/", recursive=True)
    return folder


def test_damaged_in_the_remote(shared: Path, store: Any) -> None:
    """A clone builds a damaged file again, and stops at the damaged list of a folder.

    `dvc push` sees no reason to replace them. A push to a new place does.
    """
    place = f"team/{shared.parent.name}"
    addresses = []
    for damaged in (ROWS, ROWS.parent):
        name = digest(shared, damaged)
        addresses.append(f"{place}/files/md5/{name[:2]}/{name[2:]}")
        store.pipe(addresses[-1], b"garbage")
        clone = another(shared, shared.parent / damaged.name)
        done = run_in(clone, "dvc", "repro", "--pull", "split@digits", check=False)
        if damaged == ROWS:
            assert ran(done.stdout) == ["split@digits"]
            assert (clone / ROWS).read_bytes() == (shared / ROWS).read_bytes()
        else:
            assert f"object {name} is corrupted" in done.stderr
    run_in(shared, *PUSH, check=False)
    assert [store.cat(address) for address in addresses] == [b"garbage", b"garbage"]

    remote(shared, url=f"s3://{place}/mended")
    run_in(shared, *PUSH)
    commit(shared)
    second = another(shared, shared.parent / "second")
    run_in(second, "dvc", "pull")
    assert made(second) == made(shared)


def test_damaged_in_the_cache(shared: Path) -> None:
    """DVC takes it for sound and spreads it. A new clone gets the sound one from the remote."""
    before = made(shared)
    name = digest(shared, ROWS)
    file = shared / ".dvc/cache/files/md5" / name[:2] / name[2:]
    file.chmod(0o644)
    file.write_bytes(b"garbage")
    file.chmod(0o444)
    (shared / ROWS).unlink()
    run_in(shared, "dvc", "checkout", "--quiet")
    assert repro(shared, "--pull") == []
    assert (shared / ROWS).read_bytes() == b"garbage"
    clone = another(shared, shared.parent / "clone")
    run_in(clone, "dvc", "pull")
    assert made(clone) == before


def test_network_cut_in_the_middle_of_a_push(
    first: Path, tmp_path: Path, server: tuple[str, int], store: Any
) -> None:
    """Among the runs, which go first, and again among the files: the next push ends it."""
    path = tmp_path.name
    mine = shutil.copytree(first, tmp_path / "mine")
    arrived = [0]
    for last in (5, 30):
        with network(server, partial(gt, last)) as way:
            remote(mine, endpointurl=way, url=f"s3://team/{path}")
            assert run_in(mine, *PUSH, check=False).returncode != 0
        arrived.append(pushed(store, path))
    assert arrived == sorted(set(arrived))
    assert arrived[-1] < pushed(store, "fathom")
    remote(mine, endpointurl=url(server))
    commit(mine)
    theirs = another(mine, tmp_path / "theirs")
    assert run_in(theirs, "dvc", "pull", check=False).returncode != 0
    run_in(mine, *PUSH)
    run_in(theirs, "dvc", "pull")
    assert made(theirs) == made(first)


def test_two_pushes_at_once(first: Path, tmp_path: Path, server: tuple[str, int]) -> None:
    """Each waits with its first upload for the other's; then all of both is there."""
    both = threading.Barrier(2, timeout=120)

    def wait(number: int) -> bool:
        if number == 1:
            both.wait()
        return True

    one, other = (shutil.copytree(first, tmp_path / name) for name in ("one", "other"))
    edit(other / "params.yaml", "split.test=0.3")
    assert repro(other, "split@digits") == ["split@digits"]
    with network(server, wait) as way, network(server, wait) as other_way:
        remote(one, endpointurl=way, url=f"s3://team/{tmp_path.name}")
        remote(other, endpointurl=other_way, url=f"s3://team/{tmp_path.name}")
        with ThreadPoolExecutor() as threads:
            pushes = [threads.submit(run_in, folder, *PUSH) for folder in (one, other)]
        assert [push.result().returncode for push in pushes] == [0, 0]
    for folder in (one, other):
        remote(folder, endpointurl=url(server))
    commit(other)
    theirs = another(other, tmp_path / "theirs")
    run_in(theirs, "dvc", "pull")
    assert made(theirs) == made(other)
    run_in(theirs, "git", "checkout", "--quiet", "HEAD~1", "--", "dvc.lock")
    run_in(theirs, "dvc", "pull")
    assert made(theirs) == made(one) != made(other)


def test_both_have_changed_the_lock_file(first: Path, tmp_path: Path) -> None:
    """Their lines are not mixed, which would pass for a run of both settings."""
    mine = another(first, tmp_path / "mine")
    run_in(mine, "git", "config", "user.email", "test@example.com")
    run_in(mine, "git", "config", "user.name", "test")
    for branch, setting in (("side", "split.test=0.3"), ("main", "split.stratify=true")):
        run_in(mine, "git", "checkout", "--quiet", "-B", branch, "origin/main")
        edit(mine / "params.yaml", setting)
        assert repro(mine, "--pull", "split@digits") == ["split@digits"]
        commit(mine)
    assert run_in(mine, "git", "merge", "side", check=False).returncode != 0
    conflicts = run_in(mine, "git", "diff", "--name-only", "--diff-filter=U").stdout
    assert conflicts == "dvc.lock\n"
    assert repro(mine, "--pull", "split@digits") == ["split@digits"]
    commit(mine)
    assert run_in(mine, "git", "status", "--porcelain").stdout == ""
