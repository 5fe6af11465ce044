"""What every command shares: errors told in one message, options of networks and notations, plain tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from symderiv.errors import CheckFailed, ModelError, SymderivError


@contextmanager
def errors_told() -> Iterator[None]:
    """One clear message instead of a traceback for everything that symderiv raises on purpose."""
    try:
        yield
    except CheckFailed as error:
        click.echo(f"{red('symderiv stopped:')} {error}\nThis is a bug in symderiv; no document was written.", err=True)
        sys.exit(1)
    except MemoryError:
        click.echo(f"{red('error:')} there is not enough memory for sizes as large as that", err=True)
        sys.exit(2)
    except SymderivError as error:
        click.echo(f"{red('error:')} {error}", err=True)
        sys.exit(2)


def red(text: str) -> str:
    """The text in red, on a terminal."""
    return click.style(text, fg="red", bold=True)  # click drops the colour where stderr is not a terminal


def example_names(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """The examples whose names begin so, for a shell."""
    from symderiv.textbook.examples import EXAMPLES

    return [CompletionItem(e.name, help=e.about) for e in EXAMPLES.values() if e.name.startswith(begun)]


EXAMPLES_OPTION = click.option(
    "--example", "-e", "examples", multiple=True, shell_complete=example_names, metavar="NAME",
    help="A shipped example (see `symderiv examples`).",
)  # fmt: skip
EXAMPLE_OPTION = click.option(
    "--example", "-e", shell_complete=example_names, metavar="NAME", help="A shipped example (see `symderiv examples`)."
)
NOTATION_OPTIONS = (
    click.option(
        "--layers",
        type=click.Choice(["bracket", "subscript", "superscript"]),
        help="Layer marks: W^[1], W_1 or bold W^1.",
    ),
    click.option("--derivative", type=click.Choice(["partial", "d"]), help="Derivatives with a curly or a straight d."),
    click.option("--sigmoid", type=click.Choice(["sigma", "g"]), help="The letter of the sigmoid."),
)
_NETWORK: tuple[tuple[str, str], ...] = (
    ("--hidden", "Hidden activations, one a layer: tanh or tanh,relu."),
    ("--output", "Output activation. [default: identity]"),
    ("--loss", "mse, log, cross-entropy, huber; or a sum: mse+cross-entropy. [default: mse]"),
    ("--layout", "rows (X W), columns (W X) or transposed (W^T X). [default: rows]"),
    ("--bias", "separate, augmented (inside the weights) or none. [default: separate]"),
    ("--scale", "Factor of the loss: sum, half, mean or half-mean. [default: mean]"),
)
_FLAGS = (
    click.option("--one-sample", is_flag=True, help="One sample instead of a batch."),
    click.option("--penalty", is_flag=True, help="Add an L2 penalty on the weights."),
)
NETWORK_OPTIONS = (*(click.option(flag, metavar="NAME", help=text) for flag, text in _NETWORK), *_FLAGS)
VARIANT_OPTIONS = (
    *(click.option(flag, metavar="NAME", multiple=True, help=text) for flag, text in _NETWORK),
    *_FLAGS,
)
"""The same for several networks: what is given once holds for all, what is given several times tells them apart."""


def files_options(folder: str, formats: tuple[str, ...]) -> tuple[Any, ...]:
    """Where a command writes, and in which of its formats."""
    return (
        click.option(
            "--out",
            "-o",
            type=click.Path(path_type=Path),
            default=Path(folder),
            show_default=True,
            help="Folder to write into.",
        ),
        click.option(
            "--format", "-f", "formats", default="html,latex,md", show_default=True, help=f"Any of {','.join(formats)}."
        ),
    )


def with_options(options: tuple[Any, ...]) -> Callable[[Any], Any]:
    """Add several click options to a command."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """The lines of a table with aligned columns."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def formats_in(text: str, known: tuple[str, ...]) -> list[str]:
    """The formats that a list such as `html,pdf` names.

    Raises: ModelError for one that does not exist.
    """
    wanted = [part.strip().lower() for part in text.split(",") if part.strip()]
    wanted = ["latex" if part == "tex" else "md" if part == "markdown" else part for part in wanted]
    unknown = [part for part in wanted if part not in known]
    if unknown or not wanted:
        raise ModelError(f"there is no format {', '.join(unknown) or repr(text)}", f"there is {', '.join(known)}")
    return list(dict.fromkeys(wanted))
