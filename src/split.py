"""Stage `split`: which rows are in the training, validation and test set. By hand:

python src/split.py dataset=digits split.test=0.2
"""

from fathom.settings.compose import stage
from fathom.settings.config import DatasetConfig
from fathom.split.split import split


@stage(DatasetConfig)
def main(config: DatasetConfig) -> None:
    subsets = split(config)
    print(", ".join(f"{subset} {len(rows)} rows" for subset, rows in subsets.items()))


if __name__ == "__main__":
    main()
