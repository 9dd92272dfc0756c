"""Stage `compare`: compares networks with the best baseline and each other on the test set.

python src/compare.py dataset=digits
"""

from typing import Any

from fathom.compare.compare import compare
from fathom.settings.compose import stage
from fathom.settings.config import DatasetConfig


@stage(DatasetConfig)
def main(config: DatasetConfig) -> None:
    comparison = compare(config)
    metric, baseline = comparison["metric"], comparison["baseline"]
    print(f"best baseline: {baseline['name']}, test {metric} {baseline['figure']:.4g}")
    for name, network in comparison["networks"].items():
        print(f"{name}: test {metric} {network['figure']:.4g}, {describe(network)}")
    for pair in comparison["pairs"]:
        print(f"{' against '.join(pair['networks'])}: {describe(pair)}")


def describe(compared: dict[str, Any]) -> str:
    low, high = compared["low"], compared["high"]
    return f"{compared['difference']:+.4g} [{low:+.4g}, {high:+.4g}]: {compared['verdict']}"


if __name__ == "__main__":
    main()
