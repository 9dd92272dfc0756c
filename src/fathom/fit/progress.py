"""`logs/fit/<dataset>.json`: what `fathom fit` has done, so that it continues after a kill."""

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from fathom.base.files import read_json, write_json
from fathom.evaluate.formatting import format_duration

SAVE_SECONDS = 2.0


@dataclass
class Progress:
    """The state of a fit; `used` are the seconds of all processes that worked on it.

    `asked` is what the command line asks for. `before` has the lists of params.yaml.
    """

    file: Path
    asked: dict[str, Any]
    before: dict[str, Any]
    minutes: float
    used: float = 0.0
    state: dict[str, Any] = field(default_factory=dict)  # by steps
    left_out: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.saved = time.monotonic()

    @classmethod
    def read(cls, file: Path) -> Self | None:
        if not file.is_file():
            return None
        return cls(file=file, **read_json(file, "fit"))

    def tick(self, force: bool = False) -> None:
        """Add the time since the last call, and save it now and then."""
        now = time.monotonic()
        if force or now - self.saved >= SAVE_SECONDS:
            self.used, self.saved = self.used + now - self.saved, now
            tree = asdict(self)
            del tree["file"]
            write_json(self.file, tree)

    @property
    def total(self) -> float:
        return 60 * self.minutes

    @property
    def left(self) -> float:
        return self.total - self.used - (time.monotonic() - self.saved)

    def finish(self, step: str, result: Any) -> None:
        self.state[step] = result
        self.tick(force=True)

    def leave_out(self, text: str) -> None:
        if text not in self.left_out:
            self.left_out.append(text)

    def say(self, text: str) -> None:
        print(f"[{format_duration(max(self.left, 0))} left] {text}", flush=True)
