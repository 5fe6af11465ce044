"""Trees and statements as short s-expressions, so that a table of expectations stays readable."""

from __future__ import annotations

from symderiv.homework.reading.formulas import (
    BigSum,
    Call,
    Cases,
    Comparison,
    Derivative,
    Ellipsis,
    Fraction,
    Group,
    Matrix,
    Name,
    Node,
    Number,
    Power,
    Product,
    Root,
    Scripted,
    Sum,
    Text,
    Transposed,
    Unread,
)
from symderiv.homework.reading.statements import Statement


def compact(node: Node) -> str:
    """A tree on one line: `W^[1]_i,j`, `(* a '' b)`, `(+ a -b)`, `(d L w)`."""
    match node:
        case Number():
            return node.text
        case Name():
            return node.base + "".join("~" + accent for accent in node.accents)
        case Scripted():
            closing = {"": "", "[": "]", "(": ")", ".": ""}
            upper = ",".join(s.bracket + compact(s.body) + closing.get(s.bracket, "") for s in node.upper)
            lower = ",".join(s.bracket + compact(s.body) + closing.get(s.bracket, "") for s in node.lower)
            return (
                compact(node.base) + "'" * node.primes + (f"^{upper}" if upper else "") + (f"_{lower}" if lower else "")
            )
        case Transposed():
            return f"(T {compact(node.body)})"
        case Group():
            closing = {"(": ")", "[": "]", "{": "}", "|": "|", "||": "||", "": ">"}[node.bracket]
            return (node.bracket or "<") + " ".join(map(compact, node.items)) + closing
        case Sum():
            return "(+ " + " ".join({1: "", -1: "-", 0: "±"}[sign] + compact(term) for sign, term in node.terms) + ")"
        case Product():
            out = compact(node.factors[0])
            for mark, factor in zip(node.marks, node.factors[1:], strict=True):
                out += f" {mark} {compact(factor)}" if mark else f" {compact(factor)}"
            return f"(* {out})"
        case Fraction():
            return f"(frac {compact(node.above)} {compact(node.below)})"
        case Power():
            return f"(** {compact(node.base)} {compact(node.exponent)})"
        case Root():
            return f"(root {compact(node.body)})"
        case Derivative():
            return f"({node.style} {compact(node.top) if node.top else '-'} {compact(node.bottom)})"
        case Call():
            parts = [
                compact(node.function),
                *map(compact, node.arguments),
                *(f"{key}={compact(value)}" for key, value in node.keywords),
            ]
            return "(call " + " ".join(parts) + ")"
        case BigSum():
            bounds = " ".join(map(compact, node.indices))
            start, end = compact(node.start) if node.start else "", compact(node.end) if node.end else ""
            return f"({node.kind} [{bounds}|{start}|{end}] {compact(node.body)})"
        case Matrix():
            return "(mat " + "; ".join(" ".join(map(compact, row)) for row in node.rows) + ")"
        case Cases():
            return (
                "(cases "
                + "; ".join(
                    compact(value) + (f" if {compact(condition)}" if condition else "")
                    for value, condition in node.rows
                )
                + ")"
            )
        case Comparison():
            return f"({node.sign} {compact(node.left)} {compact(node.right)})"
        case Text():
            return f"'{node.text}'"
        case Ellipsis():
            return "..."
        case Unread():
            return f"<?{node.source}>"
    raise AssertionError(node)


def statement(each: Statement) -> str:
    """A statement on one line: opening, sides and relations."""
    out = f"[{each.opening}] " if each.opening else ""
    out += compact(each.sides[0].node)
    for sign, side in zip(each.relations, each.sides[1:], strict=True):
        out += f" {sign} {compact(side.node)}"
    return out
