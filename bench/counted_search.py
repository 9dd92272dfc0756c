"""`fathom`, which prints at the end how many programs a search compiled:

PYTHONPATH=src python bench/counted_search.py search KEY=VALUE...
"""

import atexit
from typing import Any
from unittest.mock import patch

import click

from fathom.cli import main
from fathom.settings.config import Config
from fathom.train.devices import start_tensorflow


def start_and_count(config: Config) -> Any:
    """Start TensorFlow before the import of the pool."""
    strategy = start_tensorflow(config)
    from fathom.search.trainer_pool import TrainerPool

    class CountingPool(TrainerPool):
        def __init__(self, strategy: Any) -> None:
            super().__init__(strategy)
            atexit.register(lambda: click.echo(self.compiled))

    patch("fathom.search.trainer_pool.TrainerPool", CountingPool).start()
    return strategy


if __name__ == "__main__":
    with patch("fathom.search.search_command.start_tensorflow", start_and_count):
        main()
