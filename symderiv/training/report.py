"""The page about a run: its settings, losses and pictures, and the code that it ran."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping

import numpy as np

from symderiv.documents.frame import render
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
        "validation": f"{run.settings['validation']:.0%} of the samples" if run.validation else "none",
        "seed": run.settings["seed"],
        "sizes": ", ".join(f"{name} = {size}" for name, size in run.sizes.items()),
    }
    if run.classes:
        settings["classes"] = ", ".join(f"{k} is {name}" for k, name in enumerate(run.classes))
    results = [("training loss", *_course(run, 1))]
    if np.isfinite(run.validation_loss):
        results.append(("validation loss", *_course(run, 2)))
    right = [(what, run.accuracy(validation=held)) for what, held in (("training", False), ("validation", True))]
    return render(
        "training.html.j2",
        title=title,
        about=f"{run.model.title or 'A network'}, trained for {run.steps} steps.",
        settings={name: str(value) for name, value in settings.items()},
        results=results,
        right=[f"{share:.1%} of the {what} samples" for what, share in right if share is not None],
        images=images,
        readable=run.function.source,
        fast=run.source if run.backend not in ("readable", "c") else "",
        form=FORMS[run.backend],
    )


def _course(run: Run, column: int) -> tuple[str, str, str]:
    """A loss at the start, at its lowest, at the end."""
    losses = run.history[:, column]
    lowest = int(np.nanargmin(losses))
    return f"{losses[0]:.4g}", f"{losses[lowest]:.4g} (step {int(run.history[lowest, 0])})", f"{losses[-1]:.4g}"


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
