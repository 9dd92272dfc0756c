"""Stage `explain`: why the best network of a data set predicts what it predicts. By hand:

python src/explain.py dataset=california_housing
"""

from fathom.settings.compose import stage
from fathom.settings.config import DatasetConfig
from fathom.train.devices import start_tensorflow


@stage(DatasetConfig)
def main(config: DatasetConfig) -> None:
    start_tensorflow(config)
    from fathom.explain.explain import explain  # imports Keras, which starts TensorFlow

    found = explain(config)
    print(f"{found['model']}, {found['rows']} test rows: {found['explained']}")
    for entry in found.get("importance", [])[:3]:
        print(f"{entry['column']}: {entry['mean_absolute']:.3g}")
    for entry in found.get("pairs", [])[:3]:
        print(f"{' x '.join(entry['columns'])}: {entry['mean_absolute']:.3g}")


if __name__ == "__main__":
    main()
