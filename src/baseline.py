"""Stage `baseline`: metrics of scikit-learn models with default settings.

python src/baseline.py dataset=digits
"""

from fathom.baseline.baseline import baseline
from fathom.settings.compose import stage
from fathom.settings.config import DatasetConfig


@stage(DatasetConfig)
def main(config: DatasetConfig) -> None:
    for name, metrics in baseline(config).items():
        test = ", ".join(f"{metric} {value:.4g}" for metric, value in metrics["test"].items())
        rows = metrics.get("trained_rows")
        print(f"{name}: test {test}" + (f", trained on {rows:,} rows" if rows else ""))


if __name__ == "__main__":
    main()
