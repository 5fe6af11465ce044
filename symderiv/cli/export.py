"""`symderiv export`: the loss and its gradients as a Python module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from symderiv.cli.console import EXAMPLE_OPTION, NETWORK_OPTIONS, errors_told, with_options
from symderiv.cli.selection import model_to_use
from symderiv.errors import ModelError


@click.command(short_help="Write the loss and its gradients as NumPy code.")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@EXAMPLE_OPTION
@with_options(NETWORK_OPTIONS)
@click.option("--dialect", default="numpy", show_default=True, help="numpy, or array-api (NumPy, PyTorch, JAX alike).")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="The file to write. [default: print it]")
def export(model: Path | None, example: str | None, dialect: str, out: Path | None, **network: Any) -> None:
    """Write a module with `loss_and_gradients(...)` and `predict(...)`, one line a quantity.

    \b
    symderiv export -e two-gaussians
    symderiv export net.model -o net.py
    symderiv export net.model --dialect array-api -o net.py
    """
    with errors_told():
        from symderiv.calculus.sweep import derive
        from symderiv.compute.program import program_of
        from symderiv.compute.source import DIALECTS, write_source
        from symderiv.documents.files import write_file

        if dialect not in DIALECTS:
            raise ModelError(f"there is no dialect {dialect}", f"there is {', '.join(DIALECTS)}")
        chosen = model_to_use(model, example, network)
        source = write_source(program_of(derive(chosen.model)), dialect)
        if out is None:
            click.echo(source, nl=False)
        else:
            write_file(out, source)
            click.echo(f"{out} defines loss_and_gradients(...) and predict(...); it needs NumPy alone.", err=True)
