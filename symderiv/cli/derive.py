"""`symderiv derive`: model files, examples and textbook networks become documents."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symderiv.cli.console import (
    NETWORK_OPTIONS,
    NOTATION_OPTIONS,
    errors_told,
    file_stem,
    table,
    textbook_network,
    with_options,
)
from symderiv.errors import ModelError

if TYPE_CHECKING:
    from symderiv.calculus.derivation import Derivation
    from symderiv.textbook.examples import Example
    from symderiv.views.worked import Worked

FORMATS = ("html", "latex", "md", "pdf")


@dataclass
class _Job:
    """One document to write: its file stem, what it is about, how to derive it, and its numbers if it has any."""

    stem: str
    about: str
    derive: Callable[[], Derivation]
    numbers: Callable[[Derivation], tuple[Worked, Worked | None] | None] = lambda derivation: None


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
        jobs = _jobs(models, examples, options, inputs)
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


def _jobs(models: tuple[Path, ...], names: tuple[str, ...], options: dict[str, Any], inputs: bool) -> list[_Job]:
    """What to derive: model files, examples, a textbook network; all examples if nothing is said."""
    from symderiv.textbook import examples

    notation = {k: v for k in ("layers", "derivative", "sigmoid") if (v := options.pop(k)) is not None}
    network = {k: v for k, v in options.items() if v}
    jobs = [_Job(file_stem(path), "", partial(_derive_file, path, inputs, notation)) for path in models]
    if not (models or names or network):
        names = examples.names()
    for name in names:
        example = examples.find(name)
        jobs.append(
            _Job(name, example.about, partial(example.derive, inputs=inputs, **notation), partial(_numbers, example))
        )
    if network:
        jobs.append(_network_job(network, notation, inputs))
    stems = [job.stem for job in jobs] + (["index"] if len(jobs) > 1 else [])
    double = {stem for stem in stems if stems.count(stem) > 1}
    if double:
        raise ModelError(
            f"two documents would be called {double.pop()}",
            "rename one of the files, or write them one after the other",
        )
    return jobs


def _numbers(example: Example, derivation: Derivation) -> tuple[Worked, Worked | None] | None:
    from symderiv.views.worked import work_example

    return work_example(example, derivation)


def _derive_file(path: Path, inputs: bool, notation: dict[str, Any]) -> Derivation:
    from symderiv.calculus.sweep import derive as derive_model
    from symderiv.textbook.model_files import read_model

    return derive_model(read_model(path), inputs=inputs, **notation)


def _network_job(network: dict[str, Any], notation: dict[str, Any], inputs: bool) -> _Job:
    from symderiv.calculus.sweep import derive as derive_model

    stem, about, model = textbook_network(network)
    return _Job(stem, about, lambda: derive_model(model, inputs=inputs, **notation))


def _write_documents(jobs: list[_Job], out: Path, formats: list[str], weight: str, quiet: bool) -> None:
    """Derive and render everything first, then write: an error leaves no half of anything."""
    from symderiv.documents.files import make_folder, write_file
    from symderiv.documents.outline import document_of
    from symderiv.documents.page import index_page, to_page
    from symderiv.documents.writers import FORMATS as WRITERS
    from symderiv.oracles.checks import cross_check

    files: dict[str, str | bytes] = {}
    rows, items = [], []
    for job in _progress(jobs, quiet):
        derivation = job.derive()
        report = cross_check(derivation)
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
        items.append((document, derivation, names))
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
        files["index.html"] = index_page(items)
    make_folder(out)
    for name, content in files.items():
        write_file(out / name, content)
    if not quiet:
        header = ("model", "gradients", "steps checked", "largest error", f"files in {out}/")
        click.echo("\n".join(table([header, *rows])))
        if "index.html" in files:
            click.echo(f"\nOpen {out / 'index.html'} in a browser.")


def _progress(jobs: list[_Job], quiet: bool) -> Iterator[_Job]:
    """The jobs one by one, with a progress bar on a terminal."""
    if quiet or not sys.stderr.isatty() or len(jobs) < 2:
        yield from jobs
        return
    with click.progressbar(
        jobs, label="deriving", file=sys.stderr, item_show_func=lambda job: job.stem if job else ""
    ) as bar:
        yield from bar
