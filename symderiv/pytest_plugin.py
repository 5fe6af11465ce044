"""`pytest --symderiv homework/`: a homework is a file of items, one a claim, and what is wrong is the text of the failure.

pytest imports this module wherever symderiv is installed, whether anybody wants homework marked or not: so it imports
nothing but pytest, registers two hooks, and does the rest only after `--symderiv`; the package comes with the first homework.

correct and up to notation pass; wrong fails; carried is an expected failure, for the line it follows from is charged; not
decidable is skipped, or fails with `--symderiv-strict`. A homework that cannot be read is one failing item; one without
claims is one skipped item, so that it does not look like a right one.
"""

from __future__ import annotations

import os
import textwrap
import unicodedata
import warnings
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from symderiv.homework.batches import Outcome
    from symderiv.homework.marking import Claim, Marking

FILES = ("*.md", "*.tex", "*.txt", "*_backward.py")
LONGEST = 60
"""Characters of a claim in the name of its item."""
WIDTH = 96


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, all without effect unless `--symderiv` is among them."""
    group = parser.getgroup("symderiv", "homework (symderiv)")
    group.addoption("--symderiv", action="store_true", help="Mark derivations of gradients: an item a claim.")
    group.addoption(
        "--symderiv-model", metavar="FILE", help="The network it is about. Default: read from the homework."
    )
    group.addoption(
        "--symderiv-strict", action="store_true", help="What is not decidable fails instead of being skipped."
    )
    parser.addini(
        "symderiv_files", f"Patterns of homework. Default: {' '.join(FILES)}", type="args", default=list(FILES)
    )


def pytest_configure(config: pytest.Config) -> None:
    """Take part in this run if it was asked for.

    Raises: pytest.UsageError if the model cannot be read: one error, not one a homework.
    """
    if not config.getoption("symderiv"):
        return
    model = model_file(config)
    if model is not None:
        from symderiv.errors import SymderivError
        from symderiv.textbook.model_files import read_model

        try:
            read_model(model)
        except SymderivError as error:
            raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(Collection(config), "symderiv-homework")


def model_file(config: pytest.Config) -> Path | None:
    """The model, as named from where pytest was started."""
    name = config.getoption("symderiv_model")
    return config.invocation_params.dir / name if name else None


class Collection:
    """The hooks of a run that marks homework.

    They are wrappers of the old style, which every pytest knows: where the new one is unknown, importing this module
    would fail, and with it runs that have nothing to do with homework.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.homework = config.getini("symderiv_files")
        self.tests = config.getini("python_files")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> Generator[None, Any, None]:
        """A homework beside what others see in the file; of a program instead of it, for they would run it."""
        outcome = yield
        if outcome.excinfo is not None:
            return
        others = outcome.get_result()
        if self._is_homework(file_path, parent.session.isinitpath(file_path), bool(others)):
            kept = [] if file_path.suffix.lower() == ".py" else others
            outcome.force_result([*kept, HomeworkFile.beside(parent, file_path)])

    def _is_homework(self, path: Path, is_named: bool, is_taken: bool) -> bool:
        """Whether to mark it: a pattern says so, or it was named on the command line and is nothing else. Tests never."""
        is_python = path.suffix.lower() == ".py"
        if is_python and (path.name in ("conftest.py", "__init__.py") or _matches(path, self.tests)):
            return False
        if is_named and (is_python or not is_taken):
            return True
        return _matches(path, self.homework) and (is_named or not path.name.startswith("."))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
        """Beside the verdict: the charitable reading (shown by -rP); of a failure, with -v, what all of it rests on."""
        outcome = yield
        if outcome.excinfo is None and isinstance(item, ClaimItem) and call.when == "call":
            outcome.get_result().sections.extend(item.sections())


class HomeworkFile(pytest.File):
    """A homework. It is marked when it is collected, for its claims are the items."""

    @classmethod
    def beside(cls, parent: pytest.Collector, path: Path) -> HomeworkFile:
        """The file, under a name that can be shown."""
        from symderiv.homework.reports.layout import harmless

        told = _relative(path, parent.config.rootpath)
        names: dict[str, Any] = {}
        if harmless(told) != told:
            names = {"name": harmless(path.name), "nodeid": harmless(told)}
        return cls.from_parent(parent, path=path, **names)

    def collect(self) -> Iterator[pytest.Item]:
        """The claims in the order of the text, each under a name of its own."""
        from symderiv.homework.reports.layout import reading_order

        outcome = self._marked()
        if outcome.marking is None:
            yield WholeItem.from_parent(self, name="not marked", reason=outcome.problem, is_failure=True)
            return
        taken: set[str] = set()
        for claim in reading_order(outcome.marking.claims):
            plain = name = name_of(claim)
            number = 1
            while name in taken:
                number += 1
                name = f"{plain} ({number})"
            taken.add(name)
            yield ClaimItem.from_parent(self, name=name, claim=claim, marking=outcome.marking)
        if not taken:
            is_failure = self.config.getoption("symderiv_strict")
            reason = "nothing in it was recognised as a claim"
            yield WholeItem.from_parent(self, name="no claims", reason=reason, is_failure=is_failure)

    def _marked(self) -> Outcome:
        import symderiv.homework as package
        from symderiv.homework.batches import Setup, mark_all

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a run that turns warnings into errors gets the same verdicts
            (outcome,) = mark_all([self.path], Setup(package.check_homework, model_file(self.config)))
        return outcome

    def place(self, line: int) -> tuple[Path, int]:
        """Where a line is, as pytest wants it: counted from 0."""
        from symderiv.homework.reports.layout import harmless

        return Path(harmless(self.path)), line - 1


