"""What the text says of the activations by their role, and from where on: 'hidden: tanh, output: linear', then 'with sigmoid units'.

A letter that the formulas leave open, as the phi of `a = phi(z)`, takes what is said; where two sections say different
things, it stays open before the first and is something else in each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

from symderiv.homework.marking import Assumption
from symderiv.homework.reading import formulas as f
from symderiv.homework.understanding.elaboration import replaced
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.symbols import LayerOpen, name_of
from symderiv.homework.understanding.terms import Apply, Part, Softmax, Term, mapped, references_in
from symderiv.homework.understanding.understanding import ACTIVATION_WORDS, Definition

if TYPE_CHECKING:
    from symderiv.homework.understanding.draft import Draft

OPEN_LETTERS = frozenset(
    {"g", "f", "phi", "varphi", "h", "s", "S", "psi", "rho", "act"}
)  # sigma has a meaning of its own
NOT_AN_ACTIVATION = r"(?!\s+(?:combination|regression|algebra|map|transform|model|sum|function of|in\b|part|layer))"
KINDS = {**ACTIVATION_WORDS, "identity": rf"\blinear(?:e|es|en|er)?\b{NOT_AN_ACTIVATION}|\bidentity\b(?!\s+matrix)"}
ROLES = {"hidden": r"\bhidden\b|\bversteckt\w*|\bverborgen\w*|\bocult\w*|\bcach[ée]e?s?\b",
         "output": r"\boutput\b|\bAusgabe\w*|\bsalida\b|\bsortie\b"}  # fmt: skip
OF_UNITS = r"activation|units?\b|neurons?\b|nodes?\b|non-?linearit|transfer|\bat\b|Aktivierung|Neuron|activaci[óo]n"
SUPPOSED = (
    r"\b(?:if|had|were|would|could|should|might|often|usually|common|typical\w*|instead of|rather than|not|never|e\.g|"
    r"such as|for example|why|what|which|compare)\b"
)


@dataclass(frozen=True, slots=True)
class Saying:
    """From a place in the text on, the units of a role ('hidden', 'output'), or a letter, have this activation."""

    at: int
    line: int
    role: str
    kind: str


def sayings_of(draft: Draft) -> list[Saying]:
    """Everything that sentences say of activations by their role."""
    found = []
    for sentence in draft.document.sentences:
        is_said = re.search(OF_UNITS, sentence.text, re.IGNORECASE) and not re.search(
            SUPPOSED, sentence.text, re.IGNORECASE
        )
        if is_said:
            for role, kind in _pairs(sentence.text):
                found.append(Saying(_statement_from(draft, sentence.span[0]), sentence.line, role, kind))
    return found


def said_of_every_unit(draft: Draft) -> None:
    """`out = f(net)` said once, or an activation that the words name once, beside out_h1 and a net_h1 that has a formula."""
    defined = {d.key for d in draft.definitions}
    used = {r.key for d in draft.definitions for r in references_in(d.term)}
    kinds = {k for k, p in ACTIVATION_WORDS.items() if k != "softmax" and re.search(p, draft.words, re.IGNORECASE)}
    for key in sorted(k for k in used - defined if "[" in k):
        base, mark = key[:-1].split("[", 1)
        for definition in draft.definitions:
            inner = {r.key for r in references_in(definition.term)}
            if definition.key == base and len(inner) == 1 and f"{min(inner)}[{mark}]" in defined:
                argument = min(inner)
                term = replaced(definition.term, Part(argument, ()), Part(f"{argument}[{mark}]", ()))
                draft.definitions.append(Definition(key, term, definition.at, definition.line))
                break
        else:
            fed = next((f"{a}[{mark}]" for a in ("net", "in") if f"{a}[{mark}]" in defined), None)
            if base == "out" and fed is not None and len(kinds) == 1:
                kind = min(kinds)
                draft.definitions.append(Definition(key, Apply(kind, 0, Part(fed, ())), 0, 1))
                draft.assumptions.append(
                    Assumption(f"{shown_name(key)} is {kind}({shown_name(fed)})", "said in words of the units")
                )


def _statement_from(draft: Draft, offset: int) -> int:
    """The first statement of a sentence that begins here, or after it."""
    statements = draft.document.statements
    return next((k for k, s in enumerate(statements) if s.span[0] >= offset), len(statements))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Roles with kinds, in the order of the words: 'hidden: tanh, output: linear'; 'sigmoid at hidden and output'."""
    patterns = [(True, n, p) for n, p in ROLES.items()] + [(False, n, p) for n, p in KINDS.items()]
    words = sorted(
        {(m.start(), is_role, name) for is_role, name, p in patterns for m in re.finditer(p, text, re.IGNORECASE)}
    )
    groups = [(is_role, [name for *_, name in group]) for is_role, group in groupby(words, key=lambda w: w[1])]
    if len(groups) % 2 or any(not is_role and len(names) > 1 for is_role, names in groups):
        return  # nobody can tell what belongs to what
    for (is_role, first), (_, second) in zip(groups[::2], groups[1::2], strict=True):
        roles, kinds = (first, second) if is_role else (second, first)
        yield from ((role, kinds[0]) for role in roles)


