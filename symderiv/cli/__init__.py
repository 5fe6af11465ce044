"""The command line: arguments in, files and exit status out. What a command needs is imported inside it.

Exit status: 0 done, 1 a derivation failed a check (or what was asked about is wrong), 2 bad input (one error on stderr, nothing written).
"""

from __future__ import annotations

import click

from symderiv import __version__
from symderiv.cli.check import check
from symderiv.cli.compare import compare
from symderiv.cli.completion import completion
from symderiv.cli.derive import derive
from symderiv.cli.examples import examples
from symderiv.cli.export import export
from symderiv.cli.train import train
from symderiv.cli.verify import verify
from symderiv.cli.work import work
from symderiv.cli.worksheet import worksheet


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="symderiv")
def main() -> None:
    """Derive, compare, compute and check the gradients of small neural networks.

    \b
    symderiv derive net.model                     a derivation, step by step, as a page
    symderiv compare --hidden tanh --output sigmoid --loss mse --loss log
    symderiv check homework.md                    every line marked
    symderiv worksheet --seed 7                   an exercise sheet with its key
    symderiv COMMAND --help                       what a command takes, with examples
    """


for command in (derive, compare, work, worksheet, train, verify, check, export, examples, completion):
    main.add_command(command)
