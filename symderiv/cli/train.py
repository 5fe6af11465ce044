"""`symderiv train`: data and a model become trained parameters, a history, pictures and a page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symderiv.cli.console import EXAMPLE_OPTION, NETWORK_OPTIONS, errors_told, with_options
from symderiv.cli.selection import model_to_use
from symderiv.errors import ModelError

if TYPE_CHECKING:
    from symderiv.training.runs import Run


@click.command(short_help="Train a network and draw what happened.")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@EXAMPLE_OPTION
@with_options(NETWORK_OPTIONS)
@click.option(
    "--data", "-d", metavar="FILE|NAME", help="A .csv or .npz file, or a generator: two-gaussians, sine, plane, xor."
)
@click.option("--inputs", metavar="COLUMNS", default="", help="Input columns of the CSV: x1,x2. [default: all others]")
@click.option("--target", metavar="COLUMNS", default="", help="Target columns of the CSV. [default: the last]")
@click.option("--samples", default=1000, show_default=True, help="Samples drawn from a generator.")
@click.option("--steps", "-n", type=int, help="Steps to make. [default: 1000, or the example's]")
@click.option("--rate", "-r", type=float, help="Learning rate. [default: 0.1, or the example's]")
@click.option("--optimizer", default="gradient-descent", show_default=True, help="gradient-descent, momentum or adam.")
@click.option("--batch", "-b", type=int, help="Samples of a step; 1 for one at a time. [default: all]")
@click.option("--validation", default=0.0, metavar="SHARE", help="Share of the samples kept apart, such as 0.2.")
@click.option("--seed", "-s", default=0, show_default=True, help="Seed of initial values, data, order.")
@click.option("--size", "sizes", multiple=True, metavar="NAME=N", help="The width of a layer: --size h=4. [default: 8]")
@click.option(
    "--hyper", "hypers", multiple=True, metavar="NAME=VALUE", help="A hyper-parameter of the model: --hyper lam=0.1."
)
@click.option(
    "--backend", default="auto", show_default=True, help="numpy, c (compiled where there is a compiler), auto."
)
@click.option("--every", type=int, help="Steps between two checkpoints. [default: a tenth of all]")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in the folder.")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), help="Folder for all files. [default: output/training/NAME]"
)
@click.option("--show-source", is_flag=True, help="Print the readable code and the code of the steps; train nothing.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def train(model: Path | None, example: str | None, **options: Any) -> None:
    """Train a network: parameters, history, pictures and a page go into a folder.

    \b
    symderiv train -e two-gaussians
    symderiv train net.model --data points.csv --target label --size h=4 --steps 5000
    symderiv train --hidden tanh --output softmax --loss cross-entropy -d xor --optimizer adam --rate 0.01
    symderiv train net.model --data points.csv --batch 32 --validation 0.2 --resume
    """
    with errors_told():
        network = {
            k: options.pop(k) for k in ("hidden", "output", "loss", "layout", "bias", "scale", "one_sample", "penalty")
        }
        chosen = model_to_use(model, example, network)
        _train(chosen.name, chosen.model, chosen.training, **options)


def _train(name: str, model: Any, usual: dict[str, Any], **o: Any) -> None:
    from symderiv.documents.files import make_folder, write_file
    from symderiv.training.data import GENERATORS, generate, read_data, with_samples
    from symderiv.training.report import history_csv, parameters_npz
    from symderiv.training.runs import train as run_training

    model, _ = with_samples(model)
    source = o["data"] or usual.get("data")
    if source is None:
        raise ModelError(
            "there are no data to train on", f"--data FILE, or one of the generators {', '.join(GENERATORS)}"
        )
    if source in GENERATORS:
        data = generate(source, model, o["samples"], o["seed"])
    else:
        data = read_data(Path(source), model, _names(o["inputs"]), _names(o["target"]))
        if data.classes and not o["quiet"]:
            click.echo("classes: " + ", ".join(f"{k} is {name}" for k, name in enumerate(data.classes[:20])))
    settings: dict[str, Any] = {
        "steps": usual.get("steps", 1000) if o["steps"] is None else o["steps"],
        "rate": usual.get("rate", 0.1) if o["rate"] is None else o["rate"],
        "sizes": {**usual.get("sizes", {}), **{k: int(v) for k, v in _pairs(o["sizes"], "size", int).items()}},
        "hypers": _pairs(o["hypers"], "hyper-parameter", float),
    }  # fmt: skip
    settings |= {k: o[k] for k in ("optimizer", "batch", "validation", "seed", "backend", "every", "resume")}
    if o["show_source"]:
        run = run_training(model, data, **{**settings, "steps": 1, "resume": False})
        click.echo(run.function.source)
        click.echo(f"# The steps: {run.backend}{' (' + run.why + ')' if run.why else ''}\n\n{run.source}")
        return
    folder = o["out"] or Path("output") / "training" / name
    make_folder(folder)
    told = None if o["quiet"] else _progress(settings["steps"])
    try:
        run = run_training(model, data, checkpoint=folder / "checkpoint.npz", progress=told, **settings)
    except KeyboardInterrupt:
        click.echo(f"\nstopped; what was done is in {folder / 'checkpoint.npz'}: --resume goes on from there", err=True)
        sys.exit(130)
    write_file(folder / "history.csv", history_csv(run))  # first: a picture that fails must not cost the run
    write_file(folder / "parameters.npz", parameters_npz(run))
    try:
        drawn = _write_page(run, folder, name)
    except KeyboardInterrupt:
        click.echo(f"\nstopped; parameters, history and checkpoint are in {folder}, the page is not", err=True)
        sys.exit(130)
    if not o["quiet"]:
        _tell(run, folder, drawn)


def _write_page(run: Run, folder: Path, name: str) -> bool:
    """The page of a run and its pictures; whether there are pictures."""
    from symderiv.documents.files import write_file
    from symderiv.training import plots
    from symderiv.training.report import to_page

    files: dict[str, str | bytes] = {}
    pictures: dict[str, bytes] = {}
    if plots.available():
        pictures = plots.draw_all(run, "svg")
        files |= {f"{picture}.svg": content for picture, content in pictures.items()}
        files |= {f"{picture}.png": content for picture, content in plots.draw_all(run, "png").items()}
    files["index.html"] = to_page(run, pictures, f"Training {name}")
    for file, content in files.items():
        write_file(folder / file, content)
    return bool(pictures)


def _tell(run: Run, folder: Path, drawn: bool) -> None:
    held = f", validation loss {run.validation_loss:.6g}" if run.validation else ""
    click.echo(
        f"{run.steps} steps in {run.seconds:.2g} s ({run.backend}): loss {run.history[0, 1]:.6g} to {run.loss:.6g}{held}"
    )
    if run.why:
        click.echo(f"  ({run.why})")
    if run.loss > run.history[0, 1]:
        click.echo(
            "The loss is higher than it was before the first step: a smaller --rate is the usual way out.", err=True
        )
    click.echo(f"Open {folder / 'index.html'}; parameters, history and checkpoint are beside it.")
    if not drawn:
        click.echo("There are no pictures: pip install 'symderiv[plots]' brings matplotlib.", err=True)


def _progress(steps: int) -> Any:
    """A line that is written over, on a terminal only."""
    if not sys.stderr.isatty():
        return None

    def tell(step: int, loss: float) -> None:
        click.echo(f"\rstep {step} of {steps}, loss {loss:.6g}   ", nl=step == steps, err=True)

    return tell


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _pairs(texts: tuple[str, ...], what: str, kind: Any) -> dict[str, Any]:
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = kind(value)
        except ValueError:
            raise ModelError(f"cannot read the {what} {text!r}", "write it as NAME=VALUE") from None
    return found
