"""How long an epoch of training takes by Fathom, by Keras' `fit`, PyTorch and scikit-learn:

python bench/epochs.py [--quick] [--rounds N] [--only TEXT] [--json FILE]

Contenders are processes of their own, so that memory and threads are theirs, and train one epoch
each in turn: what slows the machine for a while slows them all. Validation is not part of it.
Figures are medians of the epochs behind the first, which compiles. Prints Markdown.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cases import CASES, OTHERS, Case
from contenders import BARE, BENCH, COMPILED, ENVIRONMENT, EPOCHS, SCRIPTS, Contender
from prepared import Facts

PACKAGES = ("tensorflow", "keras", "torch", "scikit-learn", "numpy")
REST = 0.2  # seconds until threads that wait by spinning are at rest


def timed(case: Case, rounds: int) -> tuple[Facts, list[Contender]]:
    """Let every contender train `rounds` epochs behind its first."""
    with tempfile.TemporaryDirectory(prefix="fathom-bench-") as temporary:
        folder = Path(temporary)
        shutil.copytree(BENCH.parent / "conf", folder / "conf")
        shutil.copy(BENCH.parent / "params.yaml", folder)
        prepare = [sys.executable, str(BENCH / "prepare.py"), str(case.times), *case.overrides]
        done = subprocess.run(prepare, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr)
        names = [name for name in SCRIPTS if name not in OTHERS or name in case.others]
        contenders = [Contender.start(name, folder) for name in names]
        for contender in contenders:
            contender.answer()
        for _ in range(rounds + 1):
            for contender in contenders:
                time.sleep(REST)
                contender.train_epoch()
        for contender in contenders:
            contender.process.communicate()
        return Facts.read(folder), contenders


def table(case: Case, facts: Facts, contenders: list[Contender]) -> Iterator[str]:
    by_name = {contender.name: contender for contender in contenders}
    for name in (BARE, COMPILED):  # all others are compared with them
        if by_name[name].failure is not None:
            sys.exit(f"{name}: {by_name[name].failure}")
    bare, compiled = min(by_name[BARE].seconds), by_name[COMPILED]
    engine = compiled.epochs[0]
    yield f"### {case.title}"
    yield ""
    yield (
        f"{facts.rows:,} rows ({facts.data}), batch {facts.batch_size}, {facts.weights:,} weights. "
        f"Bare matrix products of an epoch: {rounded(bare)} s. "
        f"Fathom's rule: {'XLA' if engine['xla'] else 'graph'}; {engine['why']}."
    )
    yield ""
    yield (
        "| | epoch, s | as many times | bare products / epoch | compiling, s "
        f"| {EPOCHS} epochs, s | as many times | peak memory, MiB |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for name in SCRIPTS:
        if name == BARE:
            continue
        cells = ["—"] * 7
        if name in by_name:
            cells = row(by_name[name], compiled, bare)
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""


def row(contender: Contender, compiled: Contender, bare: float) -> list[str]:
    """Return a contender's figures; `bare` is seconds."""
    if contender.failure is not None:
        return [f"failed: {contender.failure}", *[""] * 6]
    return [
        rounded(contender.median),
        rounded(contender.median / compiled.median, 2),
        f"{rounded(100 * bare / contender.median, 2)} %",
        rounded(contender.compiling, 2),
        rounded(contender.training),
        rounded(contender.training / compiled.training, 2),
        f"{contender.memory:,.0f}",
    ]


def rounded(value: float, digits: int = 3) -> str:
    """Return a number with so many digits that count, and never with an exponent."""
    decimals = digits - 1 - math.floor(math.log10(value)) if value else 0
    return f"{round(value, decimals):,.{max(decimals, 0)}f}"


def raw(case: Case, facts: Facts, contenders: list[Contender]) -> dict[str, Any]:
    epochs = {contender.name: contender.failure or contender.epochs for contender in contenders}
    return {"title": case.title, "times": case.times, **asdict(facts), "epochs": epochs}


def main() -> None:
    parser = argparse.ArgumentParser(description="Times an epoch of training.")
    parser.add_argument("--quick", action="store_true", help="one round, no repeated rows")
    parser.add_argument("--rounds", type=int, default=5, help="epochs that are timed")
    parser.add_argument("--only", default="", help="cases whose titles contain this")
    parser.add_argument("--json", type=Path, help="where to write all figures")
    chosen = parser.parse_args()
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {packages}.\n", flush=True)
    figures = []
    for case in CASES:
        if chosen.only.lower() in case.title.lower() and not (chosen.quick and case.times > 1):
            facts, contenders = timed(case, 1 if chosen.quick else chosen.rounds)
            print("\n".join(table(case, facts, contenders)), flush=True)
            figures.append(raw(case, facts, contenders))
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
