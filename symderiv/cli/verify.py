"""`symderiv verify`: every gradient against every oracle, as a table; the exit status says whether all is right."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symderiv.cli.console import EXAMPLES_OPTION, NETWORK_OPTIONS, errors_told, table, with_options
from symderiv.cli.selection import selected
from symderiv.errors import ModelError

if TYPE_CHECKING:
    from symderiv.oracles.checks import Report


@click.command(short_help="Check every gradient against independent oracles.")
@click.argument("models", nargs=-1, type=click.Path(path_type=Path), metavar="[MODEL]...")
@EXAMPLES_OPTION
@click.option("--all", "-a", "every", is_flag=True, help="All shipped examples; the same as to name nothing.")
@with_options(NETWORK_OPTIONS)
@click.option("--inputs", is_flag=True, help="Check the derivatives with respect to the data as well.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the random point.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def verify(
    models: tuple[Path, ...],
    examples: tuple[str, ...],
    every: bool,
    inputs: bool,
    seed: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Compare every gradient with independent oracles at a random point, and check every step to 50 digits.

    Oracles: the complex step, central differences and 50 digits (all of the forward pass alone), SymPy on the network
    written out entry by entry, SymPy on the loss as one formula (the sizes in another order), and PyTorch and JAX where
    they are installed. A row is a gradient; a number is the largest difference relative to the largest entry; a dash
    means that the network is too large for it. Right is below 1e-10, and 1e-40 for the 50 digits.

    Exit status: 0 all is right, 1 something is wrong, 2 bad input.

    \b
    symderiv verify --all                        all shipped examples
    symderiv verify net.model --seed 7
    symderiv verify -e worksheet --json
    symderiv verify --hidden tanh,relu --output softmax --loss cross-entropy
    """
    with errors_told():
        from symderiv.oracles.checks import examine
        from symderiv.textbook import examples as shipped

        names = tuple(dict.fromkeys((*examples, *shipped.names()))) if every else examples
        derivations = [(job.stem, job.derive()) for job in selected(models, names, options, inputs=inputs)]
        for stem, derivation in derivations:
            if not derivation.gradients:
                raise ModelError(
                    f"{stem} has no parameter, so there is no gradient to verify", "--inputs asks for those of the data"
                )
        reports = []
        for stem, derivation in derivations:
            reports.append((stem, examine(derivation, seed=seed)))
            if not as_json:
                click.echo("\n".join(_block(*reports[-1])) + "\n")
        passed = all(report.passed for _, report in reports)
        click.echo(_json(reports, seed) if as_json else _verdict(reports))
    sys.exit(0 if passed else 1)


def _block(stem: str, report: Report) -> list[str]:
    """The lines about one model: its sizes, then one row a gradient and one column an oracle."""
    from symderiv.oracles.checks import oracle_names

    sizes = ", ".join(f"{name} = {size}" for name, size in report.sizes.items())
    steps = report.failed_step or f"{report.steps} steps hold to {report.digits} digits"
    oracles = oracle_names(report)
    errors = {(c.quantity, c.oracle): c for c in report.comparisons}
    quantities = dict.fromkeys(c.quantity for c in report.comparisons)
    rows = [(f"  {quantity}", *(_cell(errors[quantity, o].error) for o in oracles)) for quantity in quantities]
    lines = table([("", *oracles), *rows])
    wrong = {quantity for quantity in quantities if not all(errors[quantity, o].passed for o in oracles)}
    coloured = [_red(line) if quantity in wrong else line for quantity, line in zip(quantities, lines[1:], strict=True)]
    first = "; ".join(part for part in (stem, sizes) if part)
    return [first, f"  {_red(steps) if report.failed_step else steps}", lines[0], *coloured]


def _cell(error: float | None) -> str:
    return "—" if error is None else "0" if error == 0 else f"{error:.0e}" if math.isfinite(error) else "WRONG"


def _red(text: str) -> str:
    return click.style(text, fg="red")  # click drops the colour where stdout is not a terminal


def _verdict(reports: list[tuple[str, Report]]) -> str:
    """The last lines: what was not asked, and whether all is right."""
    lines = []
    absent = dict.fromkeys(oracle for _, report in reports for oracle in report.absent)
    if absent:
        lines.append(f"Not installed, so not asked: {', '.join(absent)}.")
    comparisons = [c for _, report in reports for c in report.comparisons]
    wrong = [
        f"{stem}: " + ", ".join(dict.fromkeys(c.quantity for c in report.comparisons if not c.passed) or ["a step"])
        for stem, report in reports
        if not report.passed
    ]
    if wrong:
        return "\n".join([*lines, _red("WRONG: ") + "; ".join(wrong)])
    gradients = sum(len({c.quantity for c in report.comparisons}) for _, report in reports)
    oracles = len({c.oracle for c in comparisons})
    largest = max((report.largest for _, report in reports), default=0.0)
    count = f"{_counted(gradients, 'gradient')} in {_counted(len(reports), 'model')}"
    lines.append(f"All right: {count}, {_counted(oracles, 'oracle')}, largest relative error {largest:.0e}.")
    return "\n".join(lines)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _json(reports: list[tuple[str, Report]], seed: int) -> str:
    def number(error: float | None) -> float | str | None:
        return error if error is None or math.isfinite(error) else str(error)  # JSON knows neither inf nor nan

    models = [
        {
            "model": stem,
            "passed": report.passed,
            "sizes": report.sizes,
            "steps": report.steps,
            "failed_step": report.failed_step or None,
            "not_installed": list(report.absent),
            "errors": [
                {"gradient": c.quantity, "oracle": c.oracle, "error": number(c.error), "passed": c.passed}
                for c in report.comparisons
            ],
        }
        for stem, report in reports
    ]
    return json.dumps({"passed": all(report.passed for _, report in reports), "seed": seed, "models": models}, indent=1)
