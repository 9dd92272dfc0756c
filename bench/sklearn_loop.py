"""Trains the same layers by scikit-learn. Its Adam has no gradient clipping, another weight decay
and a constant learning rate.
"""

from epoch_server import PreparedCase, serve_epochs
from sklearn.neural_network import MLPClassifier, MLPRegressor

from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig


def main() -> None:
    case = PreparedCase.read()
    config = compose(case.overrides, NetworkConfig)
    estimator = MLPClassifier if config.dataset.task == "classification" else MLPRegressor
    *units, outputs = (kernel.shape[1] for kernel in case.kernels.values())
    model = estimator(
        hidden_layer_sizes=units,
        alpha=0.0,
        batch_size=case.batch_size,
        learning_rate_init=config.model.learning_rate,
        random_state=config.seed,
    )
    features = case.inputs[0].reshape(case.rows, -1)
    target = case.targets[0].ravel()
    classes = {"classes": range(outputs)} if estimator is MLPClassifier else {}

    def train_epoch() -> float:
        model.partial_fit(features, target, **classes)
        return float(model.loss_)

    serve_epochs(train_epoch)


if __name__ == "__main__":
    main()
