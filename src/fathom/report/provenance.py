"""Where a page was built: a line that a file beside the page has, not the page itself.

The page depends on the stage's deps and params alone. Its id is a hash of its content, under which
`report/provenance.js` registers the line. Neither DVC nor Git tracks this file; the page shows the
line of its own id, also when `dvc checkout` has brought another page back.
"""

import hashlib
import json
from datetime import UTC, datetime

from fathom.base import paths
from fathom.messages.git import git, git_problem

FILE = paths.REPORT.with_name("provenance.js")
OUTPUTS = (":!dvc.lock", ":!metrics")  # files that the stages themselves change
NO_ID = 'data-page=""'


def set_page_id(page: str) -> tuple[str, str]:
    """Return a page with its id, and the id."""
    page_id = hashlib.sha256(page.encode()).hexdigest()[:16]
    return page.replace(NO_ID, f'data-page="{page_id}"', 1), page_id


def register_page(page_id: str) -> None:
    """Append the line of a page that was built now."""
    problem, commit = git_problem(), git("log", "-1", "--format=%h")
    line = f"Built on {datetime.now(UTC):%Y-%m-%d} from "
    if problem:
        line += f"an unknown commit: {problem}"
    elif git("status", "--porcelain", "--", ".", *OUTPUTS):
        line += f"commit {commit}, with uncommitted changes."
    else:
        line += f"commit {commit}. To rebuild it: git checkout {commit} && make repro"
    # One write at the end of the file: the stage does not read what earlier runs wrote.
    with FILE.open("a", encoding="utf-8") as file:
        file.write(f"registerPage({json.dumps(page_id)}, {json.dumps(line)});\n")
