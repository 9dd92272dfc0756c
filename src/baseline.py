"""Stage `baseline`: what scikit-learn gives without tuning. By hand:

python src/baseline.py dataset=digits
"""

from fathom.baseline.baseline import baseline
from fathom.settings.compose import stage
from fathom.settings.config import DatasetConfig


@stage(DatasetConfig)
def main(config: DatasetConfig) -> None:
    for name, figures in baseline(config).items():
        shown = ", ".join(f"{metric} {value:.4g}" for metric, value in figures["test"].items())
        rows = figures.get("trained_rows")
        print(f"{name}: test {shown}" + (f", trained on {rows:,} rows" if rows else ""))


if __name__ == "__main__":
    main()
