"""Stage `train`: one network on one data set. By hand:

python src/train.py dataset=digits model=mlp train.epochs=3
"""

from fathom.settings.compose import stage
from fathom.settings.config import NetworkConfig
from fathom.train.devices import start_tensorflow


@stage(NetworkConfig)
def main(config: NetworkConfig) -> None:
    strategy = start_tensorflow(config)
    from fathom.train.train import train  # imports Keras, which starts TensorFlow

    training = train(config, strategy)
    best = training.best
    print(
        f"kept epoch {best.kept_epoch} of {best.epochs}"
        + (f", of the best of {len(training.runs)} runs" if len(training.runs) > 1 else "")
        + f"; {training.seconds:.0f} s, {training.model.count_params():,} parameters"
    )


if __name__ == "__main__":
    main()
