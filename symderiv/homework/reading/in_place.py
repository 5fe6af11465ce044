"""What a program works out in place, as one expression: `dZ = P.copy()`, `dZ -= Y`, `dZ[Z <= 0] = 0` is `dZ = (P - Y) * (Z > 0)`.

Only the last line of such a sequence says what the array is. It gets the whole expression, the lines before it are blanked, and
it is kept where each of them stood: line numbers stay, so a verdict finds its way back. Labels that pick one column a row,
`P[range(n), y]`, are written with one-hot targets; the number of samples is N, whatever the program calls it; `W += -rate * dW`
is a step down. Nothing is executed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace

from symderiv.homework.marking import Claim

OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div)
ONE_HOT = ("one_hot", "onehot", "to_one_hot", "one_hot_encode", "to_categorical")
COPIES = frozenset({"copy", "array", "asarray", "astype"})
OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.Gt,
}  # fmt: skip
TARGETS = ("Y", "T", "targets")
# A name, what it means, from which line on; and the statement whose argument gets a name, with that name.
Renamed = tuple[str, str, int, "tuple[ast.Assign, str] | None"]


@dataclass
class Folded:
    """A source with every sequence on its last line. last: for a line, that on which it is judged; spans: where lines stood."""

    text: str
    last: dict[int, int] = field(default_factory=dict)
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)

    def restored(self, claims: tuple[Claim, ...], text: str) -> tuple[Claim, ...]:
        """The claims at their places in the text as it was written, with one for each line that was folded into another."""
        old, new = (_starts(each) for each in (text, self.text))
        out = []
        for claim in claims:
            if claim.line >= len(old):
                continue  # a formula that was added behind the source
            shift = old[claim.line - 1] - new[claim.line - 1]
            begin, end = self.spans.get(claim.line, (claim.span[0] + shift, claim.span[1] + shift))
            out.append(replace(claim, span=(begin, end), source=text[begin:end].strip()))
        judged = {claim.line: claim for claim in claims}
        for line, last in self.last.items():
            if line != last and last in judged and line in self.spans:
                out.append(_part_of(judged[last], line, self.spans[line], text))
        return tuple(sorted(out, key=lambda c: c.span))


def _part_of(final: Claim, line: int, span: tuple[int, int], text: str) -> Claim:
    """What is said of a line that others go on from: it is right with them, or nobody knows which of them is wrong."""
    source = text[slice(*span)]
    is_right = final.verdict in ("correct", "notation")
    message = f"worked out in place: judged with line {final.line}"
    return Claim(line, span, source, final.kind, source, "correct" if is_right else "uncheckable", message)


def _starts(text: str) -> list[int]:
    found = [0]
    for line in text.splitlines(keepends=True):
        found.append(found[-1] + len(line))
    return found


def folded(text: str) -> Folded:
    """The source with what it does in place put together; as it is where there is nothing of that kind, or it is too deep."""
    try:
        return _folded(text)
    except (RecursionError, MemoryError, ValueError):
        return Folded(text)


def rows_in_place(text: str) -> set[int]:
    """The lines of a source that work something out in place, counted from 1."""
    return set(folded(text).last)


def _folded(text: str) -> Folded:
    tree = ast.parse(text)
    lines = text.splitlines(keepends=True)
    starts = _starts(text)
    out = Folded(text)
    labels = _Labels(tree)
    taken = {s.lineno: s for s in _statements(tree)}
    changed: dict[int, str] = {}
    for statements, expression in _sequences(tree):
        target = _name(statements[0])
        rows = [s.lineno for s in statements]
        if target is None or not all(_is_alone(s, taken) for s in statements):
            continue
        for row in rows[:-1]:
            changed[row] = ""
        changed[rows[-1]] = f"{target} = {ast.unparse(labels.visit(expression))}"
        out.last.update(dict.fromkeys(rows, rows[-1]))
    for statement in _statements(tree):
        if statement.lineno not in changed and not isinstance(statement, ast.Expr) and _is_alone(statement, taken):
            other = _downward(labels.visit(deepcopy(statement)))
            if ast.dump(other) != ast.dump(statement):
                changed[statement.lineno] = ast.unparse(other)
    added = []
    for name, meant, since, formula in (*_names_meant(tree), *_masked(tree, out.last)):
        pattern = re.compile(rf"\b{re.escape(name)}\b")
        for row in range(since, len(lines) + 1):
            line = changed.get(row, lines[row - 1].strip())
            if pattern.search(line) and not line.startswith("#"):
                changed[row] = pattern.sub(meant, line)
        if formula is not None:
            made, argument = formula
            changed[made.lineno] = f"{_name(made)} = np.maximum(0, {argument})"
            added.append(f"{argument} = {ast.unparse(_argument_of(made))}")
    for row, line in changed.items():
        written = lines[row - 1]
        indent = len(written) - len(written.lstrip())
        body = written.strip()
        out.spans[row] = starts[row - 1] + indent, starts[row - 1] + indent + len(body)
        lines[row - 1] = (written[:indent] + line if line else "") + written[len(written.rstrip("\r\n")) :]
    out.text = "".join(lines) + "".join(f"\n{formula}" for formula in added)
    return out


def _names_meant(tree: ast.AST) -> Iterator[Renamed]:
    """N for `num_examples = X.shape[0]`; `dhidden_layer` for the `dhidden` of the only `hidden_layer`: from the first line on."""
    used = _used(tree)
    for statement in _statements(tree):
        if isinstance(statement, ast.Assign) and _counts_samples(statement.value):
            name = _name(statement)
            if name is not None and name.isidentifier() and len(name) > 2 and "N" not in used:
                yield name, "N", 1, None
    for name in sorted(used):
        if len(name) > 3 and name[0] == "d" and name[1:] not in used:
            whole = [other for other in used if other.startswith(name[1:] + "_")]
            if len(whole) == 1:
                yield name, "d" + whole[0], 1, None


def _masked(tree: ast.AST, last: dict[int, int]) -> Iterator[Renamed]:
    """`dh[h <= 0] = 0` with `h = maximum(0, ..)`: from there on dh is the derivative by what the maximum is taken of.

    Yields the name, its new name, the line, and a formula where the argument has no name of its own.
    """
    used = _used(tree)
    arguments = dict(_rectified(tree))
    for statement in _statements(tree):
        match statement:
            case ast.Assign(targets=[ast.Subscript(value=target, slice=mask)], value=ast.Constant(value=0)) if _kept(
                mask
            ):
                name = ast.unparse(target).removeprefix("self.")
                short = re.match(r"d(?=\w)|grad_", name)
                of = _whole(name[short.end() :], arguments) if short is not None else None
                if of is None or statement.lineno not in last or short is None:
                    continue
                made = arguments[of]
                argument = _argument_of(made)
                inner = (
                    ast.unparse(argument).removeprefix("self.")
                    if isinstance(argument, (ast.Name, ast.Attribute))
                    else ""
                )
                meant = short.group() + (inner or f"{of}_in")
                if meant in used:
                    continue
                formula = None if inner else (made, f"{of}_in")
                yield name if of == name[short.end() :] else "d" + of, meant, last[statement.lineno], formula


def _whole(name: str, arguments: dict[str, ast.Assign]) -> str | None:
    """The quantity that is meant by a name or by its beginning: `hidden` for `hidden_layer`."""
    if name in arguments:
        return name
    whole = [other for other in arguments if other.startswith(name + "_")]
    return whole[0] if len(whole) == 1 else None


def _rectified(tree: ast.AST) -> Iterator[tuple[str, ast.Assign]]:
    """What is made as the positive part of something: `h = np.maximum(0, z)`, `h = relu(z)`."""
    for statement in _statements(tree):
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.value, ast.Call):
            called = statement.value.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            inner = [a for a in statement.value.args if not isinstance(a, ast.Constant)]
            if len(inner) == 1 and (name.lower() == "relu" or (name == "maximum" and len(statement.value.args) == 2)):
                yield ast.unparse(statement.targets[0]).removeprefix("self."), statement


def _argument_of(made: ast.Assign) -> ast.expr:
    """Of what it is the positive part."""
    assert isinstance(made.value, ast.Call)
    return next(a for a in made.value.args if not isinstance(a, ast.Constant))


def _used(tree: ast.AST) -> set[str]:
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    return names | {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}


def _counts_samples(value: ast.expr) -> bool:
    """`X.shape[0]`, `len(X)`."""
    match value:
        case ast.Subscript(value=ast.Attribute(attr="shape"), slice=ast.Constant(value=0 | 1)):
            return True
        case ast.Call(func=ast.Name(id="len"), args=[_]):
            return True
    return False


def _downward(statement: ast.AST) -> ast.AST:
    """`W -= rate * dW` for `W += -rate * dW`."""
    match statement:
        case ast.AugAssign(
            op=ast.Add(),
            value=ast.BinOp(left=ast.UnaryOp(op=ast.USub(), operand=rate), op=ast.Mult() as op, right=step),
        ):
            return ast.AugAssign(statement.target, ast.Sub(), ast.BinOp(rate, op, step))
        case ast.AugAssign(op=ast.Add(), value=ast.UnaryOp(op=ast.USub(), operand=step)):
            return ast.AugAssign(statement.target, ast.Sub(), step)
    return statement


def _is_alone(statement: ast.stmt, taken: dict[int, ast.stmt]) -> bool:
    """Whether a statement has its line for itself."""
    return statement.lineno == statement.end_lineno and taken.get(statement.lineno) is statement


def _statements(tree: ast.AST) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.Return, ast.Expr)):
            yield node


def _sequences(tree: ast.AST) -> Iterator[tuple[list[ast.stmt], ast.expr]]:
    """The statements of one block that make one array, and what they make of it."""
    for node in ast.walk(tree):
        for body in (getattr(node, each, None) for each in ("body", "orelse")):
            if isinstance(body, list):
                yield from _in_block(body)


def _in_block(body: list[ast.stmt]) -> Iterator[tuple[list[ast.stmt], ast.expr]]:
    open_ones: dict[str, tuple[list[ast.stmt], ast.expr]] = {}
    done: list[tuple[list[ast.stmt], ast.expr]] = []
    for statement in body:
        name = _name(statement)
        if name is not None and name in open_ones and (step := _step(statement, open_ones[name][1])) is not None:
            open_ones[name][0].append(statement)
            open_ones[name] = open_ones[name][0], step
            continue
        for other in [k for k in open_ones if k == name or _reads(statement, k)]:
            done.append(open_ones.pop(other))
        if (
            name is not None
            and isinstance(statement, ast.Assign)
            and not isinstance(statement.targets[0], ast.Subscript)
        ):
            open_ones[name] = [statement], _without_copy(statement.value)
    yield from (each for each in (*done, *open_ones.values()) if len(each[0]) > 1)


def _name(statement: ast.stmt) -> str | None:
    """The array that a statement changes, as it is written."""
    match statement:
        case ast.Assign(targets=[ast.Subscript(value=target, slice=key)]) if not isinstance(key, ast.Constant):
            return ast.unparse(target)
        case ast.Assign(targets=[ast.Name() | ast.Attribute() | ast.Subscript() as target]):
            return ast.unparse(target)
        case ast.AugAssign(target=ast.Subscript(value=target, slice=key)) if not isinstance(key, ast.Constant):
            return ast.unparse(target)
        case ast.AugAssign(target=target):
            return ast.unparse(target)
    return None


def _step(statement: ast.stmt, before: ast.expr) -> ast.expr | None:
    """What the array is after one more step in place; None if that is no such step."""
    match statement:
        case ast.AugAssign(
            target=ast.Subscript(slice=ast.Tuple(elts=[rows, label])), op=ast.Sub(), value=ast.Constant(value=1)
        ):
            return (
                ast.BinOp(before, ast.Sub(), ast.Subscript(label, ast.Constant("one-hot")))
                if _is_every_row(rows)
                else None
            )
        case ast.AugAssign(target=ast.Name() | ast.Attribute(), op=op, value=value) if isinstance(op, OPERATORS):
            return ast.BinOp(before, op, value)
        case ast.Assign(targets=[ast.Subscript(slice=mask)], value=ast.Constant(value=0)):
            kept = _kept(mask)
            return None if kept is None else ast.BinOp(before, ast.Mult(), kept)
    return None


def _kept(mask: ast.expr) -> ast.expr | None:
    """1 where a mask does not hold: `Z > 0` for `Z <= 0`."""
    match mask:
        case ast.Compare(left, [sign], [right]) if type(sign) in OPPOSITE:
            return ast.Compare(left, [OPPOSITE[type(sign)]()], [right])
        case ast.UnaryOp(ast.Invert(), inner):
            return inner
        case ast.Name() | ast.Attribute():
            return ast.BinOp(ast.Constant(1), ast.Sub(), mask)
    return None


def _is_every_row(rows: ast.expr) -> bool:
    """`range(n)`, `np.arange(n)`, `:`."""
    return isinstance(rows, ast.Call) and _called(rows) in ("range", "arange")


def _called(call: ast.Call) -> str:
    """The last name of what is called: eye of `np.eye(K)`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _without_copy(value: ast.expr) -> ast.expr:
    """`P` for `P.copy()`, `np.array(P)`."""
    match value:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=attr), args=[inner, *_]) if (
            attr in COPIES
        ):
            return inner
        case ast.Call(func=ast.Attribute(value=inner, attr=attr)) if attr in COPIES:
            return inner
    return value


