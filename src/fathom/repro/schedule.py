"""Which stage starts next, and on how many cores."""

from collections.abc import Collection, Mapping
from statistics import fmean

DEFAULT_SECONDS = 1.0  # of a stage that never ran: then the longest path counts stages


class Schedule:
    """The stages that have not started, of which the first on the longest path starts first.

    Args:
        needs: the stages that each stage depends on, dependencies first.
        seconds: how long stages took when they ran before.
    """

    def __init__(
        self, needs: Mapping[str, Collection[str]], seconds: Mapping[str, float] | None = None
    ) -> None:
        self.needs = {name: set(needs[name]) & set(needs) for name in needs}
        self.unmet = {name: set(stages) for name, stages in self.needs.items()}
        paths = longest_paths(self.needs, seconds or {})
        self.order = sorted(needs, key=lambda name: -paths[name])

    def ready(self) -> list[str]:
        """Return the stages that can start now, the most urgent one first."""
        return [name for name in self.order if name in self.unmet and not self.unmet[name]]

    def start(self, name: str) -> None:
        del self.unmet[name]

    def finish(self, name: str) -> None:
        """Let the stages start that have waited for this one."""
        for stages in self.unmet.values():
            stages.discard(name)

    def fail(self, name: str) -> list[str]:
        """Drop all stages that depend on a stage, and return them."""
        lost = {name}
        for other, stages in self.needs.items():
            if stages & lost:
                lost.add(other)
        dropped = [other for other in self.needs if other in lost and other in self.unmet]
        for other in dropped:
            del self.unmet[other]
        return dropped


def longest_paths(
    needs: Mapping[str, Collection[str]], seconds: Mapping[str, float]
) -> dict[str, float]:
    """Return the seconds from the start of each stage to the end of the pipeline."""
    of_kind: dict[str, list[float]] = {}
    for name, value in seconds.items():
        of_kind.setdefault(kind(name), []).append(value)
    paths: dict[str, float] = {}
    for name in reversed(list(needs)):
        others = of_kind.get(kind(name), [DEFAULT_SECONDS])
        own = seconds[name] if name in seconds else fmean(others)
        after = (paths[other] for other in paths if name in needs[other])
        paths[name] = own + max(after, default=0.0)
    return paths


def kind(stage: str) -> str:
    """Return the name of a stage in dvc.yaml, without data set and model."""
    return stage.partition("@")[0]


def share_cores(total: int, taken: int, starting: int) -> int:
    """Return how many cores each of the stages that start now gets of those that are left."""
    return max(1, (total - taken) // starting)
