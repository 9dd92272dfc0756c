"""Stage `evaluate`: the figures of a trained network on every part. By hand:

python src/evaluate.py dataset=digits model=mlp
"""

from fathom.config.schema import NetworkConfig
from fathom.config.stage import stage
from fathom.evaluation.evaluate import evaluate


@stage(NetworkConfig)
def main(config: NetworkConfig) -> None:
    test = evaluate(config)["test"]
    print("test: " + ", ".join(f"{name} {value:.4g}" for name, value in test.items()))


if __name__ == "__main__":
    main()
