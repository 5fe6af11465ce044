"""What is told of a run: a page with its settings, losses, pictures and code; in a notebook the losses and pictures."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping

import numpy as np
from markupsafe import Markup

from symderiv.calculus.formats import writer
from symderiv.documents.fragments import fragment
from symderiv.documents.frame import render
from symderiv.training.plots import PICTURES, available, draw_all
from symderiv.training.runs import Run

FORMS = {
    "python": "plain Python numbers with the loop inside (the fastest form for so small a step)",
    "numpy": "NumPy over buffers that are made once",
    "c": "C, compiled for this machine, a vector of samples at a time",
    "readable": "the readable function itself",
}
PLOTS = """
.plots { display: flex; flex-wrap: wrap; gap: 0 1.2rem; }
.plots figure { flex: 1 1 18rem; max-width: 30rem; }
.plots img { width: 100%; }
"""


def to_page(run: Run, pictures: Mapping[str, bytes], title: str) -> str:
    """One self-contained page; `pictures` are SVG files by name."""
    images = [(name, PICTURES[name][1], _inlined(picture)) for name, picture in pictures.items()]
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
    return render(
        "training.html.j2",
        title=title,
        about=f"{_title(run)}, trained for {run.steps} steps.",
        settings={name: str(value) for name, value in settings.items()},
        results=_results(run),
        right=_right(run),
        images=images,
        readable=run.function.source,
        fast=run.source if run.backend not in ("readable", "c") else "",
        form=FORMS[run.backend],
    )


@writer(Run, "html")
def run_page(run: Run, *, title: str = "") -> str:
    """The page of `symderiv train`, with the pictures if matplotlib is installed; option: title."""
    return to_page(run, draw_all(run, "svg") if available() else {}, title or run.model.title or "Training")


@writer(Run, "notebook")
def run_fragment(run: Run) -> str:
    """What a notebook shows: how the losses went, and the pictures if matplotlib is installed."""
    head = Markup('<th scope="col"></th>') + Markup("").join(
        Markup('<th scope="col">{}</th>').format(h) for h in COURSE
    )
    rows = [
        Markup('<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>').format(*row)
        for row in _results(run)
    ]
    figures = [
        Markup('<figure><img class="plot" src="{0}" alt="{1}"><figcaption>{1}</figcaption></figure>').format(
            _inlined(picture), PICTURES[name][1]
        )
        for name, picture in (draw_all(run, "svg") if available() else {}).items()
    ]
    content = Markup(
        '<h1>{}</h1>\n<p class="about">{}</p>\n'
        '<table class="data">\n<thead><tr>{}</tr></thead>\n<tbody>{}</tbody>\n</table>\n{}<div class="plots">{}</div>'
    ).format(
        _title(run), _how(run), head, Markup("").join(rows), Markup("<p>{}</p>\n").format(_found(run)) if _right(run) else "",
        Markup("\n").join(figures),
    )  # fmt: skip
    return fragment(content, "run", extra=PLOTS)


@writer(Run, "text")
def run_text(run: Run) -> str:
    """The losses as plain text. How long it took and in which form it ran are not told: they depend on the machine."""
    rows = [("", *COURSE), *_results(run)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(
        [_title(run), _how(run), *(f"  {line}" for line in table), *([_found(run)] if _right(run) else [])]
    )


def _title(run: Run) -> str:
    return run.model.title or "A network"


def _how(run: Run) -> str:
    """The settings in a line."""
    batch = "all samples a step" if run.settings["batch"] is None else f"batches of {run.settings['batch']}"
    optimizer = run.settings["optimizer"].replace("-", " ")
    return f"{run.steps} steps of {optimizer}, rate {run.settings['rate']:g}, {batch}, seed {run.settings['seed']}"


def _found(run: Run) -> str:
    return f"At the end the class of {' and of '.join(_right(run))} is found."


def _right(run: Run) -> list[str]:
    """How many samples are classified right, where there are classes."""
    shares = [(what, run.accuracy(validation=held)) for what, held in (("training", False), ("validation", True))]
    return [f"{share:.1%} of the {what} samples" for what, share in shares if share is not None]


def _results(run: Run) -> list[tuple[str, str, str, str]]:
    """How each loss went."""
    results = [("training loss", *_course(run, 1))]
    if np.isfinite(run.validation_loss):
        results.append(("validation loss", *_course(run, 2)))
    return results


def _inlined(picture: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(picture).decode()


COURSE = ("start", "lowest", "end")


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
