"""Stage `train`: one network on one data set. By hand:

python src/train.py dataset=digits model=mlp train.epochs=3
"""

from fathom.config.schema import NetworkConfig
from fathom.config.stage import stage
from fathom.training.devices import start_tensorflow


@stage(NetworkConfig)
def main(config: NetworkConfig) -> None:
    strategy = start_tensorflow(config)
    from fathom.training.train import train  # imports Keras, which starts TensorFlow

    training = train(config, strategy)
    best = training.best
    print(
        f"kept epoch {best.kept_epoch} of {best.epochs}"
        + (f", of the best of {len(training.runs)} runs" if len(training.runs) > 1 else "")
        + f"; {training.seconds:.0f} s, {training.model.count_params():,} parameters"
    )


if __name__ == "__main__":
    main()
