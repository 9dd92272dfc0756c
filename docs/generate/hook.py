"""Hook of MkDocs: adds the pages that are made from the code, and keeps links to files of the
repository true.
"""

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # MkDocs runs a hook as a file of no package

from commands_page import commands_page
from files_page import files_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from networks_page import networks_page
from settings_page import ROOT, settings_page

PAGES = {
    "settings": settings_page,
    "networks": networks_page,
    "commands": commands_page,
    "files": files_page,
}
LINK = re.compile(r"\[([^][]*)\]\(((?:\.\./)+[^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name, render in PAGES.items():
        files.append(File.generated(config, f"reference/{name}.md", content=render()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Show a link to a file outside docs/ as the file's path, if there is one."""

    def replace(link: re.Match[str]) -> str:
        path = posixpath.normpath(
            posixpath.join("docs", posixpath.dirname(page.file.src_uri), link[2])
        )
        if path.startswith("docs/"):
            return link[0]
        if not (ROOT / path).exists():
            raise PluginError(f"{page.file.src_uri}: there is no {path}")
        return f"{link[1]} (`{path}`)" if link[1].strip("`") != path else f"`{path}`"

    return LINK.sub(replace, markdown)
