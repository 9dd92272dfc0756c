"""Stage `train`: trains one network on one data set. By hand:

python src/train.py dataset=digits model=mlp train.epochs=3
"""

from fathom.settings.compose import stage
from fathom.settings.config import NetworkConfig
from fathom.train.devices import start_tensorflow


@stage(NetworkConfig)
def main(config: NetworkConfig) -> None:
    strategy = start_tensorflow(config)
    from fathom.train.train import train  # imports Keras, which starts TensorFlow

    train(config, strategy)


if __name__ == "__main__":
    main()
