"""The layout of src/fathom: layers, lengths, names, and the files that documents name."""

import ast
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT, run_in

SOURCE = ROOT / "src" / "fathom"
MODULES = sorted(SOURCE.rglob("*.py"))
# A package imports only from itself and those before it.
LAYERS = [
    "base", "messages", "settings", "artifacts", "models", "collect", "download", "split", "check",
    "scale", "train", "evaluate", "baseline", "compare", "explain", "export", "report", "gate",
    "predict", "experiments", "completion", "serve", "search", "sklearn", "new_dataset", "doctor",
    "repro", "fit", "watch", "command_group", "cli",
]  # fmt: skip


# Packages that are slow to import, and which of them Python has imported after the scripts of these
# stages and of those before them. TensorFlow is imported only once the settings are checked.
SLOW = {"PIL", "altair", "keras", "pandas", "requests", "scipy", "sklearn", "tensorflow"}
IMPORTS: dict[tuple[str, ...], set[str]] = {
    ("collect", "gate", "train", "explain", "export"): set(),
    ("split", "scale", "evaluate", "compare"): {"pandas"},
    ("download",): {"PIL", "pandas"},
    ("report",): {"PIL", "altair", "pandas"},
    ("check", "baseline"): {"PIL", "altair", "pandas", "scipy", "sklearn"},
}
IMPORT_STAGES = """
import json, runpy, sys
for stage in sys.argv[1:]:
    runpy.run_path(f"src/{stage}.py")
    print(json.dumps([stage, *{name.split(".")[0] for name in sys.modules}]))
"""


def package(module: Path) -> str:
    return module.relative_to(SOURCE).with_suffix("").parts[0]


def imports(module: Path) -> set[str]:
    """Return the packages of src/fathom that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("fathom.")}
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_nothing_from_a_later_package(module: Path) -> None:
    name = package(module)
    if name not in LAYERS:  # __init__ and __main__
        return
    allowed = set(LAYERS[: LAYERS.index(name) + 1])
    assert imports(module) - allowed == set()


def test_stages_import_only_what_they_need() -> None:
    stages = [stage for names in IMPORTS for stage in names]
    assert sorted(stages) == sorted(path.stem for path in (ROOT / "src").glob("*.py"))
    done = run_in(ROOT, "env", "PYTHONPATH=src", "python", "-c", IMPORT_STAGES, *stages)
    lines = map(json.loads, done.stdout.splitlines())
    imported = {stage: SLOW & set(names) for stage, *names in lines}
    assert imported == {stage: slow for names, slow in IMPORTS.items() for stage in names}


def test_every_package_has_a_layer() -> None:
    packages = {path.stem for path in SOURCE.iterdir() if not path.stem.startswith("__")}
    assert packages == set(LAYERS)


def test_files_and_functions_are_short() -> None:
    long = []
    for path in [*MODULES, *sorted((ROOT / "src").glob("*.py")), *(ROOT / "tests").glob("*.py")]:
        text = path.read_text()
        if len(text.splitlines()) > 300:
            long.append(path.name)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                if node.end_lineno - node.lineno >= 50:
                    long.append(f"{path.name}: {node.name}")
    assert long == []


def test_no_two_modules_or_classes_have_one_name() -> None:
    modules = Counter(path.stem for path in MODULES if not path.stem.startswith("__"))
    classes = Counter(
        node.name
        for path in MODULES
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in (modules + classes).items() if count > 1] == []


DOCUMENTS = [*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md")]
GENERATED = {f"docs/reference/{page}.md" for page in ("settings", "networks", "commands", "files")}


@pytest.mark.parametrize("path", sorted(DOCUMENTS), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_documents_name_exist(path: Path) -> None:
    text = path.read_text()
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    targets = {link: (path.parent / link).resolve() for link in links}
    missing = [
        link
        for link, target in targets.items()
        if not target.exists() and str(target.relative_to(ROOT)) not in GENERATED
    ]
    code = re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", text)
    roots = (ROOT, SOURCE)
    missing += [name for name in code if not any((root / name).exists() for root in roots)]
    assert missing == []
