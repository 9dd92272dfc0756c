"""Stage `report`: all results on one page. By hand:

python src/report.py
"""

from fathom import paths
from fathom.config.schema import Config
from fathom.config.stage import stage
from fathom.report.page import report


@stage(Config)
def main(config: Config) -> None:
    report(config)
    print(f"wrote {paths.REPORT}")


if __name__ == "__main__":
    main()
