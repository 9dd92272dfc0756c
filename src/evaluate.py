"""Stage `evaluate`: metrics of a trained network on all sets.

python src/evaluate.py dataset=digits model=mlp
"""

from fathom.evaluate.evaluate import evaluate
from fathom.settings.compose import stage
from fathom.settings.config import NetworkConfig


@stage(NetworkConfig)
def main(config: NetworkConfig) -> None:
    test = evaluate(config)["test"]
    print("test: " + ", ".join(f"{metric} {value:.4g}" for metric, value in test.items()))


if __name__ == "__main__":
    main()
