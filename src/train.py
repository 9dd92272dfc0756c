"""Stage `train`: trains one network on one data set. By hand:

python src/train.py dataset=digits model=mlp train.epochs=3
"""

from fathom.messages.training import summary
from fathom.settings.compose import stage
from fathom.settings.config import NetworkConfig
from fathom.train.devices import start_tensorflow


@stage(NetworkConfig)
def main(config: NetworkConfig) -> None:
    strategy = start_tensorflow(config)
    # These import Keras, which starts TensorFlow.
    from fathom.train.callbacks import direction
    from fathom.train.train import train

    training = train(config, strategy)
    print(
        summary(
            best=training.best.best_epoch,
            kept=training.best.kept_epoch,
            epochs=training.best.epochs,
            monitor=training.monitor,
            highest=direction(training.monitor) == "max",
            runs=len(training.runs),
            seconds=training.seconds,
            parameters=training.model.count_params(),
        )
    )


if __name__ == "__main__":
    main()
