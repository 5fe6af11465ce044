"""Run the notebooks with a real kernel, and write them down the same way every time: `python tests/notebooks.py`.

Outputs are kept; what depends on the moment or on the machine (times, versions, who ran it) is not. A notebook is named to run
it alone: `python tests/notebooks.py notebooks/00_tour.ipynb`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")  # where Jupyter's files are; it warns as long as nobody decides

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
SECONDS_A_CELL = 300


def executed(path: Path) -> nbformat.NotebookNode:
    """The notebook, every cell run anew by the Python that runs this.

    The kernel is one of ours in a folder of its own: it needs none that is registered on the machine, and reads nobody's
    settings. Raises: CellExecutionError for a cell that fails.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory(prefix="nb") as name:
        folder = Path(name)
        _write_kernel(folder)
        manager = AsyncKernelManager(
            kernel_name="symderiv",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[name], ensure_native_kernel=False),
            connection_file=str(folder / "kernel.json"),
            transport="ipc" if os.name == "posix" else "tcp",  # two at once never meet on a port
        )
        client = NotebookClient(notebook, km=manager, timeout=SECONDS_A_CELL, record_timing=False)
        client.execute(cwd=str(folder), cleanup_kc=True)  # a manager of ours is else left running
    return plain(notebook)


def _write_kernel(folder: Path) -> None:
    place = folder / "symderiv"
    place.mkdir()
    search = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    kernel = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "symderiv",
        "language": "python",
        "env": {
            "IPYTHONDIR": str(folder / "ipython"),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_PLATFORM_DIRS": "1",
            "MPLCONFIGDIR": str(folder / "matplotlib"),
            "PYTHONPATH": search,
        },
    }
    (place / "kernel.json").write_text(json.dumps(kernel))


def plain(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what differs from one run to the next."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    return notebook


def _joined(outputs: Sequence[Any]) -> list[Any]:
    """The outputs with what was printed in pieces in one: how it was cut is chance."""
    found: list[Any] = []
    for output in outputs:
        if output.output_type == "stream" and found and found[-1].get("name") == output.name:
            found[-1].text += output.text
        else:
            found.append(output)
    return found


def main(names: Sequence[str]) -> None:
    """Run and write the notebooks, and say how long each took and how large it is."""
    for path in [Path(name) for name in names] or NOTEBOOKS:
        began = time.perf_counter()
        text = nbformat.writes(executed(path))
        path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
        print(f"{path.name:42} {time.perf_counter() - began:5.1f} s {path.stat().st_size / 1000:7.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
