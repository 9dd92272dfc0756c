"""Stage `split`: which rows train, which validate, which test. By hand:

python src/split.py dataset=digits split.test=0.2
"""

from fathom.settings.compose import stage
from fathom.settings.config import DatasetConfig
from fathom.split.split import split


@stage(DatasetConfig)
def main(config: DatasetConfig) -> None:
    parts = split(config)
    print(", ".join(f"{part} {len(rows)} rows" for part, rows in parts.items()))


if __name__ == "__main__":
    main()
