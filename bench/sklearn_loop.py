"""Trains scikit-learn's network of the same layers: its Adam clips no gradients, decays weights
otherwise and takes one learning rate.
"""

from prepared import Arrays, Facts
from sklearn.neural_network import MLPClassifier, MLPRegressor
from turns import take_turns

from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig


def main() -> None:
    facts, arrays = Facts.read(), Arrays.read()
    config = compose(facts.overrides, NetworkConfig)
    of_task = MLPClassifier if config.dataset.task == "classification" else MLPRegressor
    model = of_task(
        hidden_layer_sizes=[layer.shape[1] for layer in facts.layers[:-1]],
        alpha=0.0,
        batch_size=facts.batch_size,
        learning_rate_init=config.model.learning_rate,
        random_state=config.seed,
    )
    features = arrays.inputs[0].reshape(facts.rows, -1)
    target = arrays.targets[0].ravel()
    classes = {"classes": range(facts.layers[-1].shape[1])} if of_task is MLPClassifier else {}

    def epoch() -> float:
        model.partial_fit(features, target, **classes)
        return float(model.loss_)

    take_turns(epoch)


if __name__ == "__main__":
    main()
