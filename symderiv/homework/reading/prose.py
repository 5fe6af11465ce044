r"""Which parts of a plain line are mathematics, by evidence: a relation between things that look like parts of formulas.

Marked formulas of the line take part as one token each, so that `Loss = \(1.0\)` and `bias $= b_1$` are found as a whole.
Words are words unless they stand between operators; keywords of a language are used only for shapes ('is', 'matrix').
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from symderiv.homework.reading.characters import characters
from symderiv.homework.reading.spans import Region
from symderiv.homework.reading.tokens import FUNCTIONS, GREEK, NOTHING, Tokens, tokenize
from symderiv.homework.reading.words import CONNECTORS, NAME_WORDS

_HINT = re.compile(
    r"[=≈≡←→⇒∈≤≥≠<>∝:≔≜⟹∼∂∇]|\\(?:in|to|approx|leftarrow|le|ge|equiv)\b|/\s*\(?(?:d|\\partial)|\w\s*×|\d\s*x\s*\w"
    r"|\b\w{1,8}\}?\]?\s+(?:[xX]|by)\s+\w|\b(?:shape|size|dim)\w*\b[^(\[\n]{0,40}[(\[]|(?<![^\W\d_])[^\W\d_][_^]\w|\\[a-z]+\{"
    r"|\bis \(\w+, ?\w+\)|\b(?:[wW]rit(?:e|ing)|[dD]enote|[aA]bbreviate)\b"
)
_WORDS = re.compile(
    r"(?<![\w^\\{])[^\W\d_]{3,}|(?<![\w^\\{])(?:is|of|to|in|on|at|by|we|so|as|an|be|it|if|or|no|us|my)(?!\w)"
)
_BLANKED = re.compile(
    r"https?://\S+|!\[[^\]\n]*\]\([^)\n]*\)|\]\((?:https?:|[./#])[^)\s]*\)|</?[a-zA-Z][^>\n]{0,80}>|[\w.=+-]+@[\w.]+\.\w+|(?<![\w)\]])\*\*(?=\S)|(?<=\S)\*\*(?![\w(])"
)
_SPACED_D = re.compile(r"(?<![\w\\])d (?=[A-Za-z]\w* ?/ ?d [A-Za-z])|(?<=/)d (?=[A-Za-z])|(?<=/ )d (?=[A-Za-z])")
_SIGN_NOTE = re.compile(r"\(\s*(?:\.?\*|[∘⊙@o])\s+(?:is|means|denotes|stands|ist|est|es|é)\b[^(),\n]{0,40}\)")
_DOT = re.compile(r"(?<=[A-Za-z0-9)\]']) \. (?=[A-Za-z]\w{0,2}(?: *[-+=*/)\]]| *$))")
_SHAPE_BESIDE = re.compile(r"\bis \((?:\w+, ?[A-Za-z]\w*|[A-Za-z]\w*, ?\w+)\)")
_OWNER = re.compile(r"\bself\.")
_GRADIENT = re.compile(r"\bgrad_(?=[A-Za-z])")
_NAMING = frozenset("write writing denote abbreviate call shorten schreibe schreiben notons escribimos".split())
_NAMED_BY = frozenset("for by".split())
_KEY = re.compile(r"\b([A-Za-z_]\w*)\[[\"']([A-Za-z_]\w*)[\"']\]")
_ABBREVIATION = re.compile(
    r"(?<![\w.])(?:i\.\s?e|e\.\s?g|w\.\s?r\.\s?t|s\.\s?t|a\.k\.a|d\.\s?h|z\.\s?B|u\.\s?a|p\.\s?ex|c\.\s?f)\."
)
_SCRIPT_TAG = re.compile(r"<su([bp])>|</su[bp]>")
_APOSTROPHE = re.compile(r"(?<=[A-Za-z]{2})['’](?=[a-z]{1,2}\b)")
_OPERATORS = frozenset(("mul", "+", "-", "/", "rel", "pow", "pm", "aug"))
_RATES = frozenset(("lam", "lmbda", "lr", "reg", "eps"))
_SIZE_LETTERS = frozenset("NDMHKCBPQndmhkcpqo")
_ARROWS = frozenset(("->", "=>", "<", ">", "~", "in"))
_BOUNDARIES = frozenset(("?", "!", '"', "unknown"))
_BEFORE_LEFT = CONNECTORS | frozenset(
    "the a an our your its their this that ist sind est sont es son é são è dann wobei donc alors entonces então quindi".split()
)
_DEFINED = re.compile(r"^[ \t]*([A-Za-z]{2,12})[ \t]*=(?![=>])", re.MULTILINE)
MAX_TRIMS = 40
MAX_SIZE = 8
MOST_SIZES = 8  # in one shape
_DIFFERENTIAL = re.compile(r"d(?:[A-Z]|[b-df-hj-np-tv-z])")
_VOWEL = re.compile(r"[aeiouyAEIOUY]|[^\x00-\x7f]")
_SIZE_WORDS = frozenset("shape size dimension dimensions dim dims shapes".split())
_SHAPE_WORDS = re.compile(r"\b(?:is|are|has|have|shape|size|dimension|dimensions|dim|matrix|vector|array)\b")


@dataclass(frozen=True, slots=True)
class Found:
    """A formula in prose: its tokens, the part of the text that it covers, and the region if it is one marked formula alone."""

    tokens: Tokens
    start: int
    end: int
    region: Region | None = None


def blank_out(line: str) -> str:
    """A line without addresses, tags and marks of emphasis; same length."""
    if "<su" in line:
        line = _SCRIPT_TAG.sub(_script_mark, line)
    if "://" in line or "[" in line or "<" in line or "**" in line or "@" in line:
        line = _BLANKED.sub(lambda match: " " * len(match.group()), line)
    if "d " in line:  # `d loss / d output`
        line = _SPACED_D.sub(f"{NOTHING}d", line)
    if "(" in line:  # (* is entry by entry)
        line = _SIGN_NOTE.sub(lambda match: " " * len(match.group()), line)
    line = without_owners(line)
    if "." in line:
        line = _ABBREVIATION.sub(lambda match: " " * len(match.group()), line)
    return _APOSTROPHE.sub("x", line) if "'" in line or "’" in line else line


def without_owners(line: str) -> str:
    """Code without the object that holds a name: `self.W1`, `grads["dW1"]`, `grad_W1` as dW1, `v . h` as a product; same length."""
    if " . " in line and "=" in line:
        line = _DOT.sub(" · ", line)
    if "grad_" in line:
        line = _GRADIENT.sub("d".rjust(len("grad_"), NOTHING), line)
    if "self." in line or '["' in line or "['" in line:
        line = _OWNER.sub(NOTHING * len("self."), line)
        return _KEY.sub(_key, line)
    return line


def _key(entry: re.Match[str]) -> str:
    """`grads["W1"]` as dW1, `cache["Z1"]` as Z1, the same length."""
    name = entry.group(2)
    if entry.group(1).lower().startswith("grad") and name[0] != "d":
        name = "d" + name
    return name.rjust(len(entry.group()) - 2, NOTHING) + NOTHING * 2


def _script_mark(tag: re.Match[str]) -> str:
    """A tag of a script as TeX, the same length."""
    mark = {"b": "_{", "p": "^{", None: "}"}[tag.group(1)]
    return mark.ljust(len(tag.group()), NOTHING)


def find_in_line(
    text: str, start: int, end: int, regions: Sequence[Region], streams: Sequence[Tokens], whole: bool = True
) -> list[Found]:
    """The formulas of a line of prose. streams: the tokens of its marked formulas; whole: a line of formula tokens alone counts."""
    line = text[start:end]
    for region in regions:
        line = line[: region.start - start] + " " * (region.end - region.start) + line[region.end - start :]
    if not line.strip():
        return _alone(regions, streams)
    line = blank_out(line)
    if (
        not _HINT.search(line)
        and not (whole and line.strip() and not _WORDS.search(line))
        and not any(s.kinds[:1] == ["rel"] for s in streams)
    ):
        return _alone(regions, streams)
    return _Line(text, line, start, regions, streams, whole).formulas()


def _alone(regions: Sequence[Region], streams: Sequence[Tokens]) -> list[Found]:
    return [
        Found(stream, region.start, region.end, region)
        for region, stream in zip(regions, streams, strict=True)
        if len(stream)
    ]


@lru_cache(maxsize=4)
def own_names(text: str) -> frozenset[str]:
    """The names of several letters that a line of plain text begins to define: `yhat = ..`."""
    return frozenset(_DEFINED.findall(text))


class _Line:
    def __init__(
        self, text: str, line: str, start: int, regions: Sequence[Region], streams: Sequence[Tokens], whole: bool
    ) -> None:
        self.text, self.line, self.start, self.whole = text, line, start, whole
        self.regions, self.streams = regions, streams
        self.tokens = self._tokens()
        self.size = len(self.tokens)
        self.kinds, self.texts, self.gaps = self.tokens.kinds, self.tokens.texts, self.tokens.gaps
        self.depths, self.opened = _depths(self.kinds)
        self.ordinary = [False] * self.size
        self.markers = self._markers()
        self._spoken_relations()
        for at in range(self.size):
            self.ordinary[at] = self.kinds[at] == "ident" and self._is_word(at)
        for at in range(self.size):
            if self.ordinary[at] and (
                self._is_operand(at) or self._is_argument(at) or self._is_in_log(at) or self._is_own_name(at)
            ):
                self.ordinary[at] = False

    def _tokens(self) -> Tokens:
        """Tokens of the prose with a token 'math' for every marked formula."""
        out = Tokens()
        at = 0
        for index, region in enumerate(self.regions):
            self._add(out, at, region.start - self.start)
            out.add("math", str(index), region.start, region.end, True)
            at = region.end - self.start
        self._add(out, at, len(self.line))
        return out

    def _add(self, out: Tokens, low: int, high: int) -> None:
        if self.line[low:high].strip():
            out.extend(tokenize(characters(self.line, low, high, None, self.start), plain=True))

    def _markers(self) -> set[int]:
        """The places of `b)` in the middle of a line: a letter or number with a bracket that nothing opened."""
        if ")" not in self.kinds:
            return set()
        found: set[int] = set()
        depth = 0
        for at, kind in enumerate(self.kinds):
            if kind == "(":
                depth += 1
            elif kind == ")" and depth:
                depth -= 1
            elif (
                kind == ")"
                and at
                and not self.gaps[at]
                and self.gaps[at - 1]
                and self.gaps[at + 1 : at + 2] == [True]
                and self.kinds[at - 1] in ("ident", "num")
                and len(self.texts[at - 1]) < 3
            ):
                found.update((at - 1, at))
        return found

    def _spoken_relations(self) -> None:
        """`dL/db equals p - y`, `dL/dw is 2x`, `write d3 for dE/dz3`: the word becomes the sign it stands for."""
        for at in range(1, self.size - 1):
            if self.kinds[at] == "ident" and self.texts[at] in _NAMED_BY and self._is_naming(at):
                self.kinds[at], self.texts[at] = "rel", ":=" if self.texts[at] == "for" else "=:"
            if self.kinds[at] != "ident" or self.texts[at] not in ("equals", "is"):
                continue
            before, after = self.kinds[at - 1], self.kinds[at + 1]
            if before not in ("}", ")", "]", "num", "greek", "'") and not (
                before == "ident" and self._is_short(at - 1)
            ):
                continue
            if after not in ("(", "-", "num", "greek", "accent", "cmd", "sum", "diff") and not (
                after == "ident" and self._is_short(at + 1)
            ):
                continue
            if self.texts[at] == "is" and not self._is_said_of_derivative(at):
                continue
            self.kinds[at], self.texts[at] = "rel", "="

    def _is_naming(self, at: int) -> bool:
        """Whether a verb such as `write` comes before, a name on one side and a derivative on the other."""
        verbs = [k for k in range(at) if self.kinds[k] == "ident" and self.texts[k].lower() in _NAMING]
        if not verbs:
            return False
        low, high = verbs[-1] + 1, at + 1
        while high < self.size and (high == at + 1 or not self.gaps[high]):
            high += 1
        high -= self.kinds[high - 1] in (".", ",", ";", ":")
        named, derivative = ((low, at), (at + 1, high)) if self.texts[at] == "for" else ((at + 1, high), (low, at))
        is_derivative = (self._is_differential(derivative[0]) and "/" in self.kinds[slice(*derivative)]) or (
            derivative[1] - derivative[0] == 1 and self._marks_derivative(derivative[0])
        )
        kinds = self.kinds[slice(*named)]
        is_name = (
            bool(kinds) and not set(kinds) & {"rel", "/", ",", "."} and not any(self.gaps[named[0] + 1 : named[1]])
        )
        return is_derivative and is_name and (kinds[0] != "ident" or len(self.texts[named[0]]) < 4)

    def _marks_derivative(self, at: int) -> bool:
        """Whether a marked formula is a derivative."""
        if self.kinds[at] != "math":
            return False
        region = self.regions[int(self.texts[at])]
        return re.search(r"partial|nabla|∂|∇|frac\{d", self.text[region.start : region.end]) is not None

    def _is_short(self, at: int) -> bool:
        word = self.texts[at]
        if len(word) == 1:
            return word not in ("a", "I", "A") or (at + 1 < self.size and self.kinds[at + 1] in _OPERATORS)
        return len(word) < 4 and (not _VOWEL.search(word) or _DIFFERENTIAL.fullmatch(word) is not None)

    def _is_said_of_derivative(self, at: int) -> bool:
        """Whether a derivative stands before `is`, and behind it something that is neither a shape nor a mere number of things."""
        low = at - 1
        while low > 0 and not self.gaps[low]:
            low -= 1
        if "/" not in self.kinds[low:at] or not self._is_differential(self.kinds.index("/", low, at) + 1):
            return False
        if self.kinds[at + 1] == "num":
            return (
                at + 2 >= self.size
                or (not self._is_times(at + 2) and self.kinds[at + 2] != "ident")
                or not self.gaps[at + 2]
            )
        close = self._closing(at + 1, self.size) if self.kinds[at + 1] == "(" else -1
        return close < 0 or not self._are_sizes(at + 2, close)

    # --- words ---

    def _glued(self, at: int, kinds: tuple[str, ...]) -> bool:
        return at + 1 < self.size and self.kinds[at + 1] in kinds and not self.gaps[at + 1]

    def _is_word(self, at: int) -> bool:
        """Whether a run of letters is an ordinary word as far as its neighbours show."""
        word = self.texts[at]
        before = self.kinds[at - 1] if at else ""
        if word == "end" and before in (":", "(", ",") and self.opened[at] > 0:
            return False  # an index of Octave
        if len(word) < 2:
            return len(word) == 1 and not word.isascii()
        if (
            _DIFFERENTIAL.fullmatch(word)
            or word in GREEK
            or (word[0] == "d" and word[1:] in GREEK)
            or (before in ("_", "^", "diff") and not self.gaps[at])
        ):
            return False
        if self._glued(at, ("_", "^")) or (
            self.opened[at] > 0 and self.kinds[self.opened[at]] == "{" and self.kinds[self.opened[at] - 1] in ("_", "^")
        ):
            return False
        if self._glued(at, ("num",)) and len(word) < 5:
            return False
        if len(word) < 5 and self._glued(at, ("[",)) and self.kinds[at + 2 : at + 4] == ["num", "]"]:
            return False  # di[1], net[2]
        if (
            self._glued(at, ("(", "'"))
            and (word.lower() in FUNCTIONS or len(word) < 3)
            and word.islower() | (len(word) > 2)
        ):
            return False
        if self._glued(at, (".",)) and at + 2 < self.size and self.kinds[at + 2] == "ident" and not self.gaps[at + 2]:
            return False
        if (
            before == "."
            and not self.gaps[at]
            and at > 1
            and not self.gaps[at - 1]
            and self.kinds[at - 2] in ("ident", ")", "num")
        ):
            return False
        if word[0] == "d" and (
            (self._glued(at, ("/", "_")) and self._is_differential(at + 2)) or (before == "/" and not self.gaps[at])
        ):
            return False
        if word in ("if", "else") and self._is_choice(at):
            return False
        if word.lower() in _RATES and before in _OPERATORS:
            return False  # `.. + lam W2`
        return not (word.lower() in FUNCTIONS and self._has_argument(at))

    def _has_argument(self, at: int) -> bool:
        """Whether something that a function can be applied to stands behind its name."""
        if at + 1 >= self.size:
            return False
        kind = self.kinds[at + 1]
        if self.texts[at].lower() in ("log", "ln", "exp", "tanh"):
            return kind in ("accent", "cmd", "num", "(", "greek", "bar") or (
                kind == "ident"
                and (
                    len(self.texts[at + 1]) < 3
                    or self._glued(at + 1, ("num", "_", "^"))
                    or (self.texts[at + 1] in NAME_WORDS and "rel" in self.kinds[:at])
                )
            )
        return kind in ("num", "(", "[", "sum") and (self._is_operator(at - 1) or self._is_sum_of_terms(at))

    def _is_sum_of_terms(self, at: int) -> bool:
        """Whether the sum of `= 1/m sum (h - y)` stands here: behind a factor, and before a bracket that begins with no word."""
        if self.texts[at].lower() not in ("sum", "mean") or self.kinds[at + 1] != "(" or at + 2 >= self.size or at < 2:
            return False
        before = self.kinds[at - 1]
        follows_factor = before in (")", "num") or (before == "ident" and self.kinds[at - 2] == "/")
        return follows_factor and "rel" in self.kinds[:at] and len(self.texts[at + 2]) < 3

    def _is_choice(self, at: int) -> bool:
        """Whether `a if b else c` stands here."""
        words = self.texts
        if words[at] == "if":
            return "rel" in self.kinds[:at] and "else" in words[at:]
        return "if" in words[:at] and "rel" in self.kinds[:at]

    def _is_differential(self, at: int) -> bool:
        return at < self.size and (
            self.kinds[at] in ("diff", "(") or (self.kinds[at] == "ident" and self.texts[at][0] == "d")
        )

    def _is_operator(self, at: int) -> bool:
        """Whether an operator stands here that makes a word beside it an operand; a hyphen does not."""
        if not 0 <= at < self.size:
            return False
        kind = self.kinds[at]
        if kind not in _OPERATORS:
            return False
        if kind in ("-", "/") and 0 < at < self.size - 1:
            glued = not self.gaps[at] and not self.gaps[at + 1]
            words = (
                self.kinds[at - 1] == "ident"
                and self.kinds[at + 1] == "ident"
                and len(self.texts[at - 1]) > 1
                and len(self.texts[at + 1]) > 1
            )
            spaced_dash = (
                kind == "-"
                and not self.depths[at]
                and self.gaps[at]
                and self.gaps[at + 1]
                and (self.ordinary[at - 1] or self.ordinary[at + 1])
                and not self._has_strong_neighbour(at)
                and self.kinds[:at].count("dbar") % 2 == 0  # `||out - y||`
            )
            names = words and "rel" in self.kinds[:at] and self._is_name_word(at - 1) and self._is_name_word(at + 1)
            return not (glued and words and not names) and not spaced_dash
        return not (kind == "rel" and self.texts[at] in ("->", "=>"))

    def _is_name_word(self, at: int) -> bool:
        """Whether a word is one that quantities have as a name, or the document's own."""
        return self.texts[at] in NAME_WORDS or self.texts[at] in own_names(self.text)

    def _has_strong_neighbour(self, at: int) -> bool:
        return any("rel" in self.kinds[low:high] for low, high in ((max(at - 4, 0), at), (at + 1, at + 4)))

    def _is_operand(self, at: int) -> bool:
        """Whether a word stands between operators and so is a name."""
        before, after = self._is_operator(at - 1), self._is_operator(at + 1)
        if 0 < at < self.size - 1 and self.kinds[at - 1] == self.kinds[at + 1] == "dbar":
            return True  # ||error||
        if not (before or after):
            return False
        if before and len(self.texts[at]) < 4 and not _VOWEL.search(self.texts[at]):
            return True
        ends_left = at == 0 or self.kinds[at - 1] in (",", ";", "(", "[", "quad", ":", "nl", "dbar", "bar")
        ends_right = at == self.size - 1 or self.kinds[at + 1] in (",", ";", ")", "]", "quad", "nl", ".", "dbar", "bar")
        glued = self._glued(at, ("(",)) and before
        opens = (
            at > 0
            and self.ordinary[at - 1]
            and self.texts[at - 1].lower() in _BEFORE_LEFT
            and self.kinds[at + 1 : at + 2] == ["rel"]
        )
        return (before or ends_left or opens) and (after or ends_right or glued)

    def _is_own_name(self, at: int) -> bool:
        """Whether it is a name of the document's, `yhat = ..`, inside a formula: `1/m (yhat - y) yhat (1 - yhat)`."""
        before = self.kinds[at - 1] if at else ""
        return (
            self.texts[at] in own_names(self.text)
            and (before in _OPERATORS or before in ("(", ")", "num", "ident"))
            and "rel" in self.kinds[:at]
            and not (before == "ident" and self.ordinary[at - 1])
        )

    def _is_in_log(self, at: int) -> bool:
        """The name in `log out`."""
        after = at > 0 and self.kinds[at - 1] in ("ident", "func") and not self.ordinary[at - 1]
        return after and self.texts[at - 1] in ("log", "ln", "exp", "tanh") and self.texts[at] in NAME_WORDS

    def _is_argument(self, at: int) -> bool:
        """Whether a word stands in the argument list of a call."""
        opened = self.opened[at]
        head = opened - 1
        if head > 0 and self.kinds[head] == "'" and not self.gaps[head]:
            head -= 1  # f'(net)
        if (
            opened < 1
            or self.gaps[opened]
            or self.kinds[head] not in ("ident", "func", "greek")
            or self.ordinary[head]
            or (head < opened - 1 and len(self.texts[head]) > 1)
        ):
            return False
        sides = ("(", ")", ",", "mul", "+", "-", "/", "rel", "pow", "[", "]", ".")
        return self.kinds[at - 1] in sides and self.kinds[at + 1 : at + 2] != [] and self.kinds[at + 1] in sides

    # --- runs ---

    def formulas(self) -> list[Found]:
        """The formulas of the line in order."""
        found: list[Found] = []
        low = 0
        shaped = self._shape(0) or self._declared()
        while shaped and len(found) < MAX_TRIMS:
            found += [*self._runs(low, shaped[2]), shaped[0]]
            low = shaped[1]
            shaped = self._shape(low)
        return found + self._runs(low, self.size)

    def _runs(self, low: int, stop: int) -> list[Found]:
        """The formulas in a range without declarations."""
        found: list[Found] = []
        while low < stop:
            while low < stop and self._breaks(low):
                low += 1
            high = low
            while high < stop and not self._breaks(high):
                high += 1
            if low < high:
                found += self._run(low, high)
            low = high
        return found

    def _breaks(self, at: int) -> bool:
        kind = self.kinds[at]
        if self.ordinary[at] or kind in _BOUNDARIES or at in self.markers:
            return True
        if kind == ".":
            return at + 1 >= self.size or self.gaps[at + 1] or self.kinds[at + 1] in ("math", "quad")
        if kind == ":":
            return at + 1 >= self.size or self.gaps[at + 1] or self.kinds[at + 1] == "math"
        return False

    def _run(self, low: int, high: int) -> list[Found]:
        """The formulas of a run without words."""
        parts = []
        depth = 0
        start = low
        for at in range(low, high):
            kind = self.kinds[at]
            depth += (kind in ("(", "[", "{")) - (kind in (")", "]", "}"))
            if (kind in (",", ";") and depth <= 0 and self._beside_math(at)) or (
                kind == "math" and at > start and self.kinds[at - 1] == "math"
            ):
                parts.append((start, at))
                start = at + (kind != "math")
        parts.append((start, high))
        found: list[Found] = []
        for start, stop in parts:
            found += self._part(start, stop)
        return found

    def _beside_math(self, at: int) -> bool:
        return "math" in self.kinds[max(at - 1, 0) : at + 2]

    def _part(self, low: int, high: int) -> list[Found]:
        low, high = self._trim(low, high)
        if low >= high:
            return []
        kinds = self.kinds[low:high]
        relations = [at for at in range(low, high) if self.kinds[at] in ("rel", "aug")]
        marked = [at for at in range(low, high) if self.kinds[at] == "math"]
        operators = any(kind in _OPERATORS for kind in kinds)
        if marked and not operators and not (kinds == ["math"] and self._needs_left(low)):
            return _alone(
                [self.regions[int(self.texts[at])] for at in marked],
                [self.streams[int(self.texts[at])] for at in marked],
            )
        if kinds == ["math"]:
            return [self._with_left(low, high)]
        if relations and self._is_evident(low, high, relations):
            return [self._statement(low, high, relations)]
        if marked:
            return _alone(
                [self.regions[int(self.texts[at])] for at in marked],
                [self.streams[int(self.texts[at])] for at in marked],
            )
        if self._is_lone(low, high):
            return [Found(self.tokens.part(low, high), self.tokens.starts[low], self.tokens.ends[high - 1])]
        return []

    def _trim(self, low: int, high: int) -> tuple[int, int]:
        """Without punctuation, bullets, articles and unmatched brackets at the edges."""
        kinds = self.kinds
        for _ in range(MAX_TRIMS):
            if low >= high:
                break
            first, last = kinds[low], kinds[high - 1]
            if (
                first in (",", ";", ":", ".", "quad", ")", "]", "mul", "nl", "'", "&", "|", "percent")
                or (first in ("-", "+") and low == 0 and self.gaps[low + 1 : low + 2] == [True])
                or (first == "rel" and self.texts[low] == "->" and low == 0)
            ):
                low += 1
            elif (
                last in (",", ";", ":", ".", "quad", "(", "[", "nl", "&")
                or (last == "'" and self._is_quote(low, high - 1))
                or (last == "-" and high - low > 1)
                or (
                    last in (")", "]")
                    and kinds[low:high].count(last) > kinds[low:high].count("(" if last == ")" else "[")
                )
            ):
                high -= 1
            elif first in ("(", "[") and kinds[low:high].count(first) > kinds[low:high].count(
                ")" if first == "(" else "]"
            ):
                low += 1
            elif first == "(" and self._closing(low, high) == high - 1 and "rel" in kinds[low:high]:
                low, high = low + 1, high - 1
            elif self._is_article(low, high):
                low += 1
            elif high - low > 1 and self._is_trailing_article(low, high):
                high -= 1
            else:
                return low, high
        return low, low

    def _is_quote(self, low: int, at: int) -> bool:
        """Whether the mark at the end of a run is a closing quote, not a prime."""
        if self.gaps[at] or self.kinds[at - 1] not in ("ident", "}", "]", ")", "num", "greek", "name", "func"):
            return True
        return any(self.kinds[before] == "'" and self.gaps[before] for before in range(low, at)) or (
            low > 0 and self.kinds[low - 1] == "'"
        )

    def _closing(self, low: int, high: int) -> int:
        depth = 0
        for at in range(low, high):
            depth += (self.kinds[at] == "(") - (self.kinds[at] == ")")
            if depth == 0:
                return at
        return -1

    def _is_article(self, low: int, high: int) -> bool:
        if self.kinds[low] != "ident" or self.texts[low] not in ("a", "A", "I") or low + 1 >= high:
            return False
        return (
            self.gaps[low + 1]
            and self.kinds[low + 1] in ("ident", "math", "num", "greek", "accent")
            and (low == 0 or self.ordinary[low - 1])
        )

    def _is_trailing_article(self, low: int, high: int) -> bool:
        at = high - 1
        if self.kinds[at] != "ident" or self.texts[at] not in ("a", "A", "I") or not self.gaps[at]:
            return False
        return high < self.size and self.ordinary[high] and self.kinds[at - 1] not in _OPERATORS

    # --- evidence ---

    def _is_strong(self, at: int) -> bool:
        kind = self.kinds[at]
        return kind in (
            "math",
            "num",
            "greek",
            "accent",
            "cmd",
            "diff",
            "nabla",
            "sum",
            "func",
            "name",
            "one",
            "begin",
        ) or (kind == "ident" and (len(self.texts[at]) < 3 or self._glued(at, ("_", "^", "num", "(", "."))))

    def _is_evident(self, low: int, high: int, relations: list[int]) -> bool:
        """Whether a run with a relation is a statement."""
        if self.kinds[low] == "rel" and high - low == 1:
            return False
        strong = [self._is_strong(at) for at in range(low, high)]
        first = relations[0]
        left, right = any(strong[: first - low]), any(strong[first - low + 1 :])
        if all(self.kinds[at] == "rel" and self.texts[at] in _ARROWS for at in relations):
            return (left and right) or (self.kinds[low] == "rel" and low == 0 and right)
        if left and not right and high - first == 2 and set(self.kinds[low:first]) <= {"num", "percent"}:
            return False  # `50% = half`
        if left or right:
            return True
        names = {self.texts[at] for at in range(low, high) if self.kinds[at] == "ident"}
        own = own_names(self.text) - {"loss"}  # `return cost` of a program is written `loss = cost`
        known = high - low == 3 and len(names) == 2 and names <= own  # `out = net`
        return all(not self.ordinary[at] for at in range(low, high)) and (known or high - low > 4)

    def _is_lone(self, low: int, high: int) -> bool:
        """Whether a run without a relation is a lone expression: a derivative, or all that stands on the line."""
        for at in range(low, high):
            if self.kinds[at] == "/" and self._is_differential(at + 1) and not self.gaps[at + 1] and at > low:
                before = self.kinds[at - 1]
                if before != "ident" or self.texts[at - 1][0] == "d" or at - 2 >= low:
                    return True
            if self.kinds[at] in ("_", "^") and at > low and not self.gaps[at] and self._is_letter(at - 1):
                return True
        if re.fullmatch(r"[\s(\[]*(?:[a-zA-Z]|[ivx]+|\d{1,2})[.)\]]+\s*", self.line):
            return False
        alone = self.whole and low <= 2 and True not in self.ordinary
        if (
            self.whole and not alone and high >= self.size - 1 and self.kinds[max(low - 1, 0)] == ":"
        ):  # `Answer: -2x(y - wx)`
            letters = sum(self._is_strong(at) and self.kinds[at] != "num" for at in range(low, high))
            alone = (letters > 0 and high - low > 2) or (
                self.kinds[low:high] in (["num"], ["-", "num"])
                and self.texts[low - 2].lower()[:3] in ("ans", "sol", "res")
            )
        return alone and any(self._is_strong(at) for at in range(low, high)) and "unknown" not in self.kinds[low:high]

    def _is_letter(self, at: int) -> bool:
        kind = self.kinds[at]
        return (
            kind == "greek"
            or (kind == "ident" and len(self.texts[at]) == 1)
            or (kind == "}" and at > 2 and "accent" in self.kinds[at - 3 : at])
        )

    # --- what is found ---

    def _needs_left(self, at: int) -> bool:
        stream = self.streams[int(self.texts[at])]
        return (
            stream.kinds[:1] == ["rel"]
            and stream.texts[0] in ("=", ":=", "->", "in", "~")
            and at > 0
            and self.ordinary[at - 1]
        )

    def _with_left(self, low: int, high: int) -> Found:
        region = self.regions[int(self.texts[low])]
        if not self._needs_left(low):
            return Found(self.streams[int(self.texts[low])], region.start, region.end, region)
        return self._build(self._left_words(low), low, high, -1)

    def _left_words(self, low: int) -> int:
        """Where the words begin that are the left side of a relation here."""
        at = low
        while at > max(low - 7, 0) and self.kinds[at] != "quad":
            kind, word = self.kinds[at - 1], self.texts[at - 1].lower()
            if kind not in ("ident", "_", "{", "}", "^", "num", "-", "greek", "math") or word in _BEFORE_LEFT:
                break
            at -= 1
        return at if 0 < low - at <= 6 else low - 1

    def _statement(self, low: int, high: int, relations: list[int]) -> Found:
        left = low
        first = relations[0]
        if first == low and low > 0 and self.ordinary[low - 1] and self.texts[low] != "=>":
            left = self._left_words(low)
        elif first - low == 1 and self.kinds[low] == "num" and low > 0 and self.ordinary[low - 1]:
            left, low = self._left_words(low), low + 1
        right = -1
        if high < self.size and self.ordinary[high] and self.kinds[high - 1] in ("rel", "/", "+", "-", "mul"):
            right = relations[-1]
        return self._build(left, low, high, right)

    def _build(self, left: int, low: int, high: int, right: int) -> Found:
        """The tokens from words on the left (before `low`), the run, and words on the right (after the relation `right`)."""
        out = Tokens()
        if left < low:
            start, end = self.tokens.starts[left], self.tokens.ends[low - 1]
            out.add("text", self.text[start:end] + " ", start, end)
        stop = right if right >= 0 else high
        self._copy(out, low, stop)
        end_at = self.tokens.ends[stop - 1]
        if right >= 0:
            end = self._sentence_end(right + 1)
            start = self.tokens.starts[right + 1]
            out.add("rel", ":", self.tokens.starts[right], self.tokens.ends[right])
            out.add("words", self.text[start:end], start, end)
            end_at = end
            for at in range(right + 1, self.size):  # what the words cover is used up
                if self.tokens.starts[at] >= end:
                    break
                self.ordinary[at] = self.kinds[at] != "math"
        return Found(out, min(self.tokens.starts[left], self.tokens.starts[low]), max(end_at, self.tokens.ends[low]))

    def _sentence_end(self, at: int) -> int:
        end = self.tokens.starts[at]
        while (
            at < self.size
            and self.kinds[at] not in ("math", ";", "quad")
            and not (self.kinds[at] == "." and (at + 1 >= self.size or self.gaps[at + 1]))
        ):
            end = self.tokens.ends[at]
            at += 1
        return end

    # --- shapes and declarations ---

    def _shape(self, start: int) -> tuple[Found, int, int] | None:
        """`A^0 : input layer: 2x1 matrix`, `w_1 is 3 x 2`: a name with a shape behind it."""
        at = start
        while places := [place for place in (self._sizes(at), self._sizes_in_brackets(at)) if place]:
            low, high, sizes = min(places)
            if found := self._shape_of(low, high, sizes, start):
                return found
            at = high
        return None

    def _shape_of(self, low: int, high: int, sizes: list[tuple[int, int]], start: int) -> tuple[Found, int, int] | None:
        """The name, behind a place, that the sizes in a range belong to, with them."""
        name = self._name_before(low, start)
        if name is None:
            return None
        is_word = name[0] > start and self.kinds[name[0] - 1] == "ident"
        is_space = is_word and self.texts[name[0] - 1 : name[0] + 2] == ["in", "R", "^"]  # `X in R^(m x n)`
        if is_space:
            name = self._name_before(name[0] - 1, start)
            if name is None:
                return None
        first, last = name
        opened = -1
        if first > start and self.kinds[first - 1] == "/" and self._is_differential(first):
            while first > start and not self.gaps[first] and not self.ordinary[first - 1]:
                first -= 1  # `dL/dW is 3 x 2`
        if first > start and self.kinds[first - 1] in _OPERATORS:  # `y = W x (3 x 1)`: the shape of y
            opened = next((at for at in range(low, max(low - 5, first), -1) if self.kinds[at] == "("), -1)
            left = self._left_of(first, start) if opened > 0 else None
            if left is None or (
                opened < low - 1
                and not _SHAPE_WORDS.search(self.text[self.tokens.ends[opened] : self.tokens.starts[low]])
            ):
                return None
            first, last = left
        between = self.text[self.tokens.ends[last - 1] : self.tokens.starts[low]]
        bracketed = low > 0 and self.kinds[low - 1] in ("(", "[")
        if bracketed and self.kinds[high - 1 : high + 1] == [")", "("]:
            return None  # `(D x N)(N x M)`: sizes that are multiplied
        if (
            opened < 0
            and not is_space
            and (
                "rel" in self.kinds[last:low]
                or not (_SHAPE_WORDS.search(between) or ":" in between or (bracketed and low - last == 1))
            )
        ):
            return None
        out = self._named(first, last)
        colon = ":" in between and opened < 0
        out.add("rel", ":" if colon else "in", self.tokens.ends[last - 1], self.tokens.ends[last - 1], True)
        if self.kinds[sizes[0][0]] in ("(", "["):
            out.extend(self.tokens.part(low, high))
            return (
                Found(out, self.tokens.starts[first], self.tokens.ends[high - 1]),
                high,
                first if opened < 0 else opened,
            )
        for count, (at, stop) in enumerate(sizes):
            if count:
                out.add("mul", "times", self.tokens.ends[sizes[count - 1][1] - 1], self.tokens.starts[at], True)
            out.extend(self.tokens.part(at, stop))
        return Found(out, self.tokens.starts[first], self.tokens.ends[high - 1]), high, first if opened < 0 else opened

    def _left_of(self, at: int, start: int) -> tuple[int, int] | None:
        """The name on the left of the relation before a place."""
        stops = (",", ";", "quad", "rel")
        relation = next((i for i in range(at - 1, start, -1) if self.kinds[i] in stops or self.ordinary[i]), -1)
        if relation < 0 or self.kinds[relation] != "rel" or self.texts[relation] != "=":
            return None
        name = self._name_before(relation, start)
        if name is None or name[1] != relation:
            return None
        first = name[0]
        while first > start and self.kinds[name[0] - 1] == "/" and not self._breaks(first - 1):
            if self.kinds[first - 1] in stops:
                break
            first -= 1  # `dL/dW = ..`
        return first, relation

    def _named(self, first: int, last: int) -> Tokens:
        out = Tokens()
        self._copy(out, first, last)
        return out

    def _copy(self, out: Tokens, low: int, high: int) -> None:
        """Append the tokens of a range, those of marked formulas for their places."""
        while low < high:
            marked = self.kinds.index("math", low, high) if "math" in self.kinds[low:high] else high
            out.extend(self.tokens.part(low, marked))
            if marked < high:
                out.extend(self.streams[int(self.texts[marked])])
            low = marked + 1

    def _sizes(self, start: int) -> tuple[int, int, list[tuple[int, int]]] | None:
        """The first `a x b` of the line: (start, end, ranges of the sizes)."""
        for at in range(max(start, 1), self.size - 1):
            if not self._is_times(at):
                continue
            after = self._size_after(at + 1)
            first = self._size_before(at) if after > 0 else -1
            if first < start or first < 0:
                continue
            sizes = [(first, at), (at + 1, after)]
            while (
                len(sizes) < MOST_SIZES
                and after + 1 < self.size
                and self._is_times(after)
                and (further := self._size_after(after + 1)) > 0
            ):
                sizes.append((after + 1, further))
                after = further
            end = after
            if end < self.size and self.kinds[end] in (")", "]"):
                end += 1
            if end < self.size and self.texts[end] in ("matrix", "vector", "array"):
                return first, end + 1, sizes
            if end < self.size and (
                self.kinds[end] in ("mul", "+", "-", "/", "rel", "pow", "^", "_")
                or (self.kinds[end] in ("num", "ident") and not self.ordinary[end])
            ):
                continue
            return first, end, sizes
        return None

    def _size_after(self, at: int) -> int:
        """Where a size that begins at a place ends: `3`, `n`, `n1`, `n_h`, `n^[1]`, `n_{in}`; -1 if none begins there."""
        if not self._is_size(at):
            return -1
        end = at + 1
        if self.kinds[at] == "num":
            return end
        depth = 0
        while end < self.size and not self.gaps[end] and end - at < MAX_SIZE:
            kind = self.kinds[end]
            glued = kind in ("num", "_", "^") or (kind == "[" and end == at + 1)
            if not glued and not depth and self.kinds[end - 1] not in ("_", "^"):
                break
            depth += (kind in ("{", "[", "(")) - (kind in ("}", "]", ")"))
            end += 1
        return -1 if depth else end

    def _size_before(self, end: int) -> int:
        """Where the size begins that ends before a place; -1 if there is none."""
        low = end - 1
        if self.kinds[low] not in ("num", "ident", "}", "]", ")"):
            return -1
        while low > 0 and end - low < MAX_SIZE and not self.gaps[low] and self.kinds[low - 1] not in (":", ","):
            if self.kinds[low - 1] in ("(", "[") and self.kinds[max(low - 2, 0)] not in ("^", "_"):
                break
            low -= 1
        return next((at for at in range(max(low, 0), end) if self._is_size(at) and self._size_after(at) == end), -1)

    def _is_times(self, at: int) -> bool:
        return (self.kinds[at] == "mul" and self.texts[at] == "times") or (
            self.kinds[at] == "ident" and self.texts[at] in ("x", "X", "by")
        )

    def _is_size(self, at: int) -> bool:
        return (self.kinds[at] == "num" and self.texts[at].isdigit()) or (
            self.kinds[at] == "ident" and len(self.texts[at]) == 1 and self.texts[at] not in "xX"
        )

    def _sizes_in_brackets(self, start: int) -> tuple[int, int, list[tuple[int, int]]] | None:
        """`shape (3, 2)`: the brackets right after a word for a shape."""
        for at in range(max(start + 1, 1), self.size - 3):
            if self.kinds[at] in ("(", "[") and (
                self.kinds[at - 1] == ":"
                or (self.ordinary[at - 1] and self.texts[at - 1].lower() in _SIZE_WORDS)
                or self.texts[at - 1] == "is"
            ):
                close = self._closing(at, self.size) if self.kinds[at] == "(" else -1
                if (
                    close > at
                    and self._are_sizes(at + 1, close)
                    and (
                        self.texts[at - 1] != "is"
                        or self._are_letters(at + 1, close)  # X is (N, D), b is (h, 1): no values
                        or _SHAPE_BESIDE.search(self.line[: self.tokens.starts[at] - self.start])  # .. and b2 is (1, 1)
                        or not _SIZE_WORDS.isdisjoint(self.texts[max(at - 16, start) : at])
                    )
                ):
                    return at, close + 1, [(at, close + 1)]
        return None

    def _are_letters(self, at: int, end: int) -> bool:
        """Whether of two sizes at least one is a letter that sizes have, perhaps with a word below, `n_hid`."""
        sizes = []
        while at < end:
            sizes.append(self.texts[at])
            at += 3 if self.kinds[at + 1] == "_" else 1
            if at < end and self.kinds[at] != ",":
                return False
            at += 1
        known = set(sizes) <= _SIZE_LETTERS | {"1", "2", "3", "10", "784"}
        return len(sizes) == 2 and known and bool(set(sizes) & _SIZE_LETTERS)

    def _are_sizes(self, at: int, end: int) -> bool:
        """Whether sizes with commas stand in a range."""
        while at < end:
            after = self._size_after(at) if self._is_size(at) else at + 1 if self.kinds[at] == "ident" else -1
            if after < 0 or (after < end and self.kinds[after] != ","):
                return False
            at = after + 1
        return True

    def _name_before(self, low: int, start: int) -> tuple[int, int] | None:
        """The name nearest before a place: a short run without words and operators."""
        at = low - 1
        while at >= start and (
            self.ordinary[at]
            or self.kinds[at] in ("(", "[", ":", ",", "rel", "quad", "-")
            or self.texts[at] in ("a", "A", "I")
        ):
            if self.texts[at] in ("a", "A", "I") and not (at > 0 and self.ordinary[at - 1] and self.gaps[at]):
                break
            at -= 1
        last = at + 1
        whole = self._bracketed_before(last, start)
        if whole >= 0:
            return whole, last
        while (
            at >= start
            and not self.ordinary[at]
            and self.kinds[at]
            in ("ident", "num", "_", "^", "{", "}", "[", "]", "(", ")", "greek", "accent", "math", "name")
        ):
            at -= 1
        first = at + 1
        while first < last and self.kinds[first] == "(" and not 0 <= self._closing(first, self.size) < last:
            first += 1  # `(W is 3 x 2, so ..)`
        if first >= last or last - first > 12 or not self._is_strong(first) or self.kinds[first] == "num":
            return None
        return first, last

    def _bracketed_before(self, last: int, start: int) -> int:
        """Where the brackets around a difference or sum begin that end at a place, `(a - y) is K x 1`; -1 if none do."""
        if self.kinds[last - 1] != ")":
            return -1
        for first in range(last - 2, max(start - 1, last - 12), -1):
            if self.kinds[first] == "(" and self._closing(first, self.size) == last - 1:
                is_call = first > 0 and not self.gaps[first] and self.kinds[first - 1] not in ("(", ",", "rel")
                return -1 if is_call or not {"+", "-"} & set(self.kinds[first:last]) else first
        return -1

    def _declared(self) -> tuple[Found, int, int] | None:
        """`n_h : neurons of the first layer`, `W1: (d, h)` at the beginning of a line."""
        colon = next((at for at in range(min(self.size, 12)) if self.kinds[at] == ":" or self.ordinary[at]), -1)
        if colon < 1 or self.kinds[colon] != ":" or colon + 1 >= self.size or not self.gaps[colon + 1]:
            return None
        if (
            not self._is_strong(0)
            or self.kinds[0] == "num"
            or any(kind in _OPERATORS or (kind in (",", ".", ")") and kind != ")") for kind in self.kinds[:colon])
        ):
            return None
        if self.texts[0] in ("Q", "A", "Sol", "Ans") and colon == 1:
            return None
        rest = range(colon + 1, self.size)
        if any(self.kinds[at] in ("rel", "math") for at in rest):
            return None
        out = self._named(0, colon)
        if self.ordinary[colon + 1] or any(self.ordinary[at] for at in rest):
            end = self._sentence_end(colon + 1)
            out.add("rel", ":", self.tokens.starts[colon], self.tokens.ends[colon])
            out.add("words", self.text[self.tokens.starts[colon + 1] : end], self.tokens.starts[colon + 1], end)
            return Found(out, self.tokens.starts[0], end), self.size, 0
        if self.kinds[colon + 1] not in ("(", "["):
            return None
        out.add("rel", ":", self.tokens.starts[colon], self.tokens.ends[colon])
        out.extend(self.tokens.part(colon + 1, self.size))
        return Found(out, self.tokens.starts[0], self.tokens.ends[-1]), self.size, 0


def _depths(kinds: list[str]) -> tuple[list[int], list[int]]:
    """How deep in brackets every token is, and the bracket that it is in (-1: none)."""
    stack: list[int] = []
    depths: list[int] = []
    opened: list[int] = []
    for at, kind in enumerate(kinds):
        if kind in (")", "]", "}") and stack:
            stack.pop()
        depths.append(len(stack))
        opened.append(stack[-1] if stack else -1)
        if kind in ("(", "[", "{"):
            stack.append(at)
    return depths, opened
