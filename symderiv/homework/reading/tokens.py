r"""Tokens of TeX, Unicode and plain formulas in one stream, each with its place in the document.

The lexer settles how a thing is spelt (`\cdot`, `·`; `\le`, `<=`, `≤`) and drops what only changes the look (`\left`, `\,`,
`\displaystyle`, `\tag{1}`). It does not decide what a run of letters is: see `words`.

Kinds of tokens, beside the brackets and punctuation that are their own kind:
num, word (letters in TeX), ident (letters in plain text), name (letters that are one name for certain), greek, func (a
command that is a function), mul and rel (text: the canonical sign), + - and pm, '/', ^ _ ' (text: how many), pow (`**`),
cmd (a command that the parser must look at),
strange (an unknown one with an argument), accent, text (words), quad (wide space), nl, row (`\\`), & , begin, end, sum,
diff (`\partial`), nabla, dots, one (`\mathbb 1`), lbrace rbrace (`\{ \}`), bar and dbar, unknown.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from symderiv.homework.reading.characters import Characters
from symderiv.homework.reading.macros import closing_brace

MAX_TEXT = 1_000
NOTHING = "\0"  # fills the place of something that was taken out, without making a gap

GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell".split()
)
_GREEK_COMMANDS = {name: name for name in GREEK} | {
    "varepsilon": "epsilon", "varphi": "phi", "vartheta": "theta", "varsigma": "sigma", "varrho": "rho", "triangle": "Delta",
    "bigtriangleup": "Delta", "infty": "infinity", "varkappa": "kappa", "hbar": "h", "varDelta": "Delta",
}  # fmt: skip
FUNCTIONS = {
    name.lower(): name.lower()
    for name in (
        "log ln lg exp tanh sinh cosh sech coth sin cos tan arctan atan max min argmax argmin softmax logsoftmax sigmoid "
        "relu leakyrelu lrelu elu gelu silu swish selu softplus softsign logistic hardtanh heaviside indicator "
        "diag tr trace det rank vec sgn sign abs norm prod mean avg average var std sum cumsum where maximum minimum dot "
        "matmul outer multiply subtract divide add square sqrt transpose zeros ones eye onehot clip step erf logsumexp lse "
        "shape size dim zeros_like ones_like crossentropy ce bce mse concat reshape"
    ).split()
}
_FUNCTION_COMMANDS = frozenset(
    "log ln lg exp tanh sinh cosh sech coth sin cos tan arctan max min argmax argmin det tr Tr diag softmax sigmoid relu "
    "ReLU sgn sign rank trace arg sup inf lim".split()
)
_MULTIPLY = {
    "cdot": "cdot", "times": "times", "odot": "odot", "circ": "circ", "otimes": "otimes", "bullet": "odot", "ast": "*",
    "cdotp": "cdot", "star": "*", "bigodot": "odot", "boxdot": "odot", "bigotimes": "otimes",
}  # fmt: skip
_RELATIONS = {
    "le": "<=", "leq": "<=", "leqslant": "<=", "ge": ">=", "geq": ">=", "geqslant": ">=", "ne": "!=", "neq": "!=", "lt": "<",
    "gt": ">", "approx": "~", "simeq": "~", "cong": "~", "sim": "~", "thickapprox": "~", "doteq": "~", "equiv": "==",
    "triangleq": ":=", "coloneqq": ":=", "colonequals": ":=", "coloneq": ":=", "eqqcolon": "=:", "stackeq": "=",
    "leftarrow": "<-", "gets": "<-", "longleftarrow": "<-", "to": "->", "rightarrow": "->", "longrightarrow": "->",
    "mapsto": "->", "leadsto": "->", "Rightarrow": "=>", "implies": "=>", "Longrightarrow": "=>", "iff": "=>",
    "Leftrightarrow": "=>", "in": "in", "propto": "prop", "xrightarrow": "->", "ll": "<", "gg": ">", "notin": "!=",
    "longmapsto": "->", "nearrow": "->",
}  # fmt: skip
_ACCENTS = {
    "hat": "hat", "widehat": "hat", "bar": "bar", "overline": "bar", "tilde": "tilde", "widetilde": "tilde", "dot": "dot",
    "ddot": "ddot", "vec": "", "underline": "", "overrightarrow": "", "mathring": "ring", "breve": "breve", "check": "check",
}  # fmt: skip
_DROPPED = frozenset(
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm Bigm middle displaystyle textstyle "
    "scriptstyle scriptscriptstyle limits nolimits nonumber notag hline hfill hfil centering noindent cancel bcancel "
    "xcancel boxed fbox ensuremath mathbf mathit mathsf mathtt mathcal mathscr mathfrak boldsymbol bm pmb symbf symbfit "
    "bf rm it sf cal em mathord mathop mathbin mathrel mathopen mathclose mathstrut strut phantomsection "
    "allowbreak break newline smash mathstrut protect relax textbf textit emph underbar large small normalsize "
    "item par vcenter hphantom vphantom rlap llap mathllap mathrlap mathclap "
    "qedhere qed bold mathbold vb va vectorbold mat vect mathbfit".split()
)
_SPACES = frozenset([*", ; : ! > ~ / thinspace medspace thickspace enspace negthinspace space".split(), " ", "\n"])
_WITH_ARGUMENT = frozenset(
    "textcolor colorbox label tag hspace vspace color ref eqref cite hskip kern mspace definecolor phantom intertext*".split()
)
_ROMAN = frozenset("mathrm operatorname textrm textsf texttt textnormal mathop".split())
_TEXTS = frozenset("text mbox textnormal textup intertext shortintertext hbox textrm texttt textsf".split())
_NOT_TRANSPARENT = frozenset("int over choose atop oint iint lim".split())
_TWO_ARGUMENTS = frozenset("frac dfrac tfrac cfrac nicefrac sfrac".split())
_DERIVATIVE_COMMANDS = frozenset("pdv dv pd pderiv deriv diffp fpd odv".split())
_SECOND_ARGUMENT = frozenset("overset stackrel underset".split())
_BRACES_AROUND = frozenset("underbrace overbrace underbracket overbracket".split())
_PLAIN_COMMANDS = {
    "partial": ("diff", "partial"), "nabla": ("nabla", ""), "sum": ("sum", "sum"), "prod": ("sum", "prod"),
    "grad": ("nabla", ""), "dots": ("dots", ""), "ldots": ("dots", ""), "cdots": ("dots", ""), "vdots": ("dots", ""),
    "ddots": ("dots", ""), "dotsc": ("dots", ""), "dotsb": ("dots", ""), "quad": ("quad", ""), "qquad": ("quad", ""),
    "|": ("dbar", ""), "Vert": ("dbar", ""), "lVert": ("dbar", ""), "rVert": ("dbar", ""), "vert": ("bar", ""),
    "lvert": ("bar", ""), "rvert": ("bar", ""), "mid": ("bar", ""), "{": ("lbrace", ""), "}": ("rbrace", ""),
    "lbrace": ("lbrace", ""), "rbrace": ("rbrace", ""), "langle": ("(", "angle"), "rangle": (")", ""), "lbrack": ("[", ""),
    "rbrack": ("]", ""), "lparen": ("(", ""), "rparen": (")", ""), "prime": ("'", "1"), "top": ("name", "T"),
    "intercal": ("name", "T"), "pm": ("pm", ""), "mp": ("pm", ""), "colon": (":", ""), "&": ("&", ""), "%": ("percent", ""),
    "backslash": ("unknown", "\\"), "sqrt": ("cmd", "sqrt"), "surd": ("cmd", "surd"), "substack": ("cmd", "substack"),
    "binom": ("cmd", "binom"), "therefore": ("text", "therefore"), "because": ("text", "because"), "forall": ("text", "for all"),
    "land": ("text", "and"), "lor": ("text", "or"), "dagger": ("name", "dagger"), "norm": ("cmd", "norm"), "abs": ("cmd", "abs"),
    "int": ("unknown", "an integral"), "div": ("/", ""), "oslash": ("/", ""), "setminus": ("-", ""),
    "lfloor": ("(", ""), "rfloor": (")", ""),
    "R": ("name", "R"), "E": ("name", "E"), "ne": ("rel", "!="), "exists": ("text", "exists"), "cup": ("mul", "*"),
    "lim": ("unknown", "a limit"), "not": ("unknown", "a crossed sign"), "langle ": ("(", ""),
    "dag": ("name", "dagger"), "sim": ("rel", "~"), "_": ("_", ""), "#": ("unknown", "#"), "$": ("unknown", "$"), "-": ("-", ""),
}  # fmt: skip

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\f\v~]+|\0+)"
    r"|(?P<command>\\(?:[A-Za-z]+\*?|.|$))"
    r"|(?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+(?![A-Za-z.]))?)"
    r"|(?P<word>[^\W\d_]+)"
    r"|(?P<newline>\n)"
    r"|(?P<sign>\.\.\.+|:=|=:|===?|\+=|-=|\*=|/=|!=|<->|<=>|<==?|>=|<-(?=[\s\\A-Za-z(\[])|->|-->|=>|==>|\*\*|\.\*|\.\^|\./|\|\||---?|.)",
    re.S,
)
_SIGNS = {
    ":=": ("rel", ":="), "=:": ("rel", "=:"), "=": ("rel", "="), "==": ("rel", "="), "===": ("rel", "=="), "!=": ("rel", "!="),
    "<=>": ("rel", "=>"), "<=": ("rel", "<="), "<==": ("rel", "<="), ">=": ("rel", ">="), "<-": ("rel", "<-"), "->": ("rel", "->"),
    "-->": ("rel", "->"),
    "<->": ("rel", "->"), "=>": ("rel", "=>"), "==>": ("rel", "=>"), "<": ("rel", "<"), ">": ("rel", ">"), "**": ("pow", ""),
    ".*": ("mul", ".*"), ".^": ("pow", ""), "./": ("/", "/"),
    "*": ("mul", "*"), "@": ("mul", "@"), "||": ("dbar", ""), "|": ("bar", ""), "--": ("-", ""), "---": ("-", ""),
    "...": ("dots", ""), "%": ("percent", ""), "+=": ("aug", "+"), "-=": ("aug", "-"), "*=": ("aug", "*"), "/=": ("aug", "/"),
}  # fmt: skip
_SELF = frozenset('+-/^_&()[]{},;:.!?"')
_COMMON_SIGNS = {sign: pair for sign, pair in _SIGNS.items() if sign != "%"} | {sign: (sign, sign) for sign in _SELF}
_COMMON_COMMANDS = (
    _PLAIN_COMMANDS
    | {name: ("rel", sign) for name, sign in _RELATIONS.items()}
    | {name: ("mul", sign) for name, sign in _MULTIPLY.items()}
    | {name: ("greek", letter) for name, letter in _GREEK_COMMANDS.items()}
)


Token = tuple[str, str, int, int, bool]


class Tokens:
    """Tokens as parallel lists: kinds, texts, starts, ends (places in the document), gaps (white space stands before)."""

    __slots__ = ("ends", "gaps", "kinds", "starts", "texts")

    def __init__(self, rows: list[Token] | None = None) -> None:
        self.kinds: list[str] = []
        self.texts: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.gaps: list[bool] = []
        if rows:
            self.kinds, self.texts, self.starts, self.ends, self.gaps = map(list, zip(*rows, strict=True))

    def rows(self) -> list[Token]:
        """The tokens one by one."""
        return list(zip(self.kinds, self.texts, self.starts, self.ends, self.gaps, strict=True))

    def __len__(self) -> int:
        return len(self.kinds)

    def add(self, kind: str, text: str, start: int, end: int, gap: bool = False) -> None:
        """Append one token."""
        self.kinds.append(kind)
        self.texts.append(text)
        self.starts.append(start)
        self.ends.append(end)
        self.gaps.append(gap)

    def extend(self, other: Tokens) -> None:
        """Append all tokens of another stream."""
        self.kinds += other.kinds
        self.texts += other.texts
        self.starts += other.starts
        self.ends += other.ends
        self.gaps += other.gaps

    def part(self, low: int, high: int) -> Tokens:
        """A copy of a range."""
        new = Tokens()
        new.kinds, new.texts = self.kinds[low:high], self.texts[low:high]
        new.starts, new.ends, new.gaps = self.starts[low:high], self.ends[low:high], self.gaps[low:high]
        return new


def tokenize(source: Characters, plain: bool = False) -> Tokens:
    """The tokens of a formula. plain: letters are words as in code or prose, line ends and wide gaps count."""
    return _Lexer(source, plain).tokens()


def join_decimals(tokens: Tokens) -> Tokens:
    """`0,62` as one number, for a document that writes its decimals with commas."""
    kinds, texts = tokens.kinds, tokens.texts
    out = Tokens()
    at = 0
    while at < len(kinds):
        if (
            kinds[at : at + 3] == ["num", ",", "num"]
            and not (tokens.gaps[at + 1] or tokens.gaps[at + 2])
            and texts[at].isdigit()
            and texts[at + 2].isdigit()
            and "_" not in kinds[max(at - 2, 0) : at]
        ):
            out.add("num", f"{texts[at]}.{texts[at + 2]}", tokens.starts[at], tokens.ends[at + 2], tokens.gaps[at])
            at += 3
        else:
            out.add(kinds[at], texts[at], tokens.starts[at], tokens.ends[at], tokens.gaps[at])
            at += 1
    return out


class _Lexer:
    def __init__(self, source: Characters, plain: bool) -> None:
        self.text, self.base, self.map_starts, self.map_ends = source.text, source.base, source.starts, source.ends
        self.plain = plain
        self.out: list[Token] = []
        self.gap = False
        self.has_over = False

    def tokens(self) -> Tokens:
        text, match_at, at, size = self.text, _TOKEN.match, 0, len(self.text)
        kind_of_word = "ident" if self.plain else "word"
        base, append, direct = self.base, self.out.append, self.map_starts is None
        while at < size:
            match = match_at(text, at)
            if match is None:  # cannot be: the last branch takes any character
                break
            kind, end = match.lastgroup, match.end()
            if direct and kind != "space":  # most tokens of most formulas, without further ado
                if kind == "sign":
                    known = _COMMON_SIGNS.get(text[at:end])
                elif kind == "word":
                    known = (kind_of_word, text[at:end])
                elif kind == "command":
                    known = _COMMON_COMMANDS.get(text[at + 1 : end])
                elif kind == "number":
                    known = ("num", text[at:end])
                else:
                    known = None
                if known is not None:
                    append((known[0], known[1], base + at, base + end, self.gap))
                    self.gap = False
                    at = end
                    continue
            if kind == "space":
                if self.map_starts is not None and at and self.map_starts[at] == self.map_starts[at - 1]:
                    at += 1  # only there to end a command that stands for one character
                    if at == end:
                        continue
                if text[at] == NOTHING:
                    at = end
                    continue
                self.gap = True
                if self.plain and (end - at >= 3 or "\t" in match.group()) and self.out and self.out[-1][0] != "nl":
                    self.add("quad", "", at, end)
                    self.gap = True
            elif kind == "word":
                self.add(kind_of_word, match.group(), at, end)
            elif kind == "number":
                self.add("num", match.group(), at, end)
            elif kind == "command":
                end = self.command(match.group()[1:], at, end)
            elif kind == "newline":
                if self.plain:
                    self.add("nl", "", at, end)
                self.gap = True
            else:
                self.sign(match.group(), at, end)
            at = end
        if self.has_over:
            self.out = _with_fractions(self.out)
        if not self.plain:
            self.out = _without_braced_signs(self.out)
        return Tokens(self.out)

    def add(self, kind: str, text: str, start: int, end: int) -> None:
        if self.map_starts is None or self.map_ends is None:
            self.out.append((kind, text, self.base + start, self.base + end, self.gap))
        elif end > start:
            last = max(self.map_ends[start:end]) if kind == "text" else self.map_ends[end - 1]
            self.out.append((kind, text, self.map_starts[start], last, self.gap))
        else:
            place = (
                self.map_starts[start]
                if start < len(self.map_starts)
                else (self.map_ends[-1] if self.map_ends else self.base)
            )
            self.out.append((kind, text, place, place, self.gap))
        self.gap = False

    def sign(self, sign: str, at: int, end: int) -> None:
        if sign in _SELF:
            self.add(sign, sign, at, end)
        elif sign.startswith(".."):
            self.add("dots", "", at, end)
        elif sign in _SIGNS:
            kind, text = _SIGNS[sign]
            if sign == "%" and not (self.plain or (self.out and self.out[-1][0] == "num")):
                kind = "unknown"
            self.add(kind, text, at, end)
        elif sign == "'":
            if self.out and self.out[-1][0] == "'" and not self.gap:
                _, count, start, _, gap = self.out.pop()
                last = self.base + end if self.map_ends is None else self.map_ends[end - 1]
                self.out.append(("'", str(int(count) + 1), start, last, gap))
            else:
                self.add("'", "1", at, end)
        else:
            self.add("unknown", sign, at, end)

    def command(self, name: str, at: int, end: int) -> int:
        """Add what a command stands for; returns where to go on."""
        name = name if len(name) == 1 else name.rstrip("*")
        if (
            self.text[end : end + 1] == " "
            and (name in _TEXTS or name in _ROMAN)
            and (gap := _BEFORE_BRACE.match(self.text, end))
        ):
            end = gap.end()  # `\\text { out }`
        if name in _GREEK_COMMANDS:
            self.add("greek", _GREEK_COMMANDS[name], at, end)
        elif name in _MULTIPLY:
            self.add("mul", _MULTIPLY[name], at, end)
        elif name in _RELATIONS:
            self.add("rel", _RELATIONS[name], at, end)
        elif name in _PLAIN_COMMANDS:
            kind, text = _PLAIN_COMMANDS[name]
            self.add(kind, text, at, end)
        elif self.text[end : end + 1] == "{" and (
            (name in _TEXTS or name in _ROMAN or name in _FONTS) and (code := _CODE.match(self.text, end))
        ):
            return self.code(code)
        elif name in _TEXTS and self.text[end : end + 1] == "{":
            return self.text_command(at, end)
        elif (
            name in _ROMAN
            or name.startswith(("mathbb", "mathds", "mathbbm"))
            or (name in _FONTS and _WORD_IN_FONT.match(self.text, end))
        ):
            return self.roman(name, at, end)
        elif name in _DROPPED:
            return self.dropped(name, at, end)
        elif name in _SPACES:
            self.gap = True
        else:
            return self.structure(name, at, end)
        return end

    def structure(self, name: str, at: int, end: int) -> int:
        """Commands with arguments, functions, environments, unknown ones."""
        if name in ("begin", "end"):
            return self.environment(name, at, end)
        if name == "\\":
            self.add("row", "", at, end)
            spacing = re.compile(r"\s*\[[^\]\n]{0,12}\]").match(self.text, end)
            return spacing.end() if spacing and re.search(r"\d\s*(?:pt|em|ex|mm|cm)", spacing.group()) else end
        if name in _ACCENTS and not self._frames(end):
            self.add("accent", _ACCENTS[name], at, end)
        elif name in _TWO_ARGUMENTS:
            self.add("cmd", "frac", at, end)
        elif name in _DERIVATIVE_COMMANDS:
            self.add("cmd", "pdv" if name.startswith(("p", "diffp", "fpd")) else "dv", at, end)
        elif name in _SECOND_ARGUMENT and (marked := _MARKED_SIGN.match(self.text, end)):
            self.sub(marked.start(1), marked.end(1))  # `\\stackrel{?}{=}`
            return marked.end()
        elif name in _SECOND_ARGUMENT:
            self.add("cmd", "second", at, end)
        elif name in _BRACES_AROUND:
            self.add("cmd", "brace", at, end)
        elif name in _FUNCTION_COMMANDS:
            self.add("func", name.lower(), at, end)
        elif name in _WITH_ARGUMENT:
            return self.skip_argument(end)
        elif name in _ACCENTS:
            return end  # `\underline{a = b}`
        elif name == "bbox" and self.text[end : end + 1] == "[":
            return self.text.find("]", end) + 1 or end
        elif name == "dd":
            self.add("name", "d", at, end)
        elif len(name) > 1 and self.text[end : end + 1] == "{" and name not in _NOT_TRANSPARENT:
            self.add("strange", "\\" + name, at, end)  # its argument is read, and the command reported
        else:
            self.has_over = self.has_over or name == "over"
            self.add("unknown", "\\" + name, at, end)
        return end

    def dropped(self, name: str, at: int, end: int) -> int:
        """A command that changes only the look; `\\left.` takes its point along, `\\mathbf 1` is a vector of ones."""
        if name in ("left", "right", "middle") and self.text[end : end + 1] == ".":
            return end + 1
        if name == "mathrel" and (assigned := _ASSIGNED.match(self.text, end)):
            self.add("aug", assigned.group(1), at, assigned.end())
            return assigned.end()
        if name in ("mathbf", "boldsymbol", "bm", "bf"):
            ones = _ONE.match(self.text, end)
            if ones:
                self.add("one", "bold", at, ones.end())
                return ones.end()
        return end

    def roman(self, name: str, at: int, end: int) -> int:
        """Upright or blackboard letters: `\\mathrm{softmax}` is one name, `\\mathbb 1` an indicator or ones."""
        double = name.startswith(("mathbb", "mathds"))
        if double:
            ones = _ONE.match(self.text, end)
            if ones:
                self.add("one", "double", at, ones.end())
                return ones.end()
        inner = _LETTERS.match(self.text, end)
        if inner is None:
            close = closing_brace(self.text, end, 80) if self.text[end : end + 1] == "{" else -1
            if close > 0 and _JOINED.fullmatch(self.text, end + 1, close):
                return self.joined_name(end + 1, close)
            if name == "operatorname" or self.text[end : end + 1] == "{":
                return self.text_command(at, end) if name == "operatorname" else end
            return end
        start = inner.start(1) if inner.group(1) else inner.start(2)
        word = inner.group(1) or inner.group(2)
        if inner.group(2):
            word = word[0]
            self.add("name", word, start, start + 1)
            return start + 1
        self.add("name", word.replace(" ", "").replace("-", ""), start, inner.end(1))
        return inner.end()

    def code(self, match: re.Match[str]) -> int:
        r"""`\text{np.sum}(Z)`, `\mathrm{axis=1}`: code is read as if it stood there bare."""
        low, high = match.span(1)
        parts = list(re.finditer(r"((?:[A-Za-z_]|\\_)(?:\w|\\_)*)|\.", match.group(1)))
        if "=" in match.group(1) or "(" in match.group(1):
            self.sub(low, high)
            return match.end()
        for part in parts:
            start, end = low + part.start(), low + part.end()
            word = part.group().replace("\\_", "_")
            self.add("." if word == "." else "word", word, start, end)
        return match.end()

    def text_command(self, at: int, end: int) -> int:
        close = closing_brace(self.text, end, MAX_TEXT)
        if close < 0:
            return end
        inner = self.text[end + 1 : close]
        if "\\_" in inner and _JOINED.fullmatch(inner):
            return self.joined_name(end + 1, close)
        if "$" in inner or "\\(" in inner:  # mathematics inside words: read what is inside, words and all
            for piece in re.finditer(r"\$([^$]*)\$|([^$]+)", inner):
                start = end + 1 + piece.start()
                if piece.group(1) is not None:
                    self.sub(start + 1, start + 1 + len(piece.group(1)))
                elif piece.group(2).strip():
                    self.add("text", piece.group(2).strip(), start, start + len(piece.group(2)))
            return close + 1
        if inner.strip():
            lead = len(inner) - len(inner.lstrip())
            words = re.sub(r"\\[A-Za-z]+\s*", "", inner) if "\\" in inner else inner
            words = words.replace("{", "").replace("}", "") if "{" in words else words
            self.add("text", words.strip() + " " * (inner[-1:] == " "), end + 1 + lead, end + 1 + len(inner.rstrip()))
        else:
            self.gap = True
        return close + 1

    def joined_name(self, start: int, end: int) -> int:
        r"""`\text{y\_pred}`: a name with a word below it, or with an accent."""
        first, _, rest = self.text[start:end].partition("\\_")
        rest = rest.replace("\\_", "_")
        if rest in ("hat", "bar", "tilde"):
            self.add("name", f"{first}^{rest}", start, end)
            return end + 1
        low = start + len(first) + 2
        self.add("name", first, start, low - 2)
        for kind, text, left, right in (("_", "_", low - 2, low), ("{", "{", low, low), ("name", rest, low, end)):
            self.add(kind, text, left, right)
        self.add("}", "}", end, end)
        return end + 1

    def sub(self, start: int, end: int) -> None:
        """Read a part of the text as mathematics."""
        starts, ends = self.map_starts, self.map_ends
        inner = Characters(
            self.text[start:end],
            self.base + start,
            None if starts is None else starts[start:end],
            None if ends is None else ends[start:end],
        )
        if start < end:
            self.out += tokenize(inner).rows()

    def environment(self, name: str, at: int, end: int) -> int:
        match = _ENVIRONMENT.match(self.text, end)
        if match is None:
            return end
        kind = match.group(1).rstrip("*")
        end = match.end()
        if name == "begin" and kind in ("array", "tabular", "alignat", "alignedat"):
            columns = re.compile(r"\s*(?:\[[^\]]*\])?\s*\{").match(self.text, end)
            if columns:
                close = closing_brace(self.text, columns.end() - 1, 200)
                end = close + 1 if close > 0 else end
        elif name == "begin" and self.text[end : end + 1] == "[":
            close = self.text.find("]", end, end + 12)
            end = close + 1 if close > 0 and re.fullmatch(r"\[[tbclr]{1,6}\]", self.text[end : close + 1]) else end
        self.add(name, kind, at, end)
        return end

    def _frames(self, end: int) -> bool:
        """Whether what stands in the braces here is an equation, and no name with an accent."""
        close = closing_brace(self.text, end, MAX_TEXT) if self.text[end : end + 1] == "{" else -1
        return close > 0 and re.search(r"(?<!\\)=", re.sub(r"\{[^{}]*\}", "", self.text[end + 1 : close])) is not None

    def skip_argument(self, end: int) -> int:
        match = re.compile(r"\s*\{").match(self.text, end)
        if match is None:
            return end
        close = closing_brace(self.text, match.end() - 1, MAX_TEXT)
        self.gap = True
        return close + 1 if close > 0 else end


_WORD_OF_CODE = r"(?:[A-Za-z_]|\\_)(?:\w|\\_)*"
_KEYWORD = r"(?:axis|keepdims|dim|keepdim)\s*=\s*-?\w+"
_CODE = re.compile(
    rf"\{{\s*((?:np|numpy|jnp|torch|tf|nn|F|scipy|jax|math)\.{_WORD_OF_CODE}(?:\.{_WORD_OF_CODE}){{0,3}}"
    rf"|{_WORD_OF_CODE}(?:\.{_WORD_OF_CODE}){{1,3}}(?=\s*\}}\s*(?:\\left\s*)?\()|[A-Za-z]\w{{0,3}}\.T"
    rf"|(?:[A-Za-z]\w*\.[A-Za-z]\w*|sum|dot|mean|diag|log|exp|max|tanh|relu|ReLU|softmax|sigmoid)"
    rf"\([^(){{}}$]*(?:\([^(){{}}$]*\)[^(){{}}$]*){{0,4}}\)"
    rf"|{_KEYWORD}(?:\s*,\s*{_KEYWORD}){{0,2}})\s*\}}"
)
_JOINED = re.compile(r"[A-Za-z]+(?:\\_[A-Za-z0-9]+)+")
_BEFORE_BRACE = re.compile(r" {1,3}(?=\{)")
_FONTS = frozenset("mathsf mathtt mathit mathbf boldsymbol bm".split())
_WORD_IN_FONT = re.compile(r"\s*\{\s*[A-Za-z]?[a-z]{2,}\s*\}")
_MARKED_SIGN = re.compile(r"\s*\{(?:[^{}]|\{[^{}]*\})*\}\s*\{\s*(?=:?=|\\[a-z]+\s*\})([^{}]*)\}")
_ASSIGNED = re.compile(r"\s*\{\s*([-+])\s*\}\s*=")
_SPACED = frozenset(("mul", "rel", "+", "-"))
_ONE = re.compile(r"\s*(?:\{\s*1\s*\}|1(?!\d))")
_LETTERS = re.compile(r"\s*(?:\{\s*([A-Za-z][A-Za-z -]*?)\s*\}|([A-Za-z]))")
_ENVIRONMENT = re.compile(r"\s*\{\s*([A-Za-z]+\*?)\s*\}")


def _without_braced_signs(rows: list[Token]) -> list[Token]:
    r"""`a {=} b`, `\mathbin{.*}`: braces around one sign only space it."""
    out: list[Token] = []
    for row in rows:
        out.append(row)
        if (
            row[0] == "}"
            and len(out) > 3
            and out[-3][0] == "{"
            and out[-2][0] in _SPACED
            and out[-4][0] not in ("^", "_")
        ):
            out[-3:] = [out[-2]]
    return out


def _with_fractions(rows: list[Token]) -> list[Token]:
    r"""`{a \over b}` as `{\frac{a}{b}}`."""
    out: list[Token] = []
    opened: list[tuple[int, int]] = []  # where a brace and the sign in it stand in `out`
    for row in rows:
        if row[0] == "{":
            opened.append((len(out), -1))
        elif row[1] == "\\over" and opened and opened[-1][1] < 0:
            opened[-1] = (opened[-1][0], len(out))
        elif row[0] == "}" and opened:
            brace, over = opened.pop()
            if over >= 0:
                place = out[over][2]
                out[over : over + 1] = [("}", "}", place, place, False), ("{", "{", place, place, False)]
                start = out[brace][3]
                out[brace + 1 : brace + 1] = [("cmd", "frac", start, start, False), ("{", "{", start, start, False)]
                out.append(("}", "}", row[2], row[2], False))
        out.append(row)
    return out


class Lines:
    """Line numbers of places."""

    def __init__(self, text: str) -> None:
        self.starts = [0]
        at = text.find("\n")
        while at >= 0:
            self.starts.append(at + 1)
            at = text.find("\n", at + 1)

    def number(self, place: int) -> int:
        """The line, counted from 1."""
        return bisect_right(self.starts, place)
