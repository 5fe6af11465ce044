"""`symderiv completion`: what a shell needs to complete commands, options and the names of examples."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Print what a shell needs to complete commands.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script that makes the TAB key complete commands, options and the names of examples.

    \b
    symderiv completion bash >> ~/.bashrc
    symderiv completion zsh >> ~/.zshrc
    symderiv completion fish > ~/.config/fish/completions/symderiv.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # click knows the three
    click.echo(kind(context.find_root().command, {}, "symderiv", "_SYMDERIV_COMPLETE").source())
