"""Stage `scale`: encodes and scales features and targets. By hand:

python src/scale.py dataset=california_housing scale.features=robust
"""

from fathom.artifacts.scaled_data import read_scalers
from fathom.scale.scale import scale
from fathom.settings.compose import stage
from fathom.settings.config import DatasetConfig


@stage(DatasetConfig)
def main(config: DatasetConfig) -> None:
    problem = scale(config)
    method = read_scalers(problem.dataset).features.method
    if problem.kind == "images":
        print(f"{problem.dataset}: images of shape {tuple(problem.shape)}, {method}")
    else:
        print(
            f"{problem.dataset}: {len(problem.numbers)} numbers, {method}; "
            f"{len(problem.categories)} categories; {len(problem.sparse)} sparse features of the "
            "wide path"
        )


if __name__ == "__main__":
    main()
