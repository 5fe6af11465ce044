"""`symderiv compare`: networks that share their parameters, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symderiv.cli.console import (
    EXAMPLES_OPTION,
    NOTATION_OPTIONS,
    VARIANT_OPTIONS,
    errors_told,
    files_options,
    formats_in,
    table,
    with_options,
)
from symderiv.cli.derive import FORMATS
from symderiv.cli.gallery import Rendered, render_comparison
from symderiv.cli.selection import selected
from symderiv.errors import ModelError

if TYPE_CHECKING:
    from symderiv.comparison.comparing import Comparison

ABOUT = "Networks side by side: where their gradients part, and why."
CALLED = {"mse": "MSE", "log": "log loss"}


@click.command(short_help="Lay the gradients of networks side by side.")
@click.argument("models", nargs=-1, type=click.Path(path_type=Path), metavar="[MODEL]...")
@EXAMPLES_OPTION
@with_options(VARIANT_OPTIONS)
@click.option("--name", "names", multiple=True, metavar="NAME", help="What to call the models, in their order.")
@click.option(
    "--data", "-d", default="", metavar="NAME", help="Generator for the training curves. [default: one that fits]"
)
@click.option("--steps", "-n", default=1000, show_default=True, help="Steps of the training curves.")
@click.option("--rate", "-r", type=float, help="Their learning rate. [default: one at which no run runs away]")
@click.option("--seeds", default=5, show_default=True, help="Sets of initial values, the same for every model.")
@with_options(files_options("output/comparisons", FORMATS))
@with_options(NOTATION_OPTIONS)
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def compare(models: tuple[Path, ...], examples: tuple[str, ...], **options: Any) -> None:
    """Lay networks side by side that share their parameters: where their gradients differ, by which factor, and what that does.

    An option of the network that is given several times makes so many networks; one that is given once holds for all.

    \b
    symderiv compare                                     the three shipped comparisons
    symderiv compare regression.model classification.model
    symderiv compare -e regression-sigmoid -e classification-sigmoid --name MSE --name "log loss"
    symderiv compare --hidden tanh --output softmax --loss mse --loss cross-entropy
    symderiv compare --hidden sigmoid --hidden tanh --hidden relu --output sigmoid --loss log
    """
    with errors_told():
        wanted = formats_in(options.pop("formats"), FORMATS)
        out, quiet = options.pop("out"), options.pop("quiet")
        curves = {k: options.pop(k) for k in ("names", "data", "steps", "rate", "seeds")}
        variants, flags = _variants(options)
        if not (models or examples or variants):
            _write(_shipped(curves), out, wanted, quiet)
            return
        jobs = []
        if models or examples:
            jobs += [(job.stem, job.derive()) for job in selected(models, examples, dict(flags))]
        for called, network in variants:
            jobs += [(called, job.derive()) for job in selected((), (), {**network, **flags})]
        from symderiv.comparison.comparing import compare as compare_models

        names = curves.pop("names") or tuple(name for name, _ in jobs)
        comparison = compare_models(*(derivation for _, derivation in jobs), names=names, **curves)
        stem = "-".join(
            "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-") for name in comparison.names
        )
        _write([(stem, "", "", comparison)], out, wanted, quiet)


def _variants(options: dict[str, Any]) -> tuple[list[tuple[str, dict[str, Any]]], dict[str, Any]]:
    """The networks that repeated options describe, each with a name made of what tells it apart; and the other options."""
    repeated = {k: v for k, v in options.items() if isinstance(v, tuple) and v}
    others = {k: v for k, v in options.items() if not isinstance(v, tuple)}
    count = max(map(len, repeated.values()), default=0)
    for name, values in repeated.items():
        if len(values) not in (1, count):
            raise ModelError(
                f"--{name} is given {len(values)} times, another option {count} times",
                "give an option once for all networks, or once for each of them",
            )
    found = []
    for k in range(count):
        network = {name: values[k if len(values) > 1 else 0] for name, values in repeated.items()}
        apart = [network[name] for name, values in repeated.items() if len(values) > 1] or list(network.values())
        found.append((" ".join(" + ".join(CALLED.get(p, p) for p in part.split("+")) for part in apart), network))
    return found, others


def _shipped(curves: dict[str, Any]) -> list[tuple[str, str, str, Comparison]]:
    from symderiv.comparison.examples import COMPARISONS

    made = []
    for name, example in COMPARISONS.items():
        comparison = example.compare()
        comparison.steps, comparison.rate, comparison.seeds = curves["steps"], curves["rate"], curves["seeds"]
        made.append((name, example.title, example.about, comparison))
    return made


def _write(made: list[tuple[str, str, str, Comparison]], out: Path, formats: list[str], quiet: bool) -> None:
    """Render everything first, then write."""
    from symderiv.documents.page import IndexGroup, index_page

    rendered, rows = Rendered(), []
    for stem, title, about, comparison in made:
        names = render_comparison(comparison, rendered, stem, formats, title, about)
        apart = ", ".join(row.quantity.name for row in comparison.rows if row.relation == "differs") or "nowhere"
        rows.append((", ".join(comparison.names), apart, ", ".join(names)))
    if len(made) > 1 and "html" in formats:
        group = IndexGroup("Comparisons", "", rendered.entries)
        rendered.files[Path("index.html")] = index_page("Comparisons", ABOUT, [group])
    rendered.write(out)
    if not quiet:
        click.echo("\n".join(table([("compared", "they part at", f"files in {out}/"), *rows])))
        page = "index.html" if len(made) > 1 else f"{made[0][0]}.html"
        if "html" in formats:
            click.echo(f"\nOpen {out / page} in a browser.")
