"""Stage `compare`: compares networks with the best baseline on the test set.

python src/compare.py dataset=digits
"""

from fathom.compare.compare import compare
from fathom.settings.compose import stage
from fathom.settings.config import DatasetConfig


@stage(DatasetConfig)
def main(config: DatasetConfig) -> None:
    comparison = compare(config)
    metric, baseline = comparison["metric"], comparison["baseline"]
    print(f"best baseline: {baseline['name']}, test {metric} {baseline['figure']:.4g}")
    for name, network in comparison["networks"].items():
        print(
            f"{name}: test {metric} {network['figure']:.4g}, {network['difference']:+.4g} "
            f"[{network['low']:+.4g}, {network['high']:+.4g}]: {network['verdict']}"
        )


if __name__ == "__main__":
    main()
