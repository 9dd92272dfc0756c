"""Stage `explain`: which inputs move the predictions of a data set's best network.

python src/explain.py dataset=california_housing
"""

from fathom.explain.omission import leave_out
from fathom.settings.compose import stage
from fathom.settings.config import DatasetConfig
from fathom.train.devices import start_tensorflow


@stage(DatasetConfig)
def main(config: DatasetConfig) -> None:
    if not config.explain.rows:
        leave_out(config.dataset.name)
        print("explain.rows is 0: no explanation")
        return
    start_tensorflow(config)
    from fathom.explain.explain import explain  # imports Keras, which starts TensorFlow

    explanation = explain(config)
    print(f"{explanation['model']}, {explanation['rows']} test rows: {explanation['explained']}")
    for entry in explanation.get("importance", [])[:3]:
        print(f"{entry['column']}: {entry['mean_absolute']:.3g}")
    for entry in explanation.get("pairs", [])[:3]:
        print(f"{' x '.join(entry['columns'])}: {entry['mean_absolute']:.3g}")


if __name__ == "__main__":
    main()
