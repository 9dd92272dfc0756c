"""Stage `compare`: whether networks are better than the best baseline. By hand:

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
    for name, found in comparison["networks"].items():
        print(
            f"{name}: test {metric} {found['figure']:.4g}, {found['difference']:+.4g} "
            f"[{found['low']:+.4g}, {found['high']:+.4g}]: {found['verdict']}"
        )


if __name__ == "__main__":
    main()
