"""The page about a run: its settings, losses and pictures, and the code that it ran."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping

import numpy as np

from symderiv.documents.page import render
from symderiv.training.plots import PICTURES
from symderiv.training.runs import Run

FORMS = {
    "python": "plain Python numbers with the loop inside (the fastest form for so small a step)",
    "numpy": "NumPy over buffers that are made once",
    "c": "C, compiled for this machine, a vector of samples at a time",
    "readable": "the readable function itself",
}


def to_page(run: Run, pictures: Mapping[str, bytes], title: str) -> str:
    """One self-contained page; `pictures` are SVG files by name."""
    images = [
        (name, PICTURES[name][1], "data:image/svg+xml;base64," + base64.b64encode(picture).decode())
        for name, picture in pictures.items()
    ]
    settings = {
        "steps": run.steps,
        "optimizer": run.settings["optimizer"].replace("-", " "),
        "learning rate": f"{run.settings['rate']:g}",
        "batch": run.settings["batch"] or "all samples",
        "seed": run.settings["seed"],
        "sizes": ", ".join(f"{name} = {size}" for name, size in run.sizes.items()),
    }
    results = [("training loss", run.history[0, 1], run.loss)]
    if np.isfinite(run.validation_loss):
        results.append(("validation loss", run.history[0, 2], run.validation_loss))
    return render(
        "training.html.j2",
        title=title,
        about=f"{run.model.title or 'A network'}, trained for {run.steps} steps.",
        settings={name: str(value) for name, value in settings.items()},
        results=[(name, f"{first:.6g}", f"{last:.6g}") for name, first, last in results],
        images=images,
        readable=run.function.source,
        fast=run.source if run.backend not in ("readable", "c") else "",
        form=FORMS[run.backend],
    )


def history_csv(run: Run) -> str:
    """The history as CSV: step, losses, gradient sizes."""
    memory = io.StringIO()
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerow([*run.columns[:3], *(f"size of d{name}" for name in run.columns[3:])])
    for row in run.history:
        writer.writerow([int(row[0]), *("" if np.isnan(value) else repr(float(value)) for value in row[1:])])
    return memory.getvalue()


def parameters_npz(run: Run) -> bytes:
    """The parameters as an NPZ file, arrays by the model's names."""
    memory = io.BytesIO()
    np.savez(memory, **run.parameters)  # type: ignore[arg-type]
    return memory.getvalue()
