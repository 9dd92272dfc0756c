"""Checks the settings of every network on every data set."""

from collections.abc import Iterator

from fathom.base.errors import FathomError
from fathom.doctor.findings import OK, WRONG, Finding


def check_settings() -> Iterator[Finding]:
    """Compose the settings of every network on every data set."""
    from fathom.settings.compose import compose
    from fathom.settings.config import Config, NetworkConfig

    try:
        config = compose([], Config)
        for dataset in config.datasets:
            for model in config.models:
                compose([f"dataset={dataset}", f"model={model}"], NetworkConfig)
    except FathomError as error:
        yield WRONG, str(error)
        return
    yield OK, f"settings: {', '.join(config.datasets)}, each with {', '.join(config.models)}"
