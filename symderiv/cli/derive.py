"""`symderiv derive`: model files, examples and textbook networks become documents."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from symderiv.cli.console import NETWORK_OPTIONS, NOTATION_OPTIONS, errors_told, table, with_options
from symderiv.cli.selection import Job, selected
from symderiv.errors import ModelError

FORMATS = ("html", "latex", "md", "pdf")


@click.command(short_help="Write the derivation of every gradient.")
@click.argument("models", nargs=-1, type=click.Path(path_type=Path), metavar="[MODEL]...")
@click.option(
    "--example", "-e", "examples", multiple=True, metavar="NAME", help="A shipped example (see `symderiv examples`)."
)
@with_options(NETWORK_OPTIONS)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("output"),
    show_default=True,
    help="Folder to write into.",
)
@click.option(
    "--format", "-f", "formats", default="html,latex,md", show_default=True, help=f"Any of {','.join(FORMATS)}."
)
@click.option(
    "--weight",
    default="",
    metavar="ENTRY",
    help='One weight whose paths come first: "W1[2,1]", counted from 1 (the bias row from 0).',
)
@click.option("--inputs", is_flag=True, help="Derive with respect to the data as well.")
@with_options(NOTATION_OPTIONS)
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def derive(
    models: tuple[Path, ...],
    examples: tuple[str, ...],
    out: Path,
    formats: str,
    weight: str,
    inputs: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Derive every gradient, check it against independent oracles, and write it down step by step.

    \b
    symderiv derive                              all shipped examples, into output/
    symderiv derive net.model                    forward equations in NumPy syntax
    symderiv derive -e worksheet --weight "W1[2,1]"
    symderiv derive --hidden tanh --output sigmoid --loss log --layout columns -f html,pdf
    """
    with errors_told():
        wanted = formats_in(formats)
        jobs = selected(models, examples, options, inputs=inputs)
        _check_stems(jobs)
        _write_documents(jobs, out, wanted, weight, quiet)


def formats_in(text: str) -> list[str]:
    """The formats that a list such as `html,pdf` names.

    Raises: ModelError for one that does not exist.
    """
    wanted = [part.strip().lower() for part in text.split(",") if part.strip()]
    wanted = ["latex" if part == "tex" else "md" if part == "markdown" else part for part in wanted]
    unknown = [part for part in wanted if part not in FORMATS]
    if unknown or not wanted:
        raise ModelError(f"there is no format {', '.join(unknown) or repr(text)}", f"there is {', '.join(FORMATS)}")
    return list(dict.fromkeys(wanted))


def _check_stems(jobs: list[Job]) -> None:
    """Refuse two documents of one name."""
    stems = [job.stem for job in jobs] + (["index"] if len(jobs) > 1 else [])
    double = {stem for stem in stems if stems.count(stem) > 1}
    if double:
        raise ModelError(
            f"two documents would be called {double.pop()}",
            "rename one of the files, or write them one after the other",
        )


def _write_documents(jobs: list[Job], out: Path, formats: list[str], weight: str, quiet: bool) -> None:
    """Derive and render everything first, then write: an error leaves no half of anything."""
    from symderiv.documents.files import make_folder, write_file
    from symderiv.documents.outline import document_of
    from symderiv.documents.page import IndexEntry, index_page, loss_formula, to_page
    from symderiv.documents.writers import FORMATS as WRITERS
    from symderiv.oracles.checks import QUICK, cross_check

    files: dict[str, str | bytes] = {}
    rows, entries = [], []
    for job in _progress(jobs, quiet):
        derivation = job.derive()
        report = cross_check(derivation, oracles=QUICK)
        document = document_of(
            derivation,
            title=derivation.model.title or job.stem,
            about=job.about,
            weight=weight,
            report=report,
            numbers=job.numbers(derivation),
        )
        names = {format: f"{job.stem}.{WRITERS[format][0]}" for format in formats}
        links = tuple((name, format) for format, name in names.items() if format != "html")
        for format, name in names.items():
            files[name] = to_page(document, links) if format == "html" else WRITERS[format][1](document)
        entries.append(IndexEntry(document, names, loss_formula(derivation)))
        rows.append(
            (
                job.stem,
                str(len(derivation.gradients)),
                str(report.steps),
                f"{report.largest:.0e}",
                ", ".join(names.values()),
            )
        )
    if len(jobs) > 1 and "html" in formats:
        about = "The gradients of small networks, derived step by step and checked before they were written."
        files["index.html"] = index_page("Derivations", about, entries)
    make_folder(out)
    for name, content in files.items():
        write_file(out / name, content)
    if not quiet:
        header = ("model", "gradients", "steps checked", "largest error", f"files in {out}/")
        click.echo("\n".join(table([header, *rows])))
        if "index.html" in files:
            click.echo(f"\nOpen {out / 'index.html'} in a browser.")


def _progress(jobs: list[Job], quiet: bool) -> Iterator[Job]:
    """The jobs one by one, with a progress bar on a terminal."""
    if quiet or not sys.stderr.isatty() or len(jobs) < 2:
        yield from jobs
        return
    with click.progressbar(
        jobs, label="deriving", file=sys.stderr, item_show_func=lambda job: job.stem if job else ""
    ) as bar:
        yield from bar
