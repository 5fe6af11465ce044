"""Rendering for several commands: derivations, comparisons and worksheets as files, and the page that leads to them.

A command renders everything first and writes then: an error leaves no half of anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symderiv.cli.selection import Job
    from symderiv.comparison.comparing import Comparison
    from symderiv.documents.content import Document, Formula
    from symderiv.documents.page import IndexEntry
    from symderiv.oracles.checks import Report
    from symderiv.worksheets.worksheet import Worksheet

Files = dict[Path, "str | bytes"]


@dataclass
class Rendered:
    """Files by their place in a folder, and their entries on the page that leads to them."""

    files: Files = field(default_factory=dict)
    entries: list[IndexEntry] = field(default_factory=list)

    def add(self, document: Document, stem: str, formats: Sequence[str], formula: Formula | None = None) -> list[str]:
        """A document in several formats, the page with links to the others; the names of its files."""
        from symderiv.documents.page import IndexEntry, to_page
        from symderiv.documents.writers import FORMATS as WRITERS

        names = {format: f"{stem}.{WRITERS[format][0]}" for format in formats}
        links = tuple((Path(name).name, format) for format, name in names.items() if format != "html")
        for format, name in names.items():
            self.files[Path(name)] = to_page(document, links) if format == "html" else WRITERS[format][1](document)
        self.entries.append(IndexEntry(document.title, document.about, names, formula))
        return list(names.values())

    def write(self, out: Path) -> None:
        """Write every file into a folder."""
        from symderiv.documents.files import make_folder, write_file

        make_folder(out)
        for folder in sorted({path.parent for path in self.files} - {Path(".")}):
            make_folder(out / folder)
        for path, content in self.files.items():
            write_file(out / path, content)


def render_derivation(
    job: Job, rendered: Rendered, formats: Sequence[str], weight: str = ""
) -> tuple[Report, list[str]]:
    """One derivation: its checks, and the names of its files."""
    from symderiv.documents.outline import document_of
    from symderiv.documents.page import loss_formula
    from symderiv.oracles.checks import QUICK, cross_check

    derivation = job.derive()
    report = cross_check(derivation, oracles=QUICK)
    title = derivation.model.title or job.stem
    document = document_of(
        derivation, title=title, about=job.about, weight=weight, report=report, numbers=job.numbers(derivation)
    )
    return report, rendered.add(document, job.stem, formats, loss_formula(derivation))


def render_comparison(
    comparison: Comparison, rendered: Rendered, stem: str, formats: Sequence[str], title: str = "", about: str = ""
) -> list[str]:
    """One comparison; the names of its files."""
    from symderiv.comparison.document import comparison_document

    return rendered.add(comparison_document(comparison, title=title, about=about), stem, formats)


def render_worksheet(
    sheet: Worksheet, rendered: Rendered, stem: str, key_stem: str, formats: Sequence[str], title: str
) -> None:
    """A sheet and its key."""
    from symderiv.worksheets.document import worksheet_document

    for key, name in ((False, stem), (True, key_stem)):
        rendered.add(worksheet_document(sheet, key=key, title=title), name, formats)
