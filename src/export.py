"""Stage `export`: exports a trained network as a model that takes raw rows. By hand:

python src/export.py dataset=digits model=mlp
"""

from fathom.export.card import export_card
from fathom.settings.compose import stage
from fathom.settings.config import NetworkConfig
from fathom.train.devices import start_on_cpu


@stage(NetworkConfig)
def main(config: NetworkConfig) -> None:
    if not config.export.keras:
        export_card(config)
        print("export.keras is false: only the model card")
        return
    start_on_cpu()
    from fathom.export.export import export  # imports Keras, which starts TensorFlow

    for name, file in export(config).formats.items():
        print(f"{name}: {file}")


if __name__ == "__main__":
    main()
