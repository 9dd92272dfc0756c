"""Checks the settings of every network on every data set, and the files that none of them uses."""

from collections.abc import Iterator

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.doctor.findings import OK, WARNING, WRONG, Finding


def check_settings() -> Iterator[Finding]:
    """Compose the settings of every network on every data set."""
    from fathom.settings.compose import compose
    from fathom.settings.config import Config, NetworkConfig
    from fathom.settings.selection import read_selection

    try:
        config = compose([], Config)
        experiment = f"experiment={read_selection().experiment}"
        for dataset in config.datasets:
            for model in config.models:
                compose([f"dataset={dataset}", f"model={model}", experiment], NetworkConfig)
    except FathomError as error:
        yield WRONG, str(error)
        return
    yield OK, f"settings: {', '.join(config.datasets)}, each with {', '.join(config.models)}"
    yield from check_unused_files()


def check_unused_files() -> Iterator[Finding]:
    """Find the files of conf/ that could not be chosen. The used ones are sound."""
    from fathom.settings.file_names import check_name
    from fathom.settings.yaml_values import check_yaml

    for path in sorted(paths.CONF.rglob("*.yaml")):
        group = path.parent.relative_to(paths.CONF)
        try:
            check_name(path.stem, group.as_posix())
            check_yaml(path)
        except (FathomError, ValueError) as error:
            yield WARNING, str(error)
