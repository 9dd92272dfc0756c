"""The steps of `fathom fit`: each is an ordinary command, and is not done twice."""

from __future__ import annotations

import signal
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import higher_is_better
from fathom.artifacts.search_result import SearchResult
from fathom.artifacts.training_log import TrainingLog, read_run
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import remove
from fathom.base.locks import only_process
from fathom.base.machine import cores
from fathom.fit import plan
from fathom.fit.lists import as_text, read_lists, write_lists
from fathom.fit.processes import EpochPace, run_command, stage_seconds
from fathom.fit.progress import Progress, print_summary
from fathom.fit.request import LOGS, Request, begin
from fathom.new_dataset.new_dataset import has_images, name_of
from fathom.search.apply import check_free, write_experiment
from fathom.settings.compose import compose
from fathom.settings.config import DatasetConfig
from fathom.settings.file_names import no_file, options
from fathom.train.memory import has_many_values
from fathom.train.steps import folds_by_rows

SEARCH = "tpe"
TRIALS = 10_000  # the time ends the search
CANDIDATES = 20  # best trials, of which the first that there is time for is trained
RUNS = 4  # without folds
OWN = ["experiment=none", "baseline.boosters=[]"]  # of all steps
EVALUATIONS = 300_000  # of the explanation; a tenth of the usual
ONE_RUN = ["train.folds=null", "train.repeats=1"]


def fit(request: Request) -> None:
    """Train the best model on a file within a time; continue where an earlier process ended.

    Raises:
        FathomError: the file cannot be a data set, a command fails, or a fit of this name is
            another one.
    """
    name = request.name or name_of(request.file)
    if request.model is not None and request.model not in options("model"):
        raise FathomError(f"--model: {no_file('model', request.model)}")
    check_free(name, request.force)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with only_process(LOGS / f"{name}.lock", f"fathom fit {name}"):
        progress = begin(request, name)
        Fit(request, name, progress).run()


