"""Fast NumPy source from a tape: buffers instead of temporaries, one flat parameter vector, blocks that fit the cache.

Every buffer is made once. An operation writes into a buffer of its own, or over an operand that nobody needs any
more. Runs of elementwise work on matrices larger than the cache go through them block by block, so that each block is
read from memory once however many operations it takes; what lives only inside such a run needs one block of memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from symderiv.compute.algebra import LARGE
from symderiv.compute.tape import ELEMENTWISE, Node, Operand, Tape, View, owner
from symderiv.compute.updates import Update

BLOCK = 16384
"""Entries of a block: 128 KiB, which with a second operand still fits the cache of a core."""


@dataclass(frozen=True)
class Pair:
    """A parameter of two rows of which the difference is used: `difference` = first - second."""

    weights: str
    difference: str


@dataclass
class _Buffer:
    name: str
    shape: tuple[int, int]
    augmented: bool
    local: bool = False


@dataclass
class _Emitter:
    tape: Tape
    fixed: frozenset[str]
    varying: frozenset[str]
    setup: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    places: dict[Node, _Buffer] = field(default_factory=dict)
    free: list[_Buffer] = field(default_factory=list)
    count: int = 0

    def run(self) -> None:
        tape = self.tape
        assert tape.loss is not None
        self.targets = {node: name for name, node in tape.gradients.items()}
        reachable = _reachable([tape.loss, *tape.gradients.values()])
        self.order = [node for node in tape.nodes if node in reachable]
        # The loss is put together last, from numbers: it holds no buffer.
        self.order.sort(key=lambda node: node is tape.loss)
        self.last: dict[Node, int] = {}
        self.augmented = {a.node for n in self.order for a in n.args if isinstance(a, View) and a.augmented}
        for place, node in enumerate(self.order):
            for arg in node.args:
                if (own := owner(arg)) is not None:
                    self.last[own] = place
        self._find_static()
        self._find_places()
        groups = list(self._groups())
        for group in groups:
            if len(group) > 1 or (self._is_large(group[0]) and group[0] not in self.static):
                self._emit_blocks(group)
            else:
                self._emit(group[0], self.order.index(group[0]))

    def _find_static(self) -> None:
        """What no step changes is computed once: constants, and what depends on the data alone."""
        self.static: set[Node] = set()
        for node in self.order:
            if node.op in ("full", "mask") or (
                node.op == "input" and node.name in self.fixed and node.name not in self.varying
            ):
                self.static.add(node)
                continue
            reads = [own for arg in node.args if (own := owner(arg)) is not None]
            if node.op not in ("input", "combine", "total", "item") and node not in self.targets:
                self.static |= {node} if all(own in self.static for own in reads) else set()

    def _find_places(self) -> None:
        """What an elementwise operation with a place of its own reads for the last time is made in that place."""
        self.made_in: dict[Node, str] = {}
        for place in reversed(range(len(self.order))):
            node = self.order[place]
            target = self.targets.get(node) or self.made_in.get(node)
            if node.op not in ELEMENTWISE or not (target or node in self.augmented):
                continue
            for arg in node.args:
                if not isinstance(arg, Node) or arg.shape != node.shape or self.last[arg] != place:
                    continue
                if arg in self.static or arg.op == "input" or arg in self.targets or arg in self.made_in:
                    continue
                if target and arg not in self.augmented:
                    self.made_in[arg] = target
                elif not target:
                    self.augmented.add(arg)
                break

    def _is_large(self, node: Node) -> bool:
        return node.op in ELEMENTWISE and node.shape[0] * node.shape[1] > LARGE and node.shape[0] > 1

    def _groups(self) -> Iterator[list[Node]]:
        """The nodes in order; runs of large elementwise work on one shape together."""
        group: list[Node] = []
        for node in self.order:
            if self._is_large(node) and node not in self.static:
                if group and group[-1].shape != node.shape:
                    yield group
                    group = []
                group.append(node)
                continue
            # Work on small matrices may come before the run it stands in, if it does not read the run's results.
            if group and not any(owner(a) in group for a in node.args) and node.op in ("full", "mask", "input"):
                yield [node]
                continue
            if group:
                yield group
                group = []
            yield [node]
        if group:
            yield group

    # Names of values

    def variable(self, expression: str, prefix: str = "v") -> str:
        """A variable that is set up once to a view or constant."""
        if expression not in self.names:
            self.count += 1
            name = f"{prefix}{self.count}"
            self.names[expression] = name
            self.setup.append(f"{name} = {expression}")
        return self.names[expression]

    def base(self, node: Node, *, augmented: bool = False) -> str:
        """The variable of a node's whole value, or of that with its row of ones."""
        if node.op == "input":
            kind = "_ones" if augmented else ""
            return self.variable(f'given["{node.name}{kind}"]')
        buffer = self.places[node]
        return f"{buffer.name}_ones" if augmented else buffer.name

    def text(self, operand: Operand) -> str:
        if isinstance(operand, float):
            return self.variable(f"np.array({operand!r})", "c")  # NumPy converts a Python number anew at each call
        if isinstance(operand, Node):
            return self.base(operand)
        name = self.base(operand.node, augmented=operand.augmented)
        if operand.first:
            name = self.variable(f"{name}[:1]")
        if operand.dropped is not None:
            name = self.variable(f"{name}[{'1:' if operand.dropped == 0 else ':, 1:'}]")
        return self.variable(f"{name}.T") if operand.turned else name

    def flat(self, operand: Operand) -> str:
        assert isinstance(operand, Node)
        return self.variable(f"{self.base(operand)}.reshape(-1)")

    # Buffers

    def _allocate(self, node: Node, place: int, local: bool = False) -> _Buffer:
        """A buffer for a node's value: over a dying operand if it is elementwise, else a free one, else a new one."""
        augmented = node in self.augmented
        if node in self.static:
            return self._new(node, local)
        target = self.targets.get(node) or self.made_in.get(node)
        if target is not None and not local:
            name = self.variable(f'given["gradient of {target}"]')
            assert not augmented
            return _Buffer(name, node.shape, False)
        if node.op in ELEMENTWISE:
            for arg in node.args:
                if isinstance(arg, Node) and self._dies(arg, place) and arg in self.places:
                    buffer = self.places[arg]
                    fits = buffer.shape == node.shape and (buffer.augmented or not augmented)
                    if fits and buffer.local == local:
                        return buffer
        # One with a row of ones is only given to a matrix without them if there is no other.
        for ones in (augmented, True):
            for k, buffer in enumerate(self.free):
                if (buffer.shape, buffer.augmented, buffer.local) == (node.shape, ones, local):
                    return self.free.pop(k)
        return self._new(node, local)

    def _new(self, node: Node, local: bool) -> _Buffer:
        augmented = node in self.augmented
        self.count += 1
        buffer = _Buffer(f"b{self.count}", node.shape, augmented, local)
        if not local:
            self.setup += _new_buffer(buffer)
        return buffer

    def _dies(self, node: Node, place: int) -> bool:
        return (
            self.last.get(node, -1) == place
            and node not in self.static
            and node not in self.targets
            and node not in self.made_in
            and node.op not in ("input", "total", "item")
        )

    def _release(self, node: Node, place: int, taken: _Buffer | None) -> None:
        for own in dict.fromkeys(owner(arg) for arg in node.args):
            if own is not None and self._dies(own, place) and own in self.places:
                buffer = self.places[own]
                if buffer is not taken and buffer not in self.free:
                    self.free.append(buffer)

    # Code

    def _emit(self, node: Node, place: int) -> None:
        if node.op == "input":
            return
        out = self.setup if node in self.static else self.body
        if node.op == "mask":
            self.count += 1
            self.places[node] = _Buffer(f"b{self.count}", node.shape, False)
            self.setup += [
                f"b{self.count} = np.ones({node.shape})",
                f"b{self.count}[{'0' if node.name == '0' else ':, 0'}] = 0.0",
            ]
            return
        if node.op == "full":
            self.count += 1
            self.places[node] = _Buffer(f"b{self.count}", node.shape, False)
            self.setup.append(f"b{self.count} = np.full({node.shape}, {node.args[0]!r})")
            return
        if node.op == "total":
            operands = [self.flat(arg) for arg in node.args]
            if len(operands) == 1:
                size = node.args[0].shape[0] * node.args[0].shape[1]  # type: ignore[union-attr]
                operands.append(self.variable(f"np.ones({size})"))
            self.count += 1
            self.places[node] = _Buffer(f"s{self.count}", (1, 1), False)
            self.body.append(f"s{self.count} = dot({', '.join(operands)})")
        elif node.op == "item":
            self.count += 1
            self.places[node] = _Buffer(f"s{self.count}", (1, 1), False)
            self.body.append(f"s{self.count} = {self.text(node.args[0])}.item()")
        elif node.op == "combine":
            pairs = zip(node.args[::2], node.args[1::2], strict=True)
            terms = [f"{f!r} * {self.places[x].name}" if isinstance(x, Node) else repr(f * x) for f, x in pairs]  # type: ignore[operator]
            self.body.append(f"loss = {' + '.join(terms) or '0.0'}")
            return
        elif node.op == "dot":
            buffer = self._allocate(node, place)
            self.places[node] = buffer
            out.append(f"dot({self.text(node.args[0])}, {self.text(node.args[1])}, {buffer.name})")
        elif node.op == "max0":
            buffer = self._allocate(node, place)
            self.places[node] = buffer
            out.append(f"maximum.reduce({self.text(node.args[0])}, 0, None, {buffer.name}, True)")
        else:
            operands = [self.text(arg) for arg in node.args]
            buffer = self._allocate(node, place)
            self.places[node] = buffer
            out.append(_call(node, operands, buffer.name))
        self._release(node, place, self.places[node])

    def _emit_blocks(self, group: Sequence[Node]) -> None:
        """A run of elementwise work, block of rows by block of rows."""
        rows, columns = group[0].shape
        height = max(1, BLOCK // columns)
        sliced: dict[str, str] = {}

        def piece(operand: Operand) -> str:
            """An operand's part that belongs to a block."""
            if isinstance(operand, Node) and operand in self.places and self.places[operand].local:
                name = self.places[operand].name
                return sliced.setdefault(f"{name}[:stop - start]", f"t{len(sliced)}")
            shape = (1, 1) if isinstance(operand, float) else operand.shape
            whole = self.text(operand)
            if shape[0] == 1:
                return whole
            return sliced.setdefault(f"{whole}[start:stop]", f"t{len(sliced)}")

        lines = []
        where = {node: place for place, node in enumerate(self.order)}
        users: dict[Node, set[Node]] = {}
        for node in self.order:
            for arg in node.args:
                if (own := owner(arg)) is not None:
                    users.setdefault(own, set()).add(node)
        inside = set(group)
        created: list[_Buffer] = []
        for node in group:
            place = where[node]
            local = (
                not (node in self.targets or node in self.augmented or node in self.made_in) and users[node] <= inside
            )
            operands = [piece(arg) for arg in node.args]
            buffer = self._allocate(node, place, local)
            if local and all(buffer is not other for other in created):
                created.append(buffer)
            self.places[node] = buffer
            lines.append(f"    {_call(node, operands, piece(node))}")
            self._release(node, place, buffer)
        for buffer in created:
            self.setup.append(f"{buffer.name} = empty(({height}, {columns}))")
        self.free = [buffer for buffer in self.free if not buffer.local]
        self.count += 1
        blocks = f"blocks{self.count}"
        parts = ", ".join(sliced)
        self.setup.append(
            f"{blocks} = [({parts},) for start in range(0, {rows}, {height}) for stop in [min(start + {height}, {rows})]]"
        )
        self.body += [f"for {', '.join(sliced.values())}, in {blocks}:", *lines]


def _call(node: Node, operands: Sequence[str], out: str) -> str:
    """The ufunc call; a positional place for the result costs less than a named one, but maximum wants it named."""
    name = ELEMENTWISE[node.op]
    return f"{name}({', '.join(operands)}, {'out=' if name == 'maximum' else ''}{out})"


def _new_buffer(buffer: _Buffer) -> list[str]:
    rows, columns = buffer.shape
    if not buffer.augmented:
        return [f"{buffer.name} = empty(({rows}, {columns}))"]
    return [
        f"{buffer.name}_ones = empty(({rows + 1}, {columns}))",
        f"{buffer.name}_ones[0] = 1.0",
        f"{buffer.name} = {buffer.name}_ones[1:]",
    ]


def _reachable(roots: Sequence[Node]) -> set[Node]:
    found: set[Node] = set()
    todo = list(roots)
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo += [own for arg in node.args if (own := owner(arg)) is not None]
    return found


def write_steps(tape: Tape, data: Sequence[str], batches: Sequence[str], pair: Pair | None, update: Update) -> str:
    """A module with `build(given, theta, g, states)`, which returns `run(steps)`, which returns the last loss.

    data: the names of what does not change between steps; batches: of these, those that each step gathers anew, in which
    case `run` takes the index arrays of its steps instead of their number.
    """
    emitter = _Emitter(tape, frozenset(data), frozenset(batches))
    emitter.run()
    body = list(emitter.body)
    if pair is not None:
        weights = f'given["{pair.weights}"]'
        gradient = f'given["gradient of {pair.weights}"]'
        rows = [emitter.variable(f"{weights}[{k}:{k + 1}]") for k in (0, 1)]
        difference = emitter.variable(f'given["{pair.difference}"]')
        body.insert(0, f"subtract({rows[0]}, {rows[1]}, {difference})")
        grads = [emitter.variable(f"{gradient}[{k}:{k + 1}]") for k in (0, 1)]
        body.append(f"negative({grads[0]}, {grads[1]})")
    gather = [f"gather_{name}(chosen)" for name in batches]
    setup = [f"{s} = states[{k}]" for k, s in enumerate(update.states)]
    setup += [f'gather_{name} = given["gather {name}"]' for name in batches]
    head = "for t, chosen in enumerate(steps, first):" if batches else "for t in range(first, first + steps):"
    loop = [*gather, *body, *update.vector]
    ufuncs = sorted(
        {*ELEMENTWISE.values(), "add", "divide", "dot", "empty", "multiply", "negative", "sqrt", "subtract"}
    )
    lines = [
        "import numpy as np",
        f"from numpy import {', '.join(ufuncs)}",
        "",
        "",
        "def build(given, theta, g, states):",
        *(f"    {line}" for line in [*setup, *emitter.setup]),
        "",
        "    def run(steps, first=1):",
        "        loss = 0.0",
        f"        {head}",
        *(f"            {line}" for line in loop),
        "        return float(loss)",
        "",
        "    return run",
    ]
    return "\n".join(lines) + "\n"
