"""A database by URL and query: its snapshot, and one line for all that can go wrong."""

import sqlite3
import sys
from pathlib import Path

import pandas as pd
import psycopg
import pytest
import yaml
from own_tables import make_project, new_dataset
from postgres import PASSWORD, QUOTED, free_port, postgres_server
from stages import make_stage, run_command, run_stage

QUERY = "select id, area, town, price from houses where price > 0 order by id"
N = 60


@pytest.fixture
def project(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project, and set DATABASE_URL to that of a database with a table of houses."""
    connection = sqlite3.connect(workspace / "houses.sqlite")
    connection.execute("create table houses (id, area, town, price)")
    rows = [(n, n * 1.5, "Köln" if n % 3 else "Bonn: 100 %", n * 10.25) for n in range(N)]
    connection.executemany("insert into houses values (?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{workspace}/houses.sqlite")
    return make_project(workspace, monkeypatch)


def add(query: str = QUERY, *more: str) -> str:
    option = ("--url-env", "DATABASE_URL", "--query", query, "--name", "houses")
    return new_dataset(*option, "--target", "price", *more)


def refusal(*arguments: str, status: int = 1) -> str:
    done = run_command(*arguments)
    assert done.status == status, done
    assert done.err.count("\n") == 1
    return done.err.rstrip("\n").removeprefix("fathom: ")


def refused(query: str = QUERY) -> str:
    options = ("--name", "houses", "--target", "price", "--query", query)
    message = refusal("new-dataset", "--url-env", "DATABASE_URL", *options)
    assert not Path("conf/dataset/houses.yaml").exists()
    assert not Path("data/own").exists()
    return message


def source() -> dict[str, object]:
    settings = yaml.safe_load(Path("conf/dataset/houses.yaml").read_text())
    found: dict[str, object] = settings["dataset"]["source"]
    return found


def run_sql(command: str) -> None:
    with sqlite3.connect("houses.sqlite") as connection:
        connection.execute(command)
    connection.close()


def test_a_snapshot_stays_until_it_is_refreshed(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = add()
    assert "DVC tracks data/own/houses.parquet" in out
    first, text = source(), Path("conf/dataset/houses.yaml").read_text()
    assert {key: first[key] for key in ("_target_", "file", "url_env", "query", "rows")} == {
        "_target_": "fathom.download.sources.database",
        "file": "data/own/houses.parquet",
        "url_env": "DATABASE_URL",
        "query": QUERY,
        "rows": N - 1,
    }
    assert "# `fathom refresh houses` asks the database again" in text
    assert "sqlite:" not in text
    make_stage("download", "dataset=houses")
    raw = Path("data/raw/houses")
    table = pd.read_parquet(raw / "data.parquet")
    assert table["id"].tolist() == list(range(1, N))
    assert table.loc[2, "town"] == "Bonn: 100 %"
    assert f"a query of the database in DATABASE_URL ({first['file']})" in (
        raw / "schema.json"
    ).read_text(encoding="utf-8")

    assert run_command("refresh", "houses").out == (
        "data/own/houses.parquet is up to date: 59 rows\n"
    )
    run_sql("delete from houses where id > 50")
    with monkeypatch.context() as patch:
        patch.delenv("DATABASE_URL")  # no stage asks the database
        make_stage("download", "dataset=houses")
        assert len(pd.read_parquet(raw / "data.parquet")) == N - 1

    assert run_command("refresh", "houses").out == (
        "data/own/houses.parquet has 50 rows, before 59\n"
    )
    new = source()
    assert new["rows"] == 50
    assert new["sha256"] != first["sha256"]
    changed = Path("conf/dataset/houses.yaml").read_text()
    assert len(set(text.splitlines()) ^ set(changed.splitlines())) == 4  # rows and sha256
    make_stage("download", "dataset=houses")
    assert len(pd.read_parquet(raw / "data.parquet")) == 50


def test_force_takes_a_new_snapshot_and_a_changed_one_is_refused(project: Path) -> None:
    add()
    run_sql("delete from houses where id > 51")
    assert "exists already: choose another --name" in refusal(
        "new-dataset", "--url-env", "DATABASE_URL", "--query", QUERY, "--name", "houses"
    )
    add(QUERY, "--force")
    assert source()["rows"] == 51
    pd.DataFrame({"a": [1]}).to_parquet("data/own/houses.parquet")
    assert run_stage("download", "dataset=houses").err.endswith(
        "download.py: conf/dataset/houses.yaml: dataset.source: data/own/houses.parquet is not "
        "the snapshot with 51 rows that dataset.source describes: `fathom refresh houses` takes a "
        "new one\n"
    )


def test_refuses_what_a_query_cannot_give(project: Path) -> None:
    assert refused("selct 1") == 'the query fails: near "selct": syntax error'
    assert refused("select * from house") == "the query fails: no such table: house"
    assert refused("select 1 as price where 0") == "the query returns no rows"
    assert refused("create table t (x)") == ("the query returns no table: begin it with select")
    assert refused("select x'00' as price") == (
        "the result of the query: column 'price' holds bytes in row 0, not a number, text, boolean "
        "or time: remove or convert it"
    )
    assert refused("select 1 as a, 2 as a").startswith(
        "the result of the query: columns 1 and 2 are both named 'a'"
    )


EXAMPLE = "postgresql://user:password@host:5432/database"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "the environment variable DATABASE_URL is not set: set it to the URL of the database, "
         f"such as {EXAMPLE}"),
        *((url, f"DATABASE_URL is not the URL of a database, such as {EXAMPLE}: in a password, "
           "write @ as %40, : as %3A and / as %2F")
          for url in ("houses", "postgresql://me:secret@1@host/base", "mysql://me@host:secret/b")),
        ("oracl://me:secret@host/base", "DATABASE_URL: there is no database of the kind 'oracl': "
         "begin the URL with one of postgres://, postgresql://, mysql://, mariadb://"),
        ("oracle+cx_oracle://me:secret@host/base",
         "DATABASE_URL: cx_Oracle is not installed: `pip install cx_Oracle`"),
    ],
)  # fmt: skip
def test_refuses_a_wrong_url(
    project: Path, monkeypatch: pytest.MonkeyPatch, url: str, message: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert refused() == message


@pytest.mark.parametrize("kind", ["postgresql", "postgres", "mysql", "mariadb"])
def test_refuses_a_server_that_does_not_answer(
    project: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    url = f"{kind}://me:{QUOTED}@127.0.0.1:{free_port()}/base"
    monkeypatch.setenv("DATABASE_URL", url)
    message = refused()
    assert message.startswith("DATABASE_URL: no connection: ")
    assert "refused" in message
    assert "s3cret" not in message
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setitem(sys.modules, "pymysql", None)
    driver = "psycopg" if kind.startswith("postgres") else "pymysql"
    assert refused() == f"DATABASE_URL: {driver} is not installed: `DB=1 make setup`"


def test_refuses_options_that_do_not_fit(project: Path) -> None:
    url = ("new-dataset", "--url-env", "DATABASE_URL")
    needs = "--url-env: a database needs --name houses and --query, such as 'select * from houses'"
    assert refusal(*url, "--name", "houses") == needs
    assert refusal(*url, "--query", QUERY) == needs
    assert refusal(*url, "--table", "houses") == (
        "--table is for files: write the query with --query"
    )
    assert "name a FILE, or a database with --url-env" in run_command("new-dataset").err
    assert refusal("refresh", "digts") == "there is no data set 'digts'; did you mean digits?"
    assert refusal("refresh", "digits") == (
        "conf/dataset/digits.yaml: dataset.source is no fathom.download.sources.database with "
        "file, url_env, query, rows, sha256: only what `fathom new-dataset --url-env` wrote can be "
        "refreshed"
    )
    assert refusal("new-dataset", "houses.sqlite", "--sheet", "a") == (
        "dataset.source.sheet is for files with .xlsx, .xlsm, .xlsb, .xls, .ods, not for "
        "houses.sqlite"
    )
    out = new_dataset("houses.sqlite", "--query", QUERY, "--target", "price")
    assert "DVC tracks data/own/houses.sqlite" in out
    assert source()["query"] == QUERY


HOUSES = """
create type size as enum ('small', 'large');
create table houses (
    id bigint, area numeric(9, 2), town text, size size, garden boolean, sold date,
    seen timestamptz, price double precision
);
insert into houses select n, n * 1.25, case when n % 7 = 0 then null else 'Köln ' || n % 3 end,
    (case when n % 2 = 0 then 'small' else 'large' end)::size, n % 3 = 0,
    date '2020-01-01' + n::int, '2020-01-01 12:00+02'::timestamptz, n * 10
    from generate_series(1, 120000) as n;
"""


@pytest.mark.slow
def test_a_server_of_postgresql(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "select * from houses where town like 'Köln%' or town is null order by id"
    with postgres_server() as url:
        monkeypatch.setenv("DATABASE_URL", url)
        with psycopg.connect(url) as connection:
            connection.execute(HOUSES)
        wrong = url.replace(QUOTED, "wr0ng")
        monkeypatch.setenv("DATABASE_URL", wrong)
        message = refused(query)
        assert 'password authentication failed for user "tester"' in message
        assert "wr0ng" not in message
        monkeypatch.setenv("DATABASE_URL", url.replace("/postgres", "/base"))
        assert 'database "base" does not exist' in refused(query)
        monkeypatch.setenv("DATABASE_URL", url)
        assert refused("select * from house") == (
            'the query fails: relation "house" does not exist'
        )
        assert "syntax error" in refused("delete from houses returning *")
        add(query)
    assert PASSWORD not in Path("conf/dataset/houses.yaml").read_text()
    make_stage("download", "dataset=houses")  # the server has stopped
    table = pd.read_parquet("data/raw/houses/data.parquet")
    assert len(table) == 120_000
    row = table.loc[[6, 119_999]].astype(object).where(table.notna(), None)
    assert row.to_dict("list") == {
        "id": [7, 120_000],
        "area": [8.75, 150_000],
        "town": [None, "Köln 0"],
        "size": ["large", "small"],
        "garden": [False, True],
        "sold": [
            pd.Timestamp("2020-01-08"),
            pd.Timestamp("2020-01-01") + pd.Timedelta(120_000, "D"),
        ],
        "seen": [pd.Timestamp("2020-01-01 10:00")] * 2,
        "price": [70, 1_200_000],
    }
    assert refusal("refresh", "houses").startswith("DATABASE_URL: no connection: ")