class Fit:
    """The steps after the data set is in the project."""

    def __init__(self, request: Request, name: str, progress: Progress) -> None:
        self.name, self.progress, self.trials = name, progress, request.trials or TRIALS
        if request.model is not None:
            self.models = [request.model]
        else:
            self.models = ["mlp", "cnn"] if has_images(request.file) else ["mlp"]

    def run(self) -> None:
        state = self.progress.state
        if "look" not in state:
            self.look()
        pace, model = plan.Pace(**state["look"]["pace"]), state["look"]["model"]
        if "search" not in state:
            self.search(pace, model)
        self.train(pace, model)
        self.restore_lists()
        print_summary(self.name, model, self.progress)

    def look(self) -> None:
        """Train each network once, with few epochs if these take long; choose one of them.

        The baselines run, too: of images, boosting may take longer than the networks.
        """
        epochs: int | None = self.progress.state.get("epochs")
        while True:
            self.progress.say(f"a first look: one training of {' and '.join(self.models)}")
            self.write_look(self.models[0], epochs)
            self.select(self.models)
            stages = [f"train@{self.name}-{model}" for model in self.models]
            paces = [EpochPace(stage) for stage in stages]
            limit = plan.LOOK * self.progress.total * (1 if epochs is None else plan.AGAIN)
            least = epochs == plan.LEAST_EPOCHS
            watch = self.go_on if least else partial(self.is_fast, paces, limit)
            if run_command(["repro", *stages, *self.unmeasured()], watch):
                break
            slowest = max(paces, key=lambda pace: pace.seconds or 0.0)
            epochs = plan.LEAST_EPOCHS
            if slowest.seconds:
                seconds = plan.LOOK * self.progress.total
                epochs = plan.fewer_epochs(slowest.epochs, slowest.seconds, seconds)
            self.progress.leave_out(f"epochs: {epochs} instead of {slowest.epochs or 'all'}")
            self.progress.finish("epochs", epochs)
        runs = {model: read_run(self.name, model) for model in self.models}
        monitor = runs[self.models[0]]["monitor"]
        best = max if higher_is_better(monitor) else min
        model = best(self.models, key=lambda model: runs[model]["runs"][0]["value"])
        for other in set(self.models) - {model}:
            remove(paths.model(self.name, other))
            remove(paths.plots("curves", self.name, other))
        pace = self.measure(model, runs[model])
        self.progress.finish("look", {"model": model, "epochs": epochs, "pace": asdict(pace)})

    def unmeasured(self) -> list[str]:
        """Return the stage of the baselines if it is not known how long it takes."""
        stage = f"baseline@{self.name}"
        return [stage] if stage_seconds(stage) is None else []

    def is_fast(self, paces: list[EpochPace], limit: float, _: float) -> bool:
        """Tell whether all of these trainings end within so many seconds."""
        self.progress.tick()
        for pace in paces:
            pace.look()
        return not any(pace.will_exceed(limit) for pace in paces)

    def measure(self, model: str, run: dict[str, Any]) -> plan.Pace:
        stage = stage_seconds(f"train@{self.name}-{model}")
        baseline = stage_seconds(f"baseline@{self.name}") or 0.0
        log = paths.training_log(self.name, model)
        rows = Problem.read(self.name).rows
        if stage is None or not log.is_file():  # restored by DVC, not trained here
            seconds, start = 60.0, 15.0
        else:
            seconds = TrainingLog.read_file(log, f"train@{self.name}-{model}").seconds
            start = max(stage - seconds, 2.0)
        known = rows["train"] + rows["valid"]
        return plan.Pace(start, seconds, run["epochs"], known, cores(), baseline)

    def search(self, pace: plan.Pace, model: str) -> None:
        """Search, if there is time; keep the best trial."""
        progress = self.progress
        space = f"{model}_images" if Problem.read(self.name).kind == "images" else model
        space = space if space in options("search/space") else model
        planned = progress.state.get("search_plan")
        if planned is None:
            made = plan.plan_search(pace, progress.left, progress.total, self.most())
            planned = asdict(made)
            progress.finish("search_plan", planned)
        if not planned["minutes"] or space not in options("search/space"):
            progress.leave_out("the search")
            progress.finish("search", None)
            return
        progress.say(f"searches settings of {model} for {planned['minutes']:.1f} minutes")
        arguments = [
            f"dataset={self.name}", f"model={model}", f"search={SEARCH}", f"space={space}",
            f"minutes={planned['minutes']:.3f}", f"trials={self.trials}", "present_first=true",
            "experiments=0", "ensemble=0", *self.base(),
        ]  # fmt: skip
        if planned["cv"]:
            arguments.append(f"cv={planned['cv']}")
        limit: float = 60 * planned["minutes"] + 4 * pace.start + 2 * plan.SHARED * pace.run

        def watch(seconds: float) -> bool:
            progress.tick()
            return seconds < limit

        result = None
        if run_command(["search", *arguments], watch):
            result = str(paths.searches(self.name) / f"{model}-{SEARCH}.json")
        else:
            progress.leave_out("the search, which took too long")
        progress.finish("search", result)

    def train(self, pace: plan.Pace, model: str) -> None:
        """Run the pipeline with the best settings on as many folds as there is time for."""
        progress, state = self.progress, self.progress.state
        if "plan" not in state:
            settings, made = self.choose_trial(pace)
            progress.finish("plan", asdict(made) | {"settings": settings, "began": time.time()})
        made = plan.TrainingPlan(state["plan"]["folds"], state["plan"]["lean"])
        self.select([model])
        if made.folds is None or state.get("fallback"):
            return self.finish_look(model)
        overrides = [*self.base(), *self.fold_settings(made.folds)]
        overrides.append(f"explain.evaluations={EVALUATIONS}")
        if made.lean:
            overrides += self.leave_out_extras()
        chosen = [f"dataset={self.name}", f"model={model}"]
        values = state["plan"]["settings"]
        self.write([*chosen, *overrides], values, f"on {made.folds} folds")
        progress.say(
            f"trains {model} on {made.folds} folds, then evaluates, reports and exports it"
        )
        log = paths.training_log(self.name, model)

        def watch(_: float) -> bool:
            progress.tick()
            trained = log.is_file() and log.stat().st_mtime >= state["plan"]["began"]
            return trained or progress.left > plan.reserve(pace, lean=True)

        if run_command(["repro"], watch):
            return None
        progress.finish("fallback", True)
        return self.finish_look(model)

    def finish_look(self, model: str) -> None:
        """Run the pipeline with the network of the first look, which DVC restores."""
        self.leave_out_extras()
        self.progress.leave_out("folds: the network of the first look is the model")
        self.progress.say(f"evaluates, reports and exports {model}")
        self.write_look(self.models[0], self.progress.state["look"]["epochs"])
        run_command(["repro"], self.go_on)

    def leave_out_extras(self) -> list[str]:
        for text in plan.EXTRAS.values():
            self.progress.leave_out(text)
        return list(plan.EXTRAS)

    def go_on(self, _: float) -> bool:
        """Let a command run to its end."""
        self.progress.tick()
        return True

    def choose_trial(self, pace: plan.Pace) -> tuple[dict[str, Any], plan.TrainingPlan]:
        """Return the values of the best trial that there is time to train, and the plan for it."""
        candidates: list[tuple[dict[str, Any], float]] = [({}, pace.run)]
        if file := self.progress.state["search"]:
            result = SearchResult.read(Path(file))
            share = (result.cv or 1) * plan.SHARED  # of a trial in a run alone
            trials = result.best_first()[:CANDIDATES]
            candidates = [(trial.settings, trial.seconds / share) for trial in trials]
        time_left = self.progress.left, self.progress.total
        plans = [plan.plan_training(pace, run, *time_left, self.most()) for _, run in candidates]
        best = next((place for place, made in enumerate(plans) if made.folds), 0)
        return candidates[best][0], plans[best]

    def base(self) -> list[str]:
        """Return the overrides of the search and of the last training."""
        epochs = self.progress.state["look"]["epochs"]
        return OWN if epochs is None else [*OWN, f"train.epochs={epochs}"]

    def fold_settings(self, folds: int) -> list[str]:
        most = self.most()
        if folds < most:
            self.progress.leave_out(f"folds: {folds} instead of {most}")
        if self.folds() is None:
            return [f"train.repeats={folds}"]
        return [] if folds == most else [f"train.folds={folds}"]

    def most(self) -> int:
        """Return the usual number of folds, or of runs if there are none."""
        problem = Problem.read(self.name)
        return self.folds() or (1 if has_many_values(problem) else RUNS)

    def folds(self) -> int | None:
        """Return the usual number of folds; None if the rows do not go with folds."""
        config = compose([f"dataset={self.name}", "experiment=none"], DatasetConfig)
        return folds_by_rows(Problem.read(self.name)) if config.split.shuffle else None

    def write_look(self, model: str, epochs: int | None) -> None:
        overrides = [*OWN, *ONE_RUN, *plan.EXTRAS]
        if epochs is not None:
            overrides.append(f"train.epochs={epochs}")
        chosen = [f"dataset={self.name}", f"model={model}"]
        self.write([*chosen, *overrides], {}, "for a first look")

    def write(self, overrides: list[str], values: dict[str, Any], what: str) -> None:
        head = f"#\n# fathom fit {self.name}: the training {what}.\n#\n"
        write_experiment(self.name, overrides, values, head, force=True)  # `fit` has checked it

    def select(self, models: list[str]) -> None:
        write_lists({"datasets": [self.name], "models": models, "experiment": self.name})

    def restore_lists(self) -> None:
        """Have params.yaml list the data sets that were trained here before, if there are any."""
        before, own = self.progress.before, read_lists()
        others = [other for other in before["datasets"] if other != self.name]
        if not any((Path("models") / other).is_dir() for other in others):
            return
        write_lists(before)
        self.progress.say(
            f"{paths.PARAMS} is as before; to go on with {self.name}, set {as_text(own)} there"
        )