def roles_of(draft: Draft) -> dict[str, set[str]]:
    """What each function letter does in the formulas: `a = phi(z)` hidden, `y hat = g(s)` output."""
    found: dict[str, set[str]] = {}
    for letter, key in _applied(draft):
        found.setdefault(letter, set()).add("output" if "^hat" in key or key in ("y", "Y", "o", "O") else "hidden")
    if len(found) > 1 and not any("output" in roles for roles in found.values()):
        found[list(found)[-1]] = {"output"}
    return found


def _applied(draft: Draft) -> Iterator[tuple[str, str]]:
    """(function letter, quantity) of every `a = phi(z)`."""
    for _, reference, node, _ in draft.equations():
        if isinstance(node, f.Product) and len(node.factors) == 2 and isinstance(node.factors[1], f.Group):
            name = name_of(node.factors[0])
            if name is not None and name.base in OPEN_LETTERS & draft.symbols.functions:
                yield name.base, reference.key


@dataclass
class Activations:
    """The function letters that the text decides: the same everywhere, or by sections."""

    everywhere: dict[str, str] = field(default_factory=dict)
    sections: dict[str, list[Saying]] = field(default_factory=dict)

    def define(self, saying: Saying) -> None:
        r"""`\varphi(v) = \tanh(v)` at a statement; the role is the letter."""
        self.sections.setdefault(saying.role, []).append(saying)

    def settle(self) -> None:
        """A letter with one formula needs no sections."""
        self.sections = {letter: s for letter, s in self.sections.items() if len({x.kind for x in s}) > 1}

    def add(self, other: Activations) -> None:
        """What the text says, for the letters that no formula decides."""
        self.everywhere |= {k: v for k, v in other.everywhere.items() if k not in self.sections}
        self.sections = other.sections | self.sections

    def function_at(self, letter: str, at: int) -> str | None:
        """What a letter is at a statement, if a section before it says so."""
        before = [s for s in self.sections.get(letter, []) if s.at <= at]
        return before[-1].kind if before else None

    def applied(self, term: Term, at: int) -> Term:
        """A term with the letters put as what they are at a statement."""
        if not self.sections:
            return term
        if isinstance(term, Apply):
            body = self.applied(term.body, at)
            kind = self.function_at(term.function, at)
            return replace(term, body=body) if kind is None else _of_kind(kind, term.order, body)
        return mapped(term, lambda part: self.applied(part, at))

    def section_definitions(self, definitions: list[Definition]) -> list[Definition]:
        """The definitions with an open letter, given anew where a section says what it is; in the order of the text."""
        anew = [
            replace(d, term=_of_kind(saying.kind, 0, d.term.body), at=saying.at, line=saying.line)
            for letter, sayings in self.sections.items()
            for saying in sayings
            for d in definitions
            if isinstance(d.term, Apply) and d.term.function == letter and d.at < saying.at
        ]
        return sorted([*definitions, *anew], key=lambda d: d.at) if anew else definitions


def _of_kind(kind: str, order: int, body: Term) -> Term:
    if kind == "softmax" and order == 0:
        return Softmax(body, "units")
    if kind == "identity" and order == 0:
        return body
    return Apply(kind, order, body)


def activations_of(draft: Draft) -> Activations:
    """Decide the letters that no formula defines, from what the text says of their roles."""
    out = Activations()
    sayings = sayings_of(draft)
    if not sayings:
        return out
    try:
        roles = roles_of(draft)
    except LayerOpen:
        return out
    for letter, own in roles.items():
        about = [s for s in sayings if own == {s.role}] if letter not in draft.functions else []
        kinds = {s.kind for s in about}
        if len(kinds) == 1:
            out.everywhere[letter] = about[0].kind
        elif kinds:
            out.sections[letter] = [next(group) for _, group in groupby(about, key=lambda s: s.kind)]
    return out
