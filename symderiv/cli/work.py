"""`symderiv work`: a network at given numbers, every step as formula, substituted, result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symderiv.cli.console import EXAMPLE_OPTION, NOTATION_OPTIONS, errors_told, formats_in, table, with_options
from symderiv.cli.derive import FORMATS
from symderiv.cli.selection import file_stem
from symderiv.errors import ModelError

if TYPE_CHECKING:
    from symderiv.calculus.derivation import Derivation
    from symderiv.textbook.values import Values


@click.command(short_help="Work through a network with numbers.")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@EXAMPLE_OPTION
@click.option(
    "--values",
    "values_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The numbers, in NumPy's syntax. [default: MODEL's name with .values]",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar='"NAME = ..."',
    help="One more value; for a computed quantity, the value to use from there on.",
)
@click.option("--rate", type=float, help="The learning rate: shows the update.")
@click.option("--digits", type=int, default=6, show_default=True, help="Significant digits.")
@click.option("--decimals", type=int, help="Decimals, instead of significant digits.")
@click.option("--rounded", is_flag=True, help="Round every named result before it is used further, as by hand.")
@click.option(
    "--weight", "weights", multiple=True, metavar="ENTRY", help='A single weight to show: "W1[2,1]" (bias row 0).'
)
@click.option("--inputs", is_flag=True, help="Derive with respect to the data as well.")
@click.option("--primitive", is_flag=True, help="In the computation graph, take the sigmoid apart.")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="Write documents into this folder instead.")
@click.option(
    "--format", "-f", "formats", metavar="NAMES", help=f"With -o: any of {','.join(FORMATS)}. [default: html]"
)
@with_options(NOTATION_OPTIONS)
@click.option("--quiet", "-q", is_flag=True, help="With -o: print nothing but errors.")
def work(
    model: Path | None,
    example: str | None,
    values_file: Path | None,
    settings: tuple[str, ...],
    rate: float | None,
    digits: int,
    decimals: int | None,
    rounded: bool,
    weights: tuple[str, ...],
    inputs: bool,
    primitive: bool,
    out: Path | None,
    formats: str | None,
    quiet: bool,
    **notation: Any,
) -> None:
    """Work through a network with numbers: each step as formula, with the numbers put in, and its result.

    \b
    symderiv work -e worksheet                   a worked example, on the terminal
    symderiv work net.model --rate 0.1           with the numbers in net.values
    symderiv work -e worksheet --weight "W1[2,1]" --digits 4 --rounded
    symderiv work -e worksheet --set "beta1 = [0.5, 0.999]"
    symderiv work -e logistic-graph -o key -f html,pdf

    A file of values says `x = [[2], [5]]`, `W1 = np.array([[1, 2], [3, 4]])`, `rate = 2`, a line each. It is read, never
    executed. The exact gradients are compared with complex-step differences before anything is shown.
    """
    with errors_told():
        if formats is not None and out is None:
            raise ModelError("a format needs a folder to write into", "say where: -o DIR")
        wanted = formats_in(formats or "html", FORMATS)
        derivation, values, about, stem, own_weights = _source(
            model, example, values_file, settings, inputs, {k: v for k, v in notation.items() if v is not None}
        )
        from symderiv.documents.numbers import worked_document
        from symderiv.documents.terminal import to_text
        from symderiv.documents.writers import FORMATS as WRITERS
        from symderiv.documents.writers import plain_notation
        from symderiv.views.worked import work as work_through

        worked = work_through(
            derivation,
            values,
            rate=rate,
            digits=digits,
            decimals=decimals,
            rounded=rounded,
            weights=weights or own_weights,
        )
        title = derivation.model.title or stem
        if out is None:
            click.echo(to_text(worked_document(worked, title=title, notation=plain_notation(derivation))), nl=False)
            return
        from symderiv.documents.files import make_folder, write_file

        document = worked_document(worked, title=title, about=about, primitive=primitive)
        files = {f"{stem}-numbers.{WRITERS[format][0]}": WRITERS[format][1](document) for format in wanted}
        make_folder(out)
        for name, content in files.items():
            write_file(out / name, content)
        if not quiet:
            click.echo("\n".join(table([("worked example", f"files in {out}/"), (stem, ", ".join(files))])))


def _source(
    path: Path | None,
    name: str | None,
    values_file: Path | None,
    settings: tuple[str, ...],
    inputs: bool,
    notation: dict[str, Any],
) -> tuple[Derivation, Values, str, str, tuple[str, ...]]:
    """The derivation, its values, what it is about, the stem of its files and the weights that its source asks for."""
    from symderiv.calculus.sweep import derive
    from symderiv.textbook import examples
    from symderiv.textbook.model_files import read_model
    from symderiv.textbook.values import parse_values, read_values

    if (path is None) == (name is None):
        raise ModelError("one network is worked through: a model file or an example", "symderiv work -e worksheet")
    if name is not None:
        example = examples.find(name)
        derivation, about, stem, weights = (
            example.derive(inputs=inputs, **notation),
            example.about,
            name,
            example.weights,
        )
        values_file = values_file or (example.values_path if example.values_path.exists() else None)
    else:
        assert path is not None
        derivation, about, stem, weights = derive(read_model(path), inputs=inputs, **notation), "", file_stem(path), ()
        beside = path.with_suffix(".values")
        values_file = values_file or (beside if beside.exists() else None)
    if values_file is not None:
        return derivation, read_values(values_file, derivation.model, settings), about, stem, weights
    if not settings:
        try:
            parse_values("", derivation.model)
        except ModelError as error:
            hint = error.hint.replace("add lines such as", "write a file such as", 1)
            raise ModelError(f"there are no values for {stem}: give them with --values FILE", hint) from None
    return derivation, parse_values("", derivation.model, "--set", settings), about, stem, weights
