"""Stage `check`: faults of data that distort metrics. By hand:

python src/check.py dataset=adult_census
"""

from fathom.check.check import check
from fathom.settings.compose import stage
from fathom.settings.config import DatasetConfig


@stage(DatasetConfig)
def main(config: DatasetConfig) -> None:
    checks = check(config)
    for warning in checks.warnings:
        print(f"{checks.dataset}: {warning.sentence}")
    if not checks.warnings:
        print(f"{checks.dataset}: no warnings")


if __name__ == "__main__":
    main()
