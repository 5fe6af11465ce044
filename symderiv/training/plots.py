"""Pictures of a run: loss curves, decision boundary, gradient sizes, fit; as SVG or PNG, the same bytes for the same run.

Needs matplotlib (the extra `plots`), which is imported when a picture is drawn.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from symderiv.compute.binding import Array
from symderiv.compute.source import output_of, targets_of
from symderiv.errors import OutputError
from symderiv.training.data import with_samples
from symderiv.training.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = ("#0b6b57", "#c2410c", "#3b5bdb", "#9c6b00", "#7b3fa0", "#59636e")
"""Told apart in grey as well; line styles say the same once more."""
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MOST_POINTS = 1500
MOST_CLASSES = 10


def available() -> bool:
    """Whether matplotlib is installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


def _figure(width: float = 6.4, height: float = 4.0) -> tuple[Figure, Any]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise OutputError("pictures need matplotlib\n  install it with: pip install 'symderiv[plots]'") from None
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e3e6e1", linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def to_bytes(figure: Figure, format: str) -> bytes:
    """The figure as a file of `format`, 'svg' or 'png', without date and with ids that do not change."""
    import matplotlib

    memory = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "symderiv", "svg.fonttype": "path"}):
        metadata = {"Date": None} if format == "svg" else {"Software": None}
        figure.savefig(memory, format=format, metadata=metadata, dpi=144)
    return memory.getvalue()


def loss_curves(run: Run) -> Figure:
    """Training and validation loss against the step; logarithmic where the loss is positive and falls far."""
    figure, axes = _figure()
    steps, loss, held = run.history[:, 0], run.history[:, 1], run.history[:, 2]
    axes.plot(steps, loss, color=COLORS[0], label="training")
    if np.isfinite(held).any():
        axes.plot(steps, held, color=COLORS[1], linestyle="--", label="validation")
        axes.legend(frameon=False)
    if loss.min() > 0 and loss.max() > 20 * loss.min():
        axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_ylabel(f"loss {run.model.loss.name}")
    axes.set_title("Loss")
    return figure


