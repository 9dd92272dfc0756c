"""The commands in README.md and docs/ have options, targets, files and settings that exist."""

import itertools
import re
import shlex
from collections.abc import Iterator

import click
import pytest
import yaml
from conftest import ROOT

from fathom.cli import fathom

DOCUMENTS = [
    str(p.relative_to(ROOT)) for p in sorted({*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md")})
]
MAKE = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
VARIABLE = re.compile(r"^[A-Z_]+=")


def commands(document: str) -> Iterator[list[str]]:
    """Yield the words of each command in the blocks of a document that show a shell."""
    text = (ROOT / document).read_text()
    for block in re.findall(r"^```(?:bash|sh)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            words = re.split(r"\s+#\s|[|;&><]", line)[0]
            if re.match(r"([A-Z_]+=\S+ )*(make|fathom|dvc|python)\s", line):
                parsed = shlex.split(words if words.count("'") % 2 == 0 else line)
                yield [word for i, word in enumerate(parsed) if i or not VARIABLE.match(word)]


def refused_setting(argument: str) -> str | None:
    """Return why DVC has no such setting to change, or None."""
    file, _, rest = argument.rpartition(":") if ".yaml:" in argument else ("", "", argument)
    path = ROOT / (file or "params.yaml")
    if not path.exists():
        return f"{file} is not in the project"
    key = rest.partition("=")[0]
    tree = yaml.safe_load(path.read_text())
    for part in key.lstrip("+~").split("."):
        if not isinstance(tree, dict) or part not in tree:
            return None if key.startswith("+") else f"{path.name} has no {key}"
        tree = tree[part]
    return None


def problem(words: list[str]) -> str | None:
    """Return what is wrong with a command, or None."""
    words = [word for word in words if not VARIABLE.match(word)]
    program, *arguments = words
    if program == "make":
        missing = [name for name in arguments if "=" not in name and name not in MAKE]
        return f"make has no target {missing[0]}" if missing else None
    if program == "python":
        file = ROOT / arguments[0]
        return None if arguments[0].startswith("-") or file.exists() else f"there is no {file.name}"
    if program == "dvc":
        pairs = itertools.pairwise(arguments)
        settings = [value for option, value in pairs if option in ("-S", "--set-param")]
        own = [s for s in settings if not re.match(r"(conf/dataset/houses|.*<)", s)]
        return next(filter(None, map(refused_setting, own)), None)
    if not arguments or arguments[0].startswith("-"):
        return None
    command = fathom.commands.get(arguments[0])
    if command is None:
        return f"fathom has no command {arguments[0]}"
    try:
        command.make_context(arguments[0], arguments[1:])
    except click.UsageError as error:
        return error.format_message()
    return None


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_of_documents_exist(document: str) -> None:
    found = [(shlex.join(words), problem(words)) for words in commands(document)]
    assert [pair for pair in found if pair[1]] == []
    assert found or document != "README.md"


CHINESE = [name for name in DOCUMENTS if name == "README.zh.md" or name.startswith("docs/zh/")]


@pytest.mark.parametrize("document", CHINESE)
def test_a_translation_has_the_commands_of_the_original(document: str) -> None:
    original = document.replace(".zh.md", ".md").replace("docs/zh/", "docs/tutorials/")
    known = list(commands(original))
    assert [words for words in commands(document) if words not in known] == []


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("make nothing", "make has no target nothing"),
        ("python bench/nothing.py", "there is no nothing.py"),
        ("dvc exp run -S train.epcohs=3", "params.yaml has no train.epcohs"),
        (
            "dvc exp run -S conf/model/none.yaml:units=3",
            "conf/model/none.yaml is not in the project",
        ),
        ("fathom train", "fathom has no command train"),
        (
            "fathom serve a --prot 1",
            "No such option '--prot'. (Did you mean one of: '--host', '--port'?)",
        ),
    ],
)
def test_wrong_commands_are_found(command: str, text: str) -> None:
    assert problem(shlex.split(command)) == text
