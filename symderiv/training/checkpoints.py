"""Checkpoints: everything that a run needs to go on to the very numbers of an unbroken one, in one file.

A checkpoint replaces the one before it in a single rename after its bytes have reached the disk, so at any moment the
file on disk is whole; a run that is killed loses the steps since its last checkpoint and nothing else.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from symderiv.calculus.model import Model
from symderiv.compute.binding import Array
from symderiv.documents.files import write_file
from symderiv.errors import OutputError, TrainingError

FORM = 1


@dataclass(frozen=True)
class Checkpoint:
    """The state after `step` steps. `settings`: what the run was started with, in words that errors can show."""

    step: int
    theta: Array
    states: list[Array]
    history: Array
    settings: Mapping[str, Any]


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint in place of the one before.

    Raises: OutputError, with the one before untouched, if that fails.
    """
    arrays = {"theta": checkpoint.theta, "history": checkpoint.history}
    arrays |= {f"state{k}": state for k, state in enumerate(checkpoint.states)}
    about = {"form": FORM, "step": checkpoint.step, "settings": dict(checkpoint.settings)}
    arrays["about"] = np.frombuffer(json.dumps(about, sort_keys=True).encode(), dtype=np.uint8)
    memory = io.BytesIO()
    np.savez(memory, **arrays)  # type: ignore[arg-type]
    try:
        write_file(path, memory.getvalue())
    except OutputError as error:
        before = f"; the checkpoint before it is whole: {path}" if path.exists() else ""
        raise OutputError(f"{error}\n  the run was stopped after step {checkpoint.step}{before}") from None


def form_of(path: Path) -> str:
    """The form of the code that a checkpoint's run used; '' if the file cannot tell, which loading then says."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return str(json.loads(archive["about"].tobytes())["settings"]["form of the code"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
        return ""


def remove_leftovers(path: Path) -> None:
    """Remove what a run that was killed while it saved has left beside a checkpoint."""
    for stale in path.parent.glob(f".{path.name}.*"):
        stale.unlink(missing_ok=True)


def load_checkpoint(path: Path, settings: Mapping[str, Any], length: int, states: int, columns: int) -> Checkpoint:
    """Read a checkpoint of a run with these settings, with so many parameters, state vectors, columns of history.

    Raises: TrainingError if there is none, if it is damaged, or if it belongs to another run.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            about = json.loads(archive["about"].tobytes())
            carried = [archive[f"state{k}"] for k in range(sum(name.startswith("state") for name in archive.files))]
            found = Checkpoint(about["step"], archive["theta"], carried, archive["history"], dict(about["settings"]))
            form = about["form"]
            _check_form(found)
    except FileNotFoundError:
        raise TrainingError(f"there is no checkpoint {path}", "start the run without --resume") from None
    except OSError as error:
        raise TrainingError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise TrainingError(
            f"{path} is damaged or no checkpoint: {error}", "start the run without --resume, or bring back a whole copy"
        ) from None
    if form != FORM:
        raise TrainingError(f"{path} was written by another version of symderiv")
    for key, value in settings.items():
        if found.settings.get(key) != value:
            raise TrainingError(
                f"{path} belongs to another run: its {key} is {found.settings.get(key)}, not {value}",
                "resume with what it was started with, or start anew without --resume",
            )
    fits = found.theta.size == length and len(found.states) == states and found.history.shape[1] == columns
    if not fits or not np.isfinite(found.theta).all():
        raise TrainingError(f"{path} is damaged: its parameters are not those of this model, or not finite")
    return found


def _check_form(found: Checkpoint) -> None:
    """Raises ValueError for what no run writes."""
    vectors = [found.theta, *found.states]
    alike = all(v.ndim == 1 and v.shape == found.theta.shape and v.dtype == np.float64 for v in vectors)
    history = found.history.ndim == 2 and len(found.history) > 0
    if not (alike and history and isinstance(found.step, int) and found.step >= 0):
        raise ValueError("its arrays do not fit together")


def fingerprint(model: Model, data: Mapping[str, Array]) -> str:
    """A short mark of a model and its data, to tell that a checkpoint belongs to them."""
    digest = hashlib.sha256()
    for symbol in model.inputs:
        digest.update(f"{symbol.name} {symbol.shape} {symbol.role}\n".encode())
    for equation in model.equations:
        digest.update(f"{equation.name} = {equation.value!r}\n".encode())
    for name in sorted(data):
        digest.update(f"{name} {data[name].shape}".encode() + np.ascontiguousarray(data[name]).tobytes())
    return digest.hexdigest()[:16]
