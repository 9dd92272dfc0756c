"""Stage `report`: all results on one page. By hand:

python src/report.py
"""

from fathom.base import paths
from fathom.report.report import report
from fathom.settings.compose import stage
from fathom.settings.config import Config


@stage(Config)
def main(config: Config) -> None:
    report(config)
    print(f"wrote {paths.REPORT}")


if __name__ == "__main__":
    main()
