r"""What a run of letters is: one name, several names side by side, a function, a derivative's `dW`, a name with lost subscripts.

The document decides where it can: `net` is one name because `net_j` is used, `yij` is y with i and j because `y_{ij}` is.
Everything is settled on tokens, before parsing; whether a name is a layer or a loss is for later stages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from symderiv.homework.reading.tokens import FUNCTIONS, GREEK, Token, Tokens

NAME_WORDS = frozenset(
    "net out target targets loss bias error err cost input inputs output outputs hidden pred prediction score scores logits logit "
    "label labels act lr obj grad mse bce sse nll kl ce reg penalty lam eps temp tmp units batch size loss_fn acc accuracy "
    "weight weights momentum sample samples truth axis keepdims keepdim True False None".lower().split()
)


def with_accent(word: str) -> str:
    """`yhat` as the name y with a hat: `y^hat`; other words stay."""
    accent = next((a for a in ("hat", "bar", "tilde") if word.endswith(a) and len(word) == len(a) + 1), "")
    return f"{word[0]}^{accent}" if accent else word


SCRIPT_WORDS = frozenset(
    "new old in out true pred next prev hid hidden max min train test total init data reg ce mse bce input output target "
    "curr current final loss penalty avg mean batch l1 l2 obs act net layer all ridge pos neg tot bias err sum "
    "neu alt nuevo nouveau".split()
)
CONNECTORS = frozenset(
    "and or if for where with when while then so hence thus since because as let we is are be by on in at of to from gives "
    "otherwise else also but again recall note using given therefore here now which that this the an similarly finally "
    "const constant subject such i.e. e.g. iff s.t. respectively undefined elsewhere".split()
)
_TEX_CONNECTORS = frozenset("for if and where when with then otherwise else since because".split())
_CHANGE = re.compile(r"d(?:[A-Za-z]|net|out)")  # dA, dz
_RUN_TOGETHER = re.compile(r"(d[A-Z])(d(?:[A-Za-z]|net|out))")  # dLdA
_SUFFIXES = {"hat": "hat", "bar": "bar", "tilde": "tilde"}
_INDEX = re.compile(r"[ijklmnpqrst]{1,3}")
_INDEX_RUN = re.compile(r"[ijklmn]{4,}")
_LOST_INDEX = re.compile(r"[ijk]{1,3}")
_FUNCTION_RUN = re.compile(r"(log|tanh|exp|softmax|sech|sigmoid|ReLU)([A-Za-z])")
_IDENTIFIER = re.compile(r"([A-Za-z]+)(\d*)")

Report = Callable[[str, int, int], None]


BETWEEN_LINES = (",", "quad", "nl", "row", ";")


def _stands_between(tokens: Tokens, at: int) -> bool:
    """Whether a token has a gap and something to multiply on either side."""
    before, after = tokens.kinds[at - 1 : at], tokens.kinds[at + 1 : at + 2]
    return (
        bool(before and after)
        and before[0] in (")", "]", "word", "ident", "name", "}", "'")
        and after[0] in ("(", "[", "word", "ident", "name", "func", "greek", "num")
        and tokens.gaps[at]
        and tokens.gaps[at + 1]
    )


@dataclass(slots=True)
class Vocabulary:
    """What the words of a document tell about its names."""

    singles: set[str] = field(default_factory=set)
    scripted: dict[str, int] = field(default_factory=dict)
    scripts: dict[str, set[str]] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    bracket_layers: bool = False
    jacobians: bool = False
    d_names_derivatives: bool = False  # `D_O = \partial C/\partial O`: then `D_O W^T` is a product
    bare_layers: bool = False
    d_is_name: bool = False
    o_multiplies: bool = False  # `(V^T e) o step(u)`, and nowhere else an o
    o_is_name: bool = False
    _cache: dict[tuple[str, bool], list[tuple[str, str, int, int]]] = field(default_factory=dict)

    def collect(self, streams: Iterable[Tokens]) -> None:
        """Learn from the tokens of all formulas."""
        for tokens in streams:
            self._collect(tokens)
        self._cache.clear()

    def _collect(self, tokens: Tokens) -> None:
        kinds, texts = tokens.kinds, tokens.texts
        size = len(kinds)
        for at, kind in enumerate(kinds):
            if kind not in ("word", "ident", "name", "text"):
                continue
            text = texts[at]
            following = kinds[at + 1] if at + 1 < size else ""
            if len(text) == 1:
                self.singles.add(text)
                if text == "o" and _stands_between(tokens, at):
                    self.o_multiplies = True
                elif text == "o" and "rel" in kinds:
                    self.o_is_name = True
                if text == "d" and following in ("rel", "aug", "mul", "+", "-"):
                    self.d_is_name = True
            elif following == "rel" and (at == 0 or kinds[at - 1] in BETWEEN_LINES):
                self.left.add(text)
            if following in ("_", "^"):
                self.scripted[text] = self.scripted.get(text, 0) + 1
                self._collect_script(text[-1:], following, tokens, at + 2)
                self.jacobians = self.jacobians or (text == "D" and following == "_")
                if text == "D" and (at == 0 or kinds[at - 1] in BETWEEN_LINES) and self._is_left(tokens, at + 2):
                    self.d_names_derivatives = True

    @staticmethod
    def _is_left(tokens: Tokens, at: int) -> bool:
        """Whether a script ends just before a relation."""
        kinds = tokens.kinds
        if at < len(kinds) and kinds[at] == "{":
            while at < len(kinds) and kinds[at] != "}":
                at += 1
        return at + 1 < len(kinds) and kinds[at + 1] == "rel"

    def _collect_script(self, letter: str, mark: str, tokens: Tokens, at: int) -> None:
        kinds, texts = tokens.kinds, tokens.texts
        if at < len(kinds) and kinds[at] == "{":
            at += 1
        if at >= len(kinds):
            return
        if mark == "^" and kinds[at] == "num" and texts[at] == "1":
            self.bare_layers = True  # nobody writes a first power
        if mark == "^" and kinds[at] == "[":
            self.bracket_layers = True
            while at < len(kinds) and kinds[at] not in ("]", "rel", "row"):
                at += 1
            at += 1
            if at < len(kinds) and kinds[at] == "}":
                at += 1
            if at >= len(kinds) or kinds[at] != "_":
                return
            at += 1
            mark = "_"
            if at < len(kinds) and kinds[at] == "{":
                at += 1
        if mark == "_" and at < len(kinds) and kinds[at] in ("word", "ident") and _INDEX.fullmatch(texts[at]):
            self.scripts.setdefault(letter, set()).add(texts[at])

    def pieces(self, word: str, plain: bool) -> list[tuple[str, str, int, int]]:
        """What a run of letters consists of: (kind, text, offset, length) each."""
        key = (word, plain)
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = self._cut(word, plain)
        return found

    def _cut(self, word: str, plain: bool) -> list[tuple[str, str, int, int]]:
        size = len(word)
        whole = [("name", word, 0, size)]
        lower = word.lower()
        if size == 1:
            return whole
        if lower in FUNCTIONS:
            return [("func", lower, 0, size)]
        greek = (
            word
            if word in GREEK
            else lower
            if lower in GREEK and word.isupper()
            else "lambda"
            if lower == "lamda"
            else ""
        )
        if greek and (plain or size > 2):
            return [("greek", greek, 0, size)]
        for suffix, accent in _SUFFIXES.items():
            if word.endswith(suffix) and len(word) - len(suffix) == 1:
                return [("name", f"{word[0]}^{accent}", 0, size)]
        if lower in NAME_WORDS or self.is_unit(word, plain):
            return whole
        lost = self._lost_scripts(word)
        if lost:
            return lost
        if word[0] == "d" and (size == 2 or self._is_after_d(word[1:], plain)):
            return whole
        run = _FUNCTION_RUN.fullmatch(word)
        if run:
            length = len(run.group(1))
            return [("func", run.group(1).lower(), 0, length), ("name", run.group(2), length, 1)]
        if plain and not self._is_product(word):
            return whole
        if not word.isascii():
            return whole
        return [("name", letter, i, 1) for i, letter in enumerate(word)]

    def is_unit(self, word: str, plain: bool) -> bool:
        """Whether a word of several letters is used as one name with scripts, or stands alone on a left side."""
        if word in self.left and plain:
            return True
        count = self.scripted.get(word, 0)
        if plain:
            return count > 0
        return count > 1 and len(word) > 2 and word.islower() and bool(re.search("[aeiouy]", word))

    def _is_after_d(self, rest: str, plain: bool) -> bool:
        if rest in GREEK or rest.lower() in NAME_WORDS or self.is_unit(rest, plain):
            return True
        return plain and (rest[1:] in _SUFFIXES or (rest[:1] in "d" and len(rest) == 2))

    def _is_product(self, word: str) -> bool:
        """Whether a plain word is a product of one-letter names, as in `wx + b`."""
        if word in self.left or word in self.scripted or len(word) > 4 or not word.isascii():
            return False
        return len(word) == 2 or all(letter in self.singles for letter in word)

    def _lost_scripts(self, word: str) -> list[tuple[str, str, int, int]]:
        """`yij` as y with the subscripts that it has elsewhere; `daij` likewise."""
        prefix = 1 if word[0] == "d" and len(word) > 2 and word[1] in self.scripts else 0
        letter, index = word[prefix], word[prefix + 1 :]
        known = self.scripts.get(letter, ())
        if not index or not _LOST_INDEX.fullmatch(index) or not any(index in script for script in known):
            return []
        found = [("name", word[: prefix + 1], 0, prefix + 1), ("lost_", "", prefix + 1, 0)]
        return [
            *found,
            *(("name", item, prefix + 1 + i, 1) for i, item in enumerate(index)),
            ("lost}", "", len(word), 0),
        ]


def cut_words(tokens: Tokens, vocabulary: Vocabulary, report: Report) -> Tokens:
    """The tokens with every run of letters cut into names; what was repaired is reported."""
    return _Cutter(tokens, vocabulary, report).cut()


class _Cutter:
    def __init__(self, tokens: Tokens, vocabulary: Vocabulary, report: Report) -> None:
        self.tokens, self.vocabulary, self.report = tokens, vocabulary, report
        self.out: list[Token] = []
        self.braces: list[str] = []
        self.closed = ""

    def cut(self) -> Tokens:
        tokens, out = self.tokens, self.out
        kinds, texts, rows = tokens.kinds, tokens.texts, tokens.rows()
        at, size = 0, len(kinds)
        before = ""
        while at < size:
            kind = kinds[at]
            if kind == "word":
                if len(texts[at]) == 1:  # nothing to cut
                    _, text, start, end, gap = rows[at]
                    out.append(("name", text, start, end, gap and before != "_" and before != "^"))
                    at += 1
                else:
                    at = self.word(at, False)
            elif kind == "ident":
                at = self.word(at, True)
            elif kind == "name" or kind == "text":
                self.named(at)
                at += 1
            elif kind == "strange":
                place = rows[at]
                self.report(f"the command {place[1]} is not known; what it holds is read", place[2], place[3])
                at += 1
            else:
                if kind == "{":
                    self.braces.append(before)
                elif kind == "}":
                    self.closed = self.braces.pop() if self.braces else ""
                if kind == "greek" and before == "ident" and self._is_parameter(at):
                    out.append(("_", "", rows[at][2], rows[at][2], False))
                out.append(rows[at])
                at += 1
            before = kinds[at - 1]
        return Tokens(out)

    def _is_parameter(self, at: int) -> bool:
        """Whether a Greek letter is the lost subscript of `hθ(x)`."""
        tokens = self.tokens
        return (
            tokens.texts[at] in ("theta", "Theta")
            and tokens.texts[at - 1] in ("h", "f", "g", "p")
            and tokens.kinds[at + 1 : at + 2] == ["("]
            and not tokens.gaps[at]
            and not tokens.gaps[at + 1]
        )

    def word(self, at: int, plain: bool) -> int:
        """Add the pieces of a run of letters; returns the place after what was used."""
        tokens, vocabulary = self.tokens, self.vocabulary
        kinds, texts = tokens.kinds, tokens.texts
        text, start, end, gap = texts[at], tokens.starts[at], tokens.ends[at], tokens.gaps[at]
        before = kinds[at - 1] if at else ""
        after = kinds[at + 1] if at + 1 < len(kinds) else ""
        if (
            not plain
            and text in _TEX_CONNECTORS
            and (gap or before in (",", "quad", "row", ""))
            and before not in ("_", "^", "{")
        ):
            self.out.append(("text", text, start, end, gap))
            return at + 1
        if plain and text in ("x", "X") and before == "num" and after == "num" and gap and tokens.gaps[at + 1]:
            self.out.append(("mul", "times", start, end, True))
            return at + 1
        if (
            plain
            and text == "o"
            and vocabulary.o_multiplies
            and not vocabulary.o_is_name
            and _stands_between(tokens, at)
        ):
            self.out.append(("mul", "circ", start, end, True))
            return at + 1
        if plain and text in ("if", "else"):
            self.out.append((text, text, start, end, gap))
            return at + 1
        if before in ("_", "^"):
            return self.bare_script(at, plain)
        if before == "{" and self.braces and self.braces[-1] in ("_", "^"):
            self.script_word(text, start, end, gap)
            return at + 1
        if self.braces and self.braces[-1] in ("_", "^"):
            self.script_word(text, start, end, gap)
            return at + 1
        if (
            before == "}"
            and not gap
            and self.closed == "^"
            and _LOST_INDEX.fullmatch(text)
            and len(text) + (text not in ("i", "j", "k")) > 1
        ):
            return self.lost_index(at)
        if plain and after == "_" and at + 2 < len(kinds) and kinds[at + 2] == "ident":
            used = self.joined(at)
            if used:
                return used
        if plain and text[0] == "d" and (used := self.run_together(at)):
            return used
        if not plain and self.is_dotted(at):
            plain = True
        pieces = (
            vocabulary.pieces(text, plain)
            if not (plain and self.is_dotted(at)) or text.lower() in FUNCTIONS
            else [("name", text, 0, len(text))]
        )
        if plain and after == "(" and not tokens.gaps[at + 1] and len(text) > 2 and len(pieces) > 1:
            pieces = [("name", text, 0, len(text))]
        if (
            plain
            and len(pieces) > 1
            and at + 1 < len(kinds)
            and kinds[at + 1] == "num"
            and not tokens.gaps[at + 1]
            and len(text) > 2
        ):
            pieces = [("name", text, 0, len(text))]
        self.add_pieces(pieces, text, start, end, gap)
        return at + 1

    def is_dotted(self, at: int) -> bool:
        """Whether a word is part of a dotted name of code: `np.sum`, `X.T`."""
        kinds, gaps = self.tokens.kinds, self.tokens.gaps
        if (
            at + 2 < len(kinds)
            and kinds[at + 1] == "."
            and not gaps[at + 1]
            and not gaps[at + 2]
            and kinds[at + 2] in ("word", "ident")
        ):
            return True
        return (
            at > 1
            and kinds[at - 1] == "."
            and not gaps[at]
            and not gaps[at - 1]
            and kinds[at - 2] in ("word", "ident", ")", "num", "]", "name")
        )

    def add_pieces(self, pieces: list[tuple[str, str, int, int]], text: str, start: int, end: int, gap: bool) -> None:
        out = self.out
        exact = end - start == len(text)
        for kind, piece, offset, length in pieces:
            low, high = (start + offset, start + offset + length) if exact else (start, end)
            if kind == "lost_":
                self.report(f"'{text}' read as a name with the subscripts '{text[offset:]}'", start, end)
                out.append(("_", "", low, low, False))
                out.append(("{", "", low, low, False))
            elif kind == "lost}":
                out.append(("}", "", high, high, False))
            else:
                out.append((kind, piece, low, high, gap))
            gap = False

    def script_word(self, text: str, start: int, end: int, gap: bool) -> None:
        """A word inside a braced script: one word (`new`), or an index a letter."""
        lower = text.lower()
        if (
            lower in SCRIPT_WORDS
            or (lower in FUNCTIONS and len(text) > 2)
            or self.vocabulary.is_unit(text, False)
            or (text in GREEK and len(text) > 2)  # W_{pi} has two indices
            or (len(text) > 3 and not _INDEX_RUN.fullmatch(text) and not text.endswith("T"))
            or (len(text) == 3 and text.islower() and re.search("[aeou]", text) is not None)  # pre, enc, dec
        ):
            self.out.append(("name", text, start, end, gap))
        else:
            self.add_pieces([("name", letter, i, 1) for i, letter in enumerate(text)], text, start, end, gap)

    def bare_script(self, at: int, plain: bool) -> int:
        """A script without braces: in TeX one letter, in plain text the whole word with the digits after it."""
        tokens = self.tokens
        text, start, end = tokens.texts[at], tokens.starts[at], tokens.ends[at]
        after = at + 1
        if not plain:
            if text.lower() in SCRIPT_WORDS and len(text) > 2:
                self.out.append(("name", text, start, end, False))
                return after
            self.out.append(("name", text[0], start, start + 1 if end - start == len(text) else end, False))
            rest = text[1:]
            if rest:
                low = start + 1 if end - start == len(text) else start
                if tokens.kinds[at - 1] == "_" and len(rest) < 3 and _LOST_INDEX.fullmatch(text):
                    self.regroup(text, start, end)
                else:
                    self.add_pieces(self.vocabulary.pieces(rest, False), rest, low, end, False)
            return after
        if tokens.kinds[at - 1] == "^" and text[0] == "T":
            self.out.append(("name", "T", start, start + 1, False))
            if text[1:]:
                self.add_pieces(self.vocabulary.pieces(text[1:], True), text[1:], start + 1, end, False)
            return after
        self.out.append(("{", "", start, start, False))
        self.script_word(text, start, end, False)
        while (
            after < len(tokens)
            and tokens.kinds[after] == "num"
            and not tokens.gaps[after]
            and tokens.texts[after].isdigit()
        ):
            self.out.append(("num", tokens.texts[after], tokens.starts[after], tokens.ends[after], False))
            after += 1
        self.out.append(("}", "", tokens.ends[after - 1], tokens.ends[after - 1], False))
        return after

    def regroup(self, text: str, start: int, end: int) -> None:
        """`x_ij` without braces: both letters below, the letter already added is put into a group."""
        out = self.out
        out.pop()
        out.append(("{", "", start, start, False))
        self.add_pieces([("name", letter, i, 1) for i, letter in enumerate(text)], text, start, end, False)
        out.append(("}", "", end, end, False))
        self.report(f"'_{text}' read with all its letters below", start, end)

    def lost_index(self, at: int) -> int:
        """`a^{[2]}ij`: the subscript mark was lost."""
        text, start, end = self.tokens.texts[at], self.tokens.starts[at], self.tokens.ends[at]
        self.report(f"'{text}' after a superscript read as subscripts", start, end)
        self.out.append(("_", "", start, start, False))
        self.out.append(("{", "", start, start, False))
        self.add_pieces([("name", letter, i, 1) for i, letter in enumerate(text)], text, start, end, False)
        self.out.append(("}", "", end, end, False))
        return at + 1

    def joined(self, at: int) -> int:
        """`y_hat` is an accent, `dL_dw` a derivative; 0 if it is neither."""
        tokens = self.tokens
        text, below = tokens.texts[at], tokens.texts[at + 2]
        if below in _SUFFIXES:
            pieces = self.vocabulary.pieces(text, True)
            if len(pieces) == 1 and pieces[0][0] in ("name", "greek"):
                self.out.append(
                    (
                        "name",
                        f"{pieces[0][1]}^{_SUFFIXES[below]}",
                        tokens.starts[at],
                        tokens.ends[at + 2],
                        tokens.gaps[at],
                    )
                )
                return at + 3
        if below in ("prime", "deriv", "derivative", "grad") and text.lower() in FUNCTIONS | {
            "g": "g",
            "f": "f",
            "sigma": "sigma",
        }:
            self.add_pieces(
                self.vocabulary.pieces(text, True), text, tokens.starts[at], tokens.ends[at], tokens.gaps[at]
            )
            self.out.append(("'", "1", tokens.starts[at + 1], tokens.ends[at + 2], False))
            return at + 3
        if text[0] == "d" and below[0] == "d" and len(text) > 1 and len(below) > 1:
            self.out.append(("name", text, tokens.starts[at], tokens.ends[at], tokens.gaps[at]))
            self.out.append(("/", "/", tokens.starts[at + 1], tokens.ends[at + 1], False))
            self.out.append(("name", below, tokens.starts[at + 2], tokens.ends[at + 2], False))
            return at + 3
        return 0

    def run_together(self, at: int) -> int:
        """`dLdW2`, `dA2dZ1`: a derivative without its stroke; 0 if it is none."""
        tokens = self.tokens
        text, start, end, gap = tokens.texts[at], tokens.starts[at], tokens.ends[at], tokens.gaps[at]
        match = _RUN_TOGETHER.fullmatch(text)
        if match is not None:
            cut = start + match.end(1)
            self.out.append(("name", match.group(1), start, cut, gap))
            self.out.append(("/", "/", cut, cut, False))
            self.out.append(("name", match.group(2), cut, end, False))
            return at + 1
        glued = at + 2 < len(tokens) and not tokens.gaps[at + 1] and not tokens.gaps[at + 2]
        if (
            glued
            and tokens.kinds[at + 1] == "num"
            and _CHANGE.fullmatch(text)
            and _CHANGE.fullmatch(tokens.texts[at + 2])
        ):
            self.out.append(("name", text, start, end, gap))
            self.out.append(("num", tokens.texts[at + 1], tokens.starts[at + 1], tokens.ends[at + 1], False))
            cut = tokens.starts[at + 2]
            self.out.append(("/", "/", cut, cut, False))
            self.out.append(("name", tokens.texts[at + 2], cut, tokens.ends[at + 2], False))
            return at + 3
        return 0

    def named(self, at: int) -> None:
        r"""Words of `\text` and upright letters: a function, one name, or words."""
        tokens, out = self.tokens, self.out
        kind, text, gap = tokens.kinds[at], tokens.texts[at], tokens.gaps[at]
        start, end = tokens.starts[at], tokens.ends[at]
        word = text.strip()
        match = _IDENTIFIER.fullmatch(word)
        if kind == "text" and (match is None or self.is_prose(at, word)):
            out.append(("text", word, start, end, gap))
            return
        letters, digits = match.groups() if match else (word, "")
        lower = letters.lower()
        exact = end - start == len(word)
        if lower in FUNCTIONS and len(letters) > 1 and not digits:
            out.append(("func", lower, start, end, gap))
            return
        out.append(("greek" if letters in GREEK else "name", letters, start, end - len(digits) if exact else end, gap))
        if digits:
            out.append(("num", digits, end - len(digits) if exact else start, end, False))

    def is_prose(self, at: int, word: str) -> bool:
        tokens = self.tokens
        after = tokens.kinds[at + 1] if at + 1 < len(tokens) else ""
        before = tokens.kinds[at - 1] if at else ""
        if (
            before in ("_", "^")
            or after in ("_", "^")
            or (before == "{" and self.braces and self.braces[-1] in ("_", "^"))
        ):
            return False
        if word.lower() in CONNECTORS:
            return True
        if word.lower() in FUNCTIONS or len(word) == 1 or after in ("rel", "(", "'", "/"):
            return False
        if word.lower() in NAME_WORDS:
            return False
        return (
            tokens.texts[at].endswith(" ")
            or (at == 0 and after not in ("", "mul", "+", "-"))
            or (before in ("quad", "row"))
        )
