"""The command line: arguments in, files and exit status out. What a command needs is imported inside it.

Exit status: 0 done, 1 a derivation failed its own check, 2 bad input (one error on stderr, nothing written).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symderiv import __version__
from symderiv.errors import CheckFailed, ModelError, SymderivError

if TYPE_CHECKING:
    from symderiv.calculus.derivation import Derivation

FORMATS = ("html", "latex", "md", "pdf")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="symderiv")
def main() -> None:
    """Derive, explain and check the gradients of small neural networks."""


@contextmanager
def _errors_told() -> Iterator[None]:
    """One clear message instead of a traceback for everything that symderiv raises on purpose."""
    try:
        yield
    except CheckFailed as error:
        click.echo(
            f"{_red('symderiv stopped:')} {error}\nThis is a bug in symderiv; no document was written.", err=True
        )
        sys.exit(1)
    except SymderivError as error:
        click.echo(f"{_red('error:')} {error}", err=True)
        sys.exit(2)


def _red(text: str) -> str:
    return click.style(text, fg="red", bold=True)  # click drops the colour where stderr is not a terminal


@dataclass
class _Job:
    """One document to write: its file stem, what it is about, and how to derive it."""

    stem: str
    about: str
    derive: Callable[[], Derivation]


NOTATION_OPTIONS = (
    click.option(
        "--layers",
        type=click.Choice(["bracket", "subscript", "superscript"]),
        help="Layer marks: W^[1], W_1 or bold W^1.",
    ),
    click.option("--derivative", type=click.Choice(["partial", "d"]), help="Derivatives with a curly or a straight d."),
    click.option("--sigmoid", type=click.Choice(["sigma", "g"]), help="The letter of the sigmoid."),
)
NETWORK_OPTIONS = (
    click.option("--hidden", metavar="NAMES", help="Hidden activations, one a layer: tanh or tanh,relu."),
    click.option("--output", metavar="NAME", help="Output activation. [default: identity]"),
    click.option(
        "--loss", metavar="NAME", help="mse, log, cross-entropy, huber; or a sum: mse+cross-entropy. [default: mse]"
    ),
    click.option("--layout", metavar="NAME", help="rows (X W), columns (W X) or transposed (W^T X). [default: rows]"),
    click.option(
        "--bias", metavar="NAME", help="separate, augmented (inside the weights) or none. [default: separate]"
    ),
    click.option("--scale", metavar="NAME", help="Factor of the loss: sum, half, mean or half-mean. [default: mean]"),
    click.option("--one-sample", is_flag=True, help="One sample instead of a batch."),
    click.option("--penalty", is_flag=True, help="Add an L2 penalty on the weights."),
)


def _with(options: tuple[Any, ...]) -> Callable[[Any], Any]:
    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@main.command(short_help="Write the derivation of every gradient.")
@click.argument("models", nargs=-1, type=click.Path(path_type=Path), metavar="[MODEL]...")
@click.option(
    "--example", "-e", "examples", multiple=True, metavar="NAME", help="A shipped example (see `symderiv examples`)."
)
@_with(NETWORK_OPTIONS)
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
@_with(NOTATION_OPTIONS)
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
    with _errors_told():
        wanted = _formats(formats)
        jobs = _jobs(models, examples, options, inputs)
        _write_documents(jobs, out, wanted, weight, quiet)


def _formats(text: str) -> list[str]:
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
    jobs = [_Job(_stem(path), "", partial(_derive_file, path, inputs, notation)) for path in models]
    if not (models or names or network):
        names = examples.names()
    for name in names:
        example = examples.find(name)
        jobs.append(_Job(name, example.about, partial(example.derive, inputs=inputs, **notation)))
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


def _stem(path: Path) -> str:
    """The name of a model's documents: its file's, without what would have a meaning in a link."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip(".-") or "model"


def _derive_file(path: Path, inputs: bool, notation: dict[str, Any]) -> Derivation:
    from symderiv.calculus.sweep import derive as derive_model
    from symderiv.textbook.model_files import read_model

    return derive_model(read_model(path), inputs=inputs, **notation)


def _network_job(network: dict[str, Any], notation: dict[str, Any], inputs: bool) -> _Job:
    from symderiv.calculus.sweep import derive as derive_model
    from symderiv.textbook.networks import layered

    hidden = [part.strip() for part in network.pop("hidden", "").split(",") if part.strip()]
    activations = [*hidden, network.pop("output", "identity")]
    batch, penalty = not network.pop("one_sample", False), network.pop("penalty", False)
    loss = network.pop("loss", "mse")
    model = layered(activations, loss, batch=batch, penalty=penalty, **network)
    layers = activations if len(activations) <= 5 else [f"{len(activations)}-layers"]
    stem = "-".join([*layers, loss.replace("+", "-"), *network.values(), *(["penalty"] if penalty else [])])
    count = "one layer" if len(activations) == 1 else f"{len(activations)} layers"
    about = f"A network of {count}, {', '.join(activations)}, with the loss {loss}."
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
            derivation, title=derivation.model.title or job.stem, about=job.about, weight=weight, report=report
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
        click.echo("\n".join(_table([header, *rows])))
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


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


@main.command("examples", short_help="List the shipped examples.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the equations.")
def list_examples(as_json: bool) -> None:
    """List the shipped examples: their names and what they are."""
    with _errors_told():
        from symderiv.textbook import examples

        if as_json:
            entries = [
                {
                    "name": e.name,
                    "about": e.about,
                    "title": e.model().title,
                    "model": e.path.read_text(encoding="utf-8"),
                }
                for e in examples.EXAMPLES.values()
            ]
            click.echo(json.dumps(entries, indent=1))
            return
        click.echo("\n".join(_table([(e.name, e.about) for e in examples.EXAMPLES.values()])))


if __name__ == "__main__":
    main()
