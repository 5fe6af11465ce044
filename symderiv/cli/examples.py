"""`symderiv examples`: the shipped examples, listed, or everything that can be made of them in one folder."""

from __future__ import annotations

import json
from pathlib import Path

import click

from symderiv.cli.console import errors_told, table
from symderiv.cli.selection import selected


@click.command("examples", short_help="List the shipped examples, or write all that can be made of them.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the equations.")
@click.option("--out", "-o", type=click.Path(path_type=Path), metavar="DIR", help="Write everything into this folder.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def examples(as_json: bool, out: Path | None, quiet: bool) -> None:
    """List the shipped examples: their names and what they are.

    With --out, write their derivations, the shipped comparisons, a worksheet with its key and a marked homework, and a page
    that leads to all of them.

    \b
    symderiv examples
    symderiv examples --out output
    """
    with errors_told():
        if out is not None:
            _write_all(out, quiet)
            return
        from symderiv.textbook.examples import EXAMPLES

        if as_json:
            entries = [
                {
                    "name": e.name,
                    "about": e.about,
                    "title": e.model().title,
                    "model": e.path.read_text(encoding="utf-8"),
                }
                for e in EXAMPLES.values()
            ]
            click.echo(json.dumps(entries, indent=1))
            return
        click.echo("\n".join(table([(e.name, e.about) for e in EXAMPLES.values()])))


def _write_all(out: Path, quiet: bool) -> None:
    """Everything that the package ships, rendered first and written then."""
    from importlib.resources import files

    from symderiv.cli.derive import ABOUT
    from symderiv.cli.gallery import Rendered, render_comparison, render_derivation, render_worksheet
    from symderiv.comparison.examples import COMPARISONS
    from symderiv.documents.page import IndexEntry, IndexGroup, index_page
    from symderiv.homework import check_homework
    from symderiv.textbook import examples
    from symderiv.worksheets.worksheet import worksheet

    formats = ("html", "latex", "md")
    derivations, comparisons, sheets, marked = Rendered(), Rendered(), Rendered(), Rendered()
    for job in selected((), examples.names(), {}):
        render_derivation(job, derivations, formats)
    for name, example in COMPARISONS.items():
        render_comparison(example.compare(), comparisons, f"comparisons/{name}", formats, example.title, example.about)
    sheet = worksheet(examples.find("worksheet").derive(), seed=1, choices=3)
    stems = ("worksheets/worksheet", "worksheets/worksheet-key")
    render_worksheet(sheet, sheets, *stems, formats, "A network of two layers, by hand")
    homework = files("symderiv.homework") / "examples" / "two_layer.md"
    marking = check_homework(homework.read_text(encoding="utf-8"), name="two_layer.md")
    marked.files = {
        Path("homework/two_layer.html"): marking.to_html(),
        Path("homework/two_layer.svg"): marking.to_svg(),
    }
    links = {"html": "homework/two_layer.html", "svg": "homework/two_layer.svg"}
    marked.entries = [
        IndexEntry("A hidden layer and an output, by hand", f"{homework.name}, marked line by line.", links)
    ]
    groups = [
        IndexGroup("Derivations", ABOUT, derivations.entries),
        IndexGroup("Comparisons", "Networks side by side: where their gradients part, and why.", comparisons.entries),
        IndexGroup(
            "Worksheets", "Exercises with numbers that are nice to compute with, and their key.", sheets.entries
        ),
        IndexGroup("Marked homework", "Somebody's derivation, with a verdict for every claim.", marked.entries),
    ]
    whole = Rendered(
        {path: content for part in (derivations, comparisons, sheets, marked) for path, content in part.files.items()}
    )
    whole.files[Path("index.html")] = index_page("symderiv", "What the shipped examples become.", groups)
    whole.write(out)
    if not quiet:
        click.echo(f"{len(whole.files)} files in {out}/\nOpen {out / 'index.html'} in a browser.")
