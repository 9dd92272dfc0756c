"""The lines of one stage in `dvc.lock`, written as DVC writes them.

For each stage DVC parses and writes the whole file, which takes 1.5 seconds of CPU with 34 stages,
and a kill meanwhile leaves half a file. Here the other stages' lines stay as they are, and the new
file replaces the old one at once.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from dvc.stage import PipelineStage
from dvc.stage.serialize import to_lockfile
from dvc.utils.serialize import dumps_yaml

STAGES = "\nstages:\n"

Sections = dict[str, str]  # the lines of each stage, by the first of them


def write_stage(stage: PipelineStage) -> None:
    """Write the lines of a stage in place of its old ones, or at the end."""
    file = Path(stage.path).with_suffix(".lock")
    head, sections = read_sections(file)
    if not head:  # DVC makes a new file, or understands one that looks different
        stage.dump(update_pipeline=False)
        return
    section = dumps_yaml({"stages": to_lockfile(stage)}).partition("\n")[2]
    sections[section.partition("\n")[0]] = section
    write_sections(file, head, sections)
    stage.repo.scm_context.track_file(str(file.relative_to(Path.cwd())))


def sort_stages(file: Path, before: Sequence[str], names: Sequence[str]) -> None:
    """Bring the stages that `before` does not have into the order of `names`, which is DVC's."""
    head, sections = read_sections(file)
    places = {f"  {name}:": place for place, name in enumerate(names)}
    new = sorted((s for s in sections if s not in before), key=lambda s: places.get(s, len(places)))
    order = [*(section for section in sections if section in before), *new]
    if head and order != list(sections):
        write_sections(file, head, {section: sections[section] for section in order})


def read_sections(file: Path) -> tuple[str, Sections]:
    """Return the text before the stages and the lines of each; "" if it has no such form."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    head, stages, body = text.partition(STAGES)
    sections = re.split(r"^(?=  \S)", body, flags=re.MULTILINE)
    if not stages or sections[0] or re.search(r"^\S", body, flags=re.MULTILINE):
        return "", {}
    return head + stages, {section.partition("\n")[0]: section for section in sections[1:]}


def write_sections(file: Path, head: str, sections: Sections) -> None:
    """Replace the file at once. `base.files` would import NumPy, whose threads a fork loses."""
    temporary = file.with_name(f".{file.name}.part")
    try:
        temporary.write_text(head + "".join(sections.values()), encoding="utf-8")
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