def gradient_sizes(run: Run) -> Figure:
    """The Frobenius norm of each parameter's gradient against the step."""
    figure, axes = _figure()
    for k, name in enumerate(run.columns[3:]):
        norms = run.history[:, 3 + k]
        axes.plot(run.history[:, 0], np.where(norms > 0, norms, np.nan), color=COLORS[k % len(COLORS)],
                  linestyle=STYLES[k // len(COLORS) % len(STYLES)], linewidth=1.2, label=f"d{name}")  # fmt: skip
    if (run.history[:, 3:] > 0).any():
        axes.set_yscale("log")
    axes.legend(frameon=False, fontsize="small", ncols=2)
    axes.set_xlabel("step")
    axes.set_ylabel("size of the gradient (Frobenius norm)")
    axes.set_title("Gradient sizes")
    return figure


def decision_boundary(run: Run) -> Figure | None:
    """The classes that a network of two inputs decides for, with the data; None for other networks."""
    found = run.decided(run.data)
    if found is None or found[0].shape[1] != 2:
        return None
    points, labels, _ = found
    if labels.max() >= MOST_CLASSES:
        return None
    figure, axes = _figure(5.6, 4.8)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.12 * (high - low) + 1e-9
    grid = [np.linspace(low[k] - margin[k], high[k] + margin[k], 201) for k in (0, 1)]
    across, up = np.meshgrid(*grid)
    decided = _decision(run, np.column_stack([across.ravel(), up.ravel()]))
    classes = int(max(labels.max(), 1)) + 1
    levels = [0.5] if decided.ndim == 1 else [k + 0.5 for k in range(classes - 1)]
    field = decided if decided.ndim == 1 else decided.argmax(axis=1).astype(float)
    if decided.ndim == 2 and decided.shape[1] == 2:
        field, levels = decided[:, 1], [0.5]
    shades = ("#dcefe9", "#fbe6d9", "#e1e6fb", "#f5ecd2", "#ecdff5", "#e6e8ea")
    regions = [-np.inf, *levels, np.inf]
    for k in range(len(regions) - 1):
        inside = ((field > regions[k]) & (field <= regions[k + 1])).reshape(across.shape)
        axes.contourf(across, up, inside, levels=[0.5, 1.5], colors=[shades[k % len(shades)]])
    if len(levels) == 1 and field.min() < levels[0] < field.max():
        axes.contour(across, up, field.reshape(across.shape), levels=levels, colors=["#1d232b"], linewidths=1.4)
    for k in range(classes):
        own = points[labels == k][:MOST_POINTS]
        axes.plot(own[:, 0], own[:, 1], "o^sDvP"[k % 6], markersize=3.2, color=COLORS[k % len(COLORS)], alpha=0.6,
                  markeredgewidth=0, label=run.classes[k] if run.classes else f"class {k}")  # fmt: skip
    axes.legend(frameon=True, framealpha=0.9, fontsize="small")
    axes.set_xlabel("first input")
    axes.set_ylabel("second input")
    axes.set_title("Decision boundary")
    return figure


def fit(run: Run) -> Figure | None:
    """Data and prediction of a network of one input and one output; None for other networks."""
    model, _ = with_samples(run.model)
    targets = targets_of(model)
    if len(run.inputs) != 1 or len(targets) != 1:
        return None
    x, y = run.data[run.inputs[0].name], run.data[targets[0].name]
    if 1 not in x.shape or 1 not in y.shape or x.size != y.size or _is_classes(y):
        return None
    figure, axes = _figure()
    order = np.argsort(x.ravel())
    line = np.linspace(x.min(), x.max(), 301)
    axes.plot(x.ravel()[order][:MOST_POINTS], y.ravel()[order][:MOST_POINTS], "o", markersize=3, color=COLORS[5], alpha=0.5,
              markeredgewidth=0, label="data")  # fmt: skip
    predicted = run.predict(line.reshape(1, -1) if x.shape[0] == 1 else line.reshape(-1, 1))
    axes.plot(line, predicted.ravel(), color=COLORS[1], label="network")
    axes.legend(frameon=False)
    axes.set_xlabel("input")
    axes.set_ylabel("output")
    axes.set_title("Data and fit")
    return figure


def _is_classes(y: Array) -> bool:
    return bool(np.isin(y, (0.0, 1.0)).all())


def _decision(run: Run, points: Array) -> Array:
    """The output at points given as rows: (points,) for one output, else (points, classes)."""
    model, samples = with_samples(run.model)
    rows = model.symbols[run.inputs[0].name].shape[0] == samples
    output = run.predict(points if rows else points.T)
    symbol = output_of(model)
    assert symbol is not None
    output = output if symbol.shape[0] == samples else output.T
    return output[:, 0] if output.shape[1] == 1 else output


PICTURES: dict[str, tuple[Callable[[Run], Any], str]] = {
    "loss": (
        loss_curves,
        "The loss over all training samples (and over the validation samples, if any are kept apart).",
    ),
    "boundary": (decision_boundary, "What the network decides in the plane of its two inputs, with the training data."),
    "fit": (fit, "The training data and what the network makes of its input."),
    "gradients": (gradient_sizes, "How large the gradient of each parameter is, over all training samples."),
}
"""For each picture, what draws it (or gives None where it does not apply), and a sentence below it."""


def draw_all(run: Run, format: str) -> dict[str, bytes]:
    """Every picture that applies to the run, by name, as files of a format.

    Each format has figures of its own: one that was written before is laid out a little differently.
    """
    found = {name: draw(run) for name, (draw, _) in PICTURES.items()}
    return {name: to_bytes(figure, format) for name, figure in found.items() if figure is not None}
