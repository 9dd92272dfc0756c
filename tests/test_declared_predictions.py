"""From declarations to predictions: the file of a data set predicts as its rows in the pipeline."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import LEAN, export_network, prepare
from stages import plant_few_trees, run_command, write_dataset

from fathom.artifacts.date_texts import write_date
from fathom.base import paths

ROWS = 240
COLUMNS: dict[str, Any] = {
    "Preis": {"kind": "number", "decimal": ",", "thousands": ".", "unit": "€"},
    "Rabatt": {"kind": "number", "unit": "%", "missing": ["-1%"]},
    "Saldo": {"kind": "integer", "parentheses": True},
    "PLZ": "category",
    "Note": {"kind": "ordinal", "order": ["gut", "mittel", "schlecht"]},
    "Keller": "boolean",
    "Verkauft": {"kind": "date", "format": "%d.%m.%Y"},
    "Kürzel": {"kind": "category", "missing": ["?"]},
    "Nummer": "text_id",
    "Dauer": {"kind": "number", "format": "h:mm:ss"},
    "Angelegt": {"kind": "date", "format": "unix milliseconds"},
    "Geliefert": {"kind": "date", "format": "%d. %B %Y", "language": "de"},
    "Umsatz": {"kind": "number", "decimal": ",", "unit": "€", "magnitudes": True},
    "Klasse": {"kind": "category", "missing": []},
}


def written() -> pd.DataFrame:
    """Return a table as a German office writes it."""
    rng = np.random.default_rng(1)
    price = rng.uniform(100, 9_999_999, ROWS)
    dates = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, ROWS), unit="D")
    balance = rng.integers(-900, 900, ROWS)
    return pd.DataFrame(
        {
            "Preis": [f"{p:,.2f} €".translate(str.maketrans(",.", ".,")) for p in price],
            "Rabatt": [f"{n}%" for n in rng.integers(-1, 40, ROWS)],
            "Saldo": [f"({-n})" if n < 0 else str(n) for n in balance],
            "PLZ": rng.choice(["01067", "1067", "20095"], ROWS),
            "Note": rng.choice(["gut", "mittel", "schlecht", ""], ROWS),
            "Keller": rng.choice(["true", "False", "TRUE"], ROWS),
            "Verkauft": dates.strftime("%d.%m.%Y"),
            "Kürzel": rng.choice(["NA", "nan", "B", "?"], ROWS),
            "Nummer": [f"5.33E+{n}" for n in range(ROWS)],
            "Dauer": [f"{n // 60}:{n % 60:02d}" for n in rng.integers(0, 9_999, ROWS)],
            "Angelegt": dates.as_unit("ms").astype("int64") + 3_600_000 * np.arange(ROWS),
            "Geliefert": [write_date(date, "%d. %B %Y", "de") for date in dates],
            "Umsatz": [f"{n / 10:.1f} Mio. €".replace(".", ",", 1) for n in range(ROWS)],
            "Klasse": np.where(balance < -100, "None", np.where(balance < 300, "NA", "hoch")),
        }
    )


@pytest.mark.slow
def test_new_rows_predict_as_in_the_pipeline(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, file = written(), workspace / "data/own/Verkäufe.csv"
    file.parent.mkdir(parents=True)
    table.to_csv(file, sep=";", index=False, header=False, encoding="cp1252")
    names = {name: f"column_{number}" for number, name in enumerate(table, 1)}
    source = {
        "_target_": "fathom.download.sources.table_file",
        "file": "data/own/Verkäufe.csv",
        "delimiter": ";",
        "encoding": "cp1252",
        "header": False,
    }
    settings = {
        "source": source,
        "task": "classification",
        "target": names["Klasse"],
        "columns": {names[name]: column for name, column in COLUMNS.items()},
    }
    write_dataset(workspace, "sales", settings)
    prepare(workspace, ["sales"])
    plant_few_trees(monkeypatch)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    export_network("sales", "mlp", *LEAN)

    wanted = pd.read_parquet(paths.predictions("sales", "mlp"))
    new = table.drop(columns="Klasse").iloc[wanted["row"]]
    new.to_csv("new.csv", sep=";", index=False, header=False, encoding="cp1252")
    new.rename(columns=names).to_excel("new.xlsx", index=False)
    for file_name in ("new.csv", "new.xlsx"):
        done = run_command("predict", "sales/mlp", file_name, "-o", "out.csv")
        assert (done.status, done.err.splitlines()[0]) == (0, "not used by the model: column_9")
        found = pd.read_csv("out.csv", keep_default_na=False, dtype={"column_4": str})
        assert set(found["predicted"]) <= {"None", "NA", "hoch"}
        for name in ("hoch", "NA", "None"):
            probability = f"probability_{name}"
            np.testing.assert_allclose(found[probability], wanted[probability], atol=1e-5)

    new.iloc[3, 0] = "1,5 Mio"
    new.to_csv("new.csv", sep=";", index=False, header=False, encoding="cp1252")
    done = run_command("predict", "sales/mlp", "new.csv", "-o", "out.csv")
    assert (done.status, done.err.splitlines()[1]) == (
        1,
        "fathom: new.csv: column 'column_1' holds '1,5 Mio' in row 3, which is no number (decimal: "
        "',', thousands: '.', unit: '€'): correct it, or leave it empty if it is not known",
    )