class WholeItem(pytest.Item):
    """What there is to say about a homework without claims."""

    def __init__(self, *, reason: str, is_failure: bool, **rest: Any) -> None:
        super().__init__(**rest)
        self.reason = reason
        if not is_failure:
            self.add_marker(pytest.mark.skip(reason=reason))

    def runtest(self) -> None:
        """Fail with the reason."""
        pytest.fail(self.reason, pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The first line of the file."""
        return *_file_of(self).place(1), self.name


class ClaimItem(pytest.Item):
    """A claim. Its verdict and mistakes are keywords: `-k missing-slope`."""

    def __init__(self, *, claim: Claim, marking: Marking, **rest: Any) -> None:
        from symderiv.homework.reports.layout import harmless

        super().__init__(**rest)
        self.claim, self.marking = claim, marking
        self.extra_keyword_matches.update((claim.verdict, *claim.mistakes))
        if claim.verdict == "carried":
            why = claim.message or f"follows from line {claim.root_line}"
            self.add_marker(pytest.mark.xfail(reason=harmless(why)))
        elif claim.verdict == "uncheckable" and not self.config.getoption("symderiv_strict"):
            why = f"line {claim.line}: {claim.message or 'not decidable'}"
            self.add_marker(pytest.mark.skip(reason=harmless(why)))

    def runtest(self) -> None:
        """Fail unless the claim is right."""
        if self.claim.verdict not in ("correct", "notation"):
            pytest.fail(self._diagnosis(), pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The line of the claim."""
        return *_file_of(self).place(self.claim.line), self.name

    def sections(self) -> Iterator[tuple[str, str]]:
        """What is told beside the verdict, each under a heading."""
        from symderiv.homework.reports.terminal import details, notes, understood

        if self.claim.verdict == "notation":
            alone = replace(self.marking, claims=(self.claim,))
            yield "right up to notation", details(alone, every=True, width=WIDTH)
        elif self.claim.verdict != "correct" and self.config.getoption("verbose") > 0:
            told = [understood(self.marking, width=WIDTH), notes(self.marking, width=WIDTH)]
            yield "the homework", "\n\n".join(filter(None, told))

    def _diagnosis(self) -> str:
        """The reason first, for pytest's summary shows one line; then the place in the text, and what would be right."""
        from symderiv.homework.reports.layout import harmless
        from symderiv.homework.reports.terminal import details

        claim = self.claim
        titles = mistake_titles(claim)
        lines = [harmless(claim.message or next(iter(titles.values()), claim.verdict)), ""]
        alone = replace(self.marking, claims=(replace(claim, message="", mistakes=()),))
        lines += details(alone, every=True, width=WIDTH).split("\n")
        for code, title in titles.items():
            lines += textwrap.wrap(f"{code}: {title}", WIDTH, initial_indent="  mistake   ", subsequent_indent=" " * 12)
        path, line = _file_of(self).place(claim.line)
        return "\n".join(
            [*lines, "", f"{_relative(path, self.config.invocation_params.dir)}:{line + 1}: {claim.verdict}"]
        )


def mistake_titles(claim: Claim) -> dict[str, str]:
    """What each mistake of a claim is called, by its code."""
    from symderiv.homework.reports.layout import named_mistakes
    from symderiv.mistakes.codes import title_of

    return {code: title_of(code) for code in named_mistakes(claim)}


def name_of(claim: Claim) -> str:
    """`line 39: dL/db2 = 2 (a2 - y)`: on one line, short, with digits that can be typed after -k.

    Neither `::` nor square brackets: pytest takes an id apart at those, and would not find it again with --lf.
    """
    from symderiv.homework.reports.layout import harmless

    text = " ".join(harmless(_typed(claim.reading or claim.source)).split())
    text = text.replace("::", ": :").translate({ord("["): "(", ord("]"): ")"})
    if len(text) > LONGEST:
        text = text[: LONGEST - 3].rstrip() + "..."
    return f"line {claim.line}: {text}"


def _typed(text: str) -> str:
    """Raised and lowered characters as they are typed: a₁ᵀ is a1^T."""
    typed, was_raised = [], False
    for character in text:
        form = unicodedata.decomposition(character)
        is_raised = form.startswith("<super>")
        if is_raised and not was_raised:
            typed.append("^")
        was_raised = is_raised
        typed.append(unicodedata.normalize("NFKC", character) if is_raised or form.startswith("<sub>") else character)
    return "".join(typed)


def _matches(path: Path, patterns: Iterable[str]) -> bool:
    """Whether a pattern fits the name, or one with a slash in it the end of the path."""
    name, whole = path.name.lower(), path.as_posix().lower()
    return any(
        fnmatchcase(whole, f"*/{pattern.lower()}") if "/" in pattern else fnmatchcase(name, pattern.lower())
        for pattern in patterns
    )


def _file_of(item: pytest.Item) -> HomeworkFile:
    assert isinstance(item.parent, HomeworkFile)
    return item.parent


def _relative(path: Path, start: Path) -> str:
    """The path from there, if there is a way."""
    try:
        return os.path.relpath(path, start)
    except ValueError:  # on another drive
        return str(path)
