"""Stage `scale`: features and targets, scaled by what the training rows show. By hand:

python src/scale.py dataset=california_housing scale.features=robust
"""

from fathom.config.schema import DatasetConfig
from fathom.config.stage import stage
from fathom.data.scale import scale


@stage(DatasetConfig)
def main(config: DatasetConfig) -> None:
    problem = scale(config)
    print(f"{problem.dataset}: features of shape {tuple(problem.shape)}, {config.scale.features}")


if __name__ == "__main__":
    main()
