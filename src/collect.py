"""Stage `collect`: which files of src/own/ the training of each network uses. By hand:

python src/collect.py
"""

from fathom.collect.collect import collect
from fathom.settings.compose import stage
from fathom.settings.config import Config


@stage(Config)
def main(config: Config) -> None:
    for model, files in collect(config).items():
        print(f"{model}: {', '.join(files) or 'no code of your own'}")


if __name__ == "__main__":
    main()