def _reads(statement: ast.stmt, name: str) -> bool:
    return any(
        isinstance(n, (ast.Name, ast.Attribute, ast.Subscript)) and ast.unparse(n) == name for n in ast.walk(statement)
    )


class _Labels(ast.NodeTransformer):
    """`log(P[range(n), y])` as `sum(Y * log(P), axis=1)`, with Y the one-hot form of the labels y."""

    def __init__(self, tree: ast.AST) -> None:
        used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} | {
            n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)
        }
        self.targets = next((name for name in TARGETS if name not in used), "targets_")

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """The one-hot form of labels, where a step left a note of them."""
        self.generic_visit(node)
        if isinstance(node.slice, ast.Constant) and node.slice.value == "one-hot":
            return ast.Name(self.targets)
        if isinstance(node.value, ast.Call) and _called(node.value) in ("eye", "identity"):
            return ast.Name(self.targets)  # np.eye(K)[y]
        if isinstance(node.ctx, ast.Load) and _picks_label(node):
            return self._picked(node.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """The logarithm of what is picked is what is picked of the logarithm."""
        argument = node.args[0] if len(node.args) == 1 else None
        if isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.Add):
            argument = argument.left if isinstance(argument.right, (ast.Constant, ast.Name)) else None  # + 1e-12
        if isinstance(argument, ast.Subscript) and _picks_label(argument) and _called(node) == "log":
            return self._picked(ast.Call(node.func, [argument.value], []))
        if _called(node) in ONE_HOT and node.args and isinstance(node.args[0], (ast.Name, ast.Attribute)):
            return ast.Name(self.targets)
        self.generic_visit(node)
        return node

    def _picked(self, of: ast.expr) -> ast.expr:
        product = ast.BinOp(ast.Name(self.targets), ast.Mult(), of)
        total = ast.Attribute(ast.Name("np"), "sum")
        return ast.Call(total, [product], [ast.keyword("axis", ast.Constant(1))])


def _picks_label(node: ast.Subscript) -> bool:
    return isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2 and _is_every_row(node.slice.elts[0])
