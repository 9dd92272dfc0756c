"""Stage `gate`: fails if a metric is out of its bounds.

python src/gate.py
"""

import sys

from fathom.gate.gate import gate
from fathom.settings.compose import stage
from fathom.settings.config import Config


@stage(Config)
def main(config: Config) -> None:
    results = gate(config)
    for line, passed in results:
        print(line if passed else f"gate.py: {line}", file=sys.stdout if passed else sys.stderr)
    if not results:
        print("no gates")
    if not all(passed for _, passed in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
