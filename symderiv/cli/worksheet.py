"""`symderiv worksheet`: exercise sheets with keys, for a class each student with numbers of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symderiv.cli.console import NETWORK_OPTIONS, NOTATION_OPTIONS, errors_told, table, with_options
from symderiv.cli.selection import selected
from symderiv.errors import ModelError

if TYPE_CHECKING:
    from symderiv.calculus.derivation import Derivation
    from symderiv.worksheets.worksheet import Worksheet

FORMATS = ("html", "latex", "md", "pdf", "moodle", "stack")
USUAL = "worksheet"


@click.command(short_help="Make an exercise sheet with its key.")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option(
    "--example", "-e", metavar="NAME", help=f"A shipped example (see `symderiv examples`). [default: {USUAL}]"
)
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
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("output/worksheets"),
    show_default=True,
    help="Folder to write into.",
)
@click.option(
    "--format", "-f", "formats", default="html,latex,md", show_default=True, help=f"Any of {','.join(FORMATS)}."
)
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
        wanted = _formats(options.pop("formats"))
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


def _formats(text: str) -> list[str]:
    wanted = [part.strip().lower() for part in text.split(",") if part.strip()]
    wanted = ["latex" if part == "tex" else "md" if part == "markdown" else part for part in wanted]
    unknown = [part for part in wanted if part not in FORMATS]
    if unknown or not wanted:
        raise ModelError(f"there is no format {', '.join(unknown) or repr(text)}", f"there is {', '.join(FORMATS)}")
    return list(dict.fromkeys(wanted))


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
    """Render every sheet and key first, then write."""
    from symderiv.documents.files import make_folder, write_file
    from symderiv.documents.writers import FORMATS as WRITERS
    from symderiv.worksheets.document import worksheet_document
    from symderiv.worksheets.moodle import moodle_xml

    files: dict[Path, str | bytes] = {}
    for student, sheet in made:
        for key in (False, True):
            document = worksheet_document(sheet, key=key, title=heading)
            for format in formats:
                if format in WRITERS:
                    ending, write = WRITERS[format]
                    files[_place(stem, student, key, ending)] = write(document)
    for format, name in (("moodle", f"{stem}.xml"), ("stack", f"{stem}-stack.xml")):
        if format in formats:
            files[Path(name)] = moodle_xml([sheet for _, sheet in made], heading, stack=format == "stack")
    make_folder(out)
    for folder in dict.fromkeys(path.parent for path in files):
        make_folder(out / folder)
    for path, content in files.items():
        write_file(out / path, content)
    if not quiet:
        count = len(made[0][1].questions)
        what = f"{len(made)} sheets" if len(made) > 1 or made[0][0] else "1 sheet"
        names = sorted(
            {
                str(p) if not made[0][0] else f"{p.parent}/*{p.suffix}" if p.parent != Path(".") else str(p)
                for p in files
            }
        )
        click.echo("\n".join(table([("made", "questions", f"files in {out}/"), (what, str(count), ", ".join(names))])))


def _place(stem: str, student: str, key: bool, ending: str) -> Path:
    """Where a sheet or key goes: for a class, keys in a folder of their own, so that sheets can be handed out."""
    if student:
        return Path("keys" if key else "sheets", f"{student}.{ending}")
    return Path(f"{stem}{'-key' if key else ''}.{ending}")
