"""`symderiv examples`: the shipped examples."""

from __future__ import annotations

import json

import click

from symderiv.cli.console import errors_told, table


@click.command("examples", short_help="List the shipped examples.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the equations.")
def list_examples(as_json: bool) -> None:
    """List the shipped examples: their names and what they are."""
    with errors_told():
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
        click.echo("\n".join(table([(e.name, e.about) for e in examples.EXAMPLES.values()])))
