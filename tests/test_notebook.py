"""The notebook runs, from the folder of notebooks and without PYTHONPATH; slow."""

import json
from pathlib import Path

import pytest
from conftest import ROOT, clone, run_in

TOUR = ROOT / "notebooks/tour.ipynb"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_tour_runs_from_top_to_bottom(tmp_path: Path) -> None:
    cells = json.loads(TOUR.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    project = clone(tmp_path / "project", shrunk=False)
    program = project / "notebooks/tour.py"
    program.parent.mkdir(exist_ok=True)
    program.write_text("\n".join(code))
    # a kernel starts in the project's folder, where Python finds `fathom`: see the Makefile
    start = f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')"
    done = run_in(project, "env", "-u", "PYTHONPATH", "python", "-c", start)
    assert "test RMSE" in done.stdout
