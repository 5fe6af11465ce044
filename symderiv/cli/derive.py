"""`symderiv derive`: model files, examples and textbook networks become documents."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from symderiv.cli.console import (
    EXAMPLES_OPTION,
    NETWORK_OPTIONS,
    NOTATION_OPTIONS,
    errors_told,
    files_options,
    formats_in,
    table,
    with_options,
)
from symderiv.cli.gallery import Rendered, render_derivation
from symderiv.cli.selection import Job, selected
from symderiv.errors import ModelError

FORMATS = ("html", "latex", "md", "pdf")
ABOUT = "The gradients of small networks, derived step by step and checked before they were written."


@click.command(short_help="Write the derivation of every gradient.")
@click.argument("models", nargs=-1, type=click.Path(path_type=Path), metavar="[MODEL]...")
@EXAMPLES_OPTION
@with_options(NETWORK_OPTIONS)
@with_options(files_options("output", FORMATS))
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
        wanted = formats_in(formats, FORMATS)
        jobs = selected(models, examples, options, inputs=inputs)
        _check_stems(jobs)
        _write_documents(jobs, out, wanted, weight, quiet)


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
    from symderiv.documents.page import IndexGroup, index_page

    rendered, rows = Rendered(), []
    for job in _progress(jobs, quiet):
        report, names = render_derivation(job, rendered, formats, weight)
        gradients = str(len({c.quantity for c in report.comparisons}))
        rows.append((job.stem, gradients, str(report.steps), f"{report.largest:.0e}", ", ".join(names)))
    several = len(jobs) > 1 and "html" in formats
    if several:
        group = IndexGroup("Derivations", "", rendered.entries)
        rendered.files[Path("index.html")] = index_page("Derivations", ABOUT, [group])
    rendered.write(out)
    if not quiet:
        header = ("model", "gradients", "steps checked", "largest error", f"files in {out}/")
        click.echo("\n".join(table([header, *rows])))
        if "html" in formats:
            click.echo(f"\nOpen {out / ('index.html' if several else jobs[0].stem + '.html')} in a browser.")


def _progress(jobs: list[Job], quiet: bool) -> Iterator[Job]:
    """The jobs one by one, with a progress bar on a terminal."""
    if quiet or not sys.stderr.isatty() or len(jobs) < 2:
        yield from jobs
        return
    with click.progressbar(
        jobs, label="deriving", file=sys.stderr, item_show_func=lambda job: job.stem if job else ""
    ) as bar:
        yield from bar
