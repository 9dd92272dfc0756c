"""Stage `gate`: fails if a figure is not within its bounds. By hand:

python src/gate.py
"""

import sys

from fathom.gate.gate import gate
from fathom.settings.compose import stage
from fathom.settings.config import Config


@stage(Config)
def main(config: Config) -> None:
    verdicts = gate(config)
    for verdict in verdicts:
        if verdict.held:
            print(verdict.line)
        else:
            print(f"gate.py: {verdict.line}", file=sys.stderr)
    if not verdicts:
        print("no gates")
    if not all(verdict.held for verdict in verdicts):
        sys.exit(1)


if __name__ == "__main__":
    main()
