"""`symderiv worksheet`: exercise sheets with keys, for a class each student with numbers of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symderiv.cli.console import (
    EXAMPLE_OPTION,
    NETWORK_OPTIONS,
    NOTATION_OPTIONS,
    errors_told,
    files_options,
    formats_in,
    table,
    with_options,
)
from symderiv.cli.gallery import Rendered, render_worksheet
from symderiv.cli.selection import selected
from symderiv.errors import ModelError

if TYPE_CHECKING:
    from symderiv.calculus.derivation import Derivation
    from symderiv.worksheets.worksheet import Worksheet

FORMATS = ("html", "latex", "md", "pdf", "moodle", "stack")
USUAL = "worksheet"


@click.command(short_help="Make an exercise sheet with its key.")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@EXAMPLE_OPTION
@with_options(NETWORK_OPTIONS)
@click.option("--kind", default="numeric", show_default=True, help="numeric, with drawn numbers, or symbolic.")
@click.option("--seed", "-s", default=0, show_default=True, help="Another seed, another sheet.")
@click.option("--decimals", default=4, show_default=True, help="Decimals of every answer.")
@click.option("--choices", default=0, metavar="N", help="Offer N wrong answers beside the right one. [default: 0]")
@click.option("--size", "sizes", multiple=True, metavar="NAME=N", help="A size: --size h=3. [default: 2 of everything]")
@click.option(
    "--students",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A CSV of names: each gets a sheet of their own.",
)
@with_options(files_options("output/worksheets", FORMATS))
@click.option("--title", default="", help="The heading. [default: the model's]")
@with_options(NOTATION_OPTIONS)
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def worksheet(model: Path | None, example: str | None, **options: Any) -> None:
    """Make an exercise sheet: shapes, the forward pass, the derivatives, a step, each asked in order; and its key.

    Numbers are drawn so that no unit is saturated and no answer needs more decimals than are asked for. The wrong answers of
    --choices are those that known mistakes lead to. moodle and stack are quiz files for Moodle.

    \b
    symderiv worksheet --seed 7                                    the network of a real worksheet
    symderiv worksheet net.model --choices 3 -f html,moodle
    symderiv worksheet --hidden tanh --output sigmoid --loss log --one-sample --students class.csv -f pdf
    symderiv worksheet -e two-gaussians --kind symbolic
    """
    with errors_told():
        wanted = formats_in(options.pop("formats"), FORMATS)
        out, quiet, title, students = (options.pop(k) for k in ("out", "quiet", "title", "students"))
        asked = {k: options.pop(k) for k in ("kind", "seed", "decimals", "choices")}
        sizes = _sizes(options.pop("sizes"))
        network = any(v for k, v in options.items() if k not in ("layers", "derivative", "sigmoid"))
        if (model is not None) + (example is not None) + network > 1:
            raise ModelError(
                "one network is asked about", "a model file, --example NAME, or a network such as --hidden tanh"
            )
        names = (example,) if example else () if model or network else (USUAL,)
        (job,) = selected((model,) if model else (), names, options)
        derivation = job.derive()
        made = list(_sheets(derivation, students, asked, sizes))
        heading = title or derivation.model.title or job.stem
        _write(made, job.stem, heading, wanted, out, quiet)


def _sizes(texts: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        if not value.strip().isdigit():
            raise ModelError(f"cannot read the size {text!r}", "write it as NAME=N: h=3")
        found[name.strip()] = int(value)
    return found


def _sheets(
    derivation: Derivation, students: Path | None, asked: dict[str, Any], sizes: dict[str, int]
) -> Iterator[tuple[str, Worksheet]]:
    """The sheets with the stems of their files: one, or one a student."""
    from symderiv.worksheets.students import read_students
    from symderiv.worksheets.worksheet import worksheet as make

    if students is None:
        yield "", make(derivation, sizes=sizes, **asked)
        return
    for student in read_students(students):
        own = {**asked, "seed": student.seed(asked["seed"])}
        yield student.stem, make(derivation, sizes=sizes, student=student.name, **own)


def _write(
    made: list[tuple[str, Worksheet]], stem: str, heading: str, formats: list[str], out: Path, quiet: bool
) -> None:
    """Render every sheet and key first, then write; of a class, keys go into a folder of their own."""
    from symderiv.documents.writers import FORMATS as WRITERS
    from symderiv.worksheets.answers import answers_csv
    from symderiv.worksheets.moodle import moodle_xml

    rendered = Rendered()
    for student, sheet in made:
        stems = (f"sheets/{student}", f"keys/{student}") if student else (stem, f"{stem}-key")
        render_worksheet(sheet, rendered, *stems, [f for f in formats if f in WRITERS], heading)
    if made[0][0]:
        rendered.files[Path("keys/answers.csv")] = answers_csv([sheet for _, sheet in made])
    for format, name in (("moodle", f"{stem}.xml"), ("stack", f"{stem}-stack.xml")):
        if format in formats:
            rendered.files[Path(name)] = moodle_xml([sheet for _, sheet in made], heading, stack=format == "stack")
    rendered.write(out)
    if not quiet:
        count, of_class = len(made[0][1].questions), bool(made[0][0])
        what = f"{len(made)} sheets" if of_class else "1 sheet"
        names = sorted({f"{p.parent}/*{p.suffix}" if p.parent != Path(".") else str(p) for p in rendered.files})
        click.echo("\n".join(table([("made", "questions", f"files in {out}/"), (what, str(count), ", ".join(names))])))
        pages = sorted(path for path in rendered.files if path.suffix == ".html")
        if pages:
            click.echo(f"\nOpen {out / pages[-1] if of_class else out / f'{stem}.html'} in a browser.")
