"""One way of writing: how a document spells its names, products, slopes and derivatives."""

from __future__ import annotations

from dataclasses import dataclass, field

from .expressions import (
    Act,
    Add,
    Coefficient,
    Diag,
    Div,
    Expr,
    Grad,
    Had,
    Key,
    Mul,
    Name,
    Neg,
    One,
    Scale,
    Slope,
    Stranger,
    T,
    Total,
    minus,
)

SUM, HADAMARD, PRODUCT, ATOM = range(4)
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
UNICODE = {
    "\\hat{y}": "ŷ", "\\hat y": "ŷ", "\\alpha": "α", "\\beta": "β", "\\sigma": "σ", "\\phi": "φ", "\\eta": "η", "\\lambda": "λ",
    "\\delta": "δ", "\\ell": "ℓ", "\\mathcal{L}": "ℒ", "\\Theta": "Θ", "\\theta": "θ", "\\varphi": "φ", "\\epsilon": "ε",
    "\\tilde{y}": "ỹ", "\\bar{y}": "ȳ", "\\text{net}": "net", "\\text{out}": "out", "\\mathrm{net}": "net", "\\mathrm{out}": "out",
}  # fmt: skip
ASCII = {
    "\\hat{y}": "y_hat", "\\alpha": "alpha", "\\beta": "beta", "\\sigma": "sigma", "\\phi": "phi", "\\eta": "lr", "\\lambda": "lam",
    "\\delta": "delta", "\\ell": "loss", "\\mathcal{L}": "loss", "\\Theta": "Theta", "\\epsilon": "eps", "\\bar{y}": "y_bar",
    "\\tilde{y}": "y_tilde", "\\text{net}": "net", "\\text{out}": "out", "\\mathrm{net}": "net", "\\mathrm{out}": "out",
}  # fmt: skip


@dataclass
class Notation:
    """The choices of one writer; `names` maps a quantity to its letter and layer mark."""

    dialect: str = "tex"  # tex, unicode, python
    names: dict[Key, tuple[str, str]] = field(default_factory=dict)
    mark: str = "bracket"
    transpose: str = "T"
    transpose_place: str = "inside"
    hadamard: str = "\\odot"
    matmul: str = " "
    derivative: str = "partial"
    link: str = "\\cdot"  # between the factors of a chain
    delta: bool = False
    delta_shift: int = 0
    loss: str = "L"
    samples: str = "m"
    slopes: dict[str, str] = field(default_factory=dict)  # by activation
    functions: dict[str, str] = field(default_factory=dict)
    function_marks: bool = False  # g^{[1]}
    slope_marked: bool = False
    total: str = "sum"
    grouping: str = "strict"  # or loose
    product_parentheses: bool = False
    columns: bool = True
    brackets: str = "("
    rate: str = "\\eta"
    strength: str = "\\lambda"
    bold: bool = False
    log: str = "\\log"
    spellings: dict[Key, str] = field(default_factory=dict)  # aliases in force: \hat y for A_L

    # ---- names ----------------------------------------------------------------------------------------------------

    @property
    def tex(self) -> bool:
        """Whether mathematics is TeX."""
        return self.dialect == "tex"

    def letter(self, text: str) -> str:
        """A Greek or decorated letter in the dialect."""
        if self.tex:
            return text
        table = UNICODE if self.dialect == "unicode" else ASCII
        return table.get(text, text.replace("\\", ""))

    def marked(self, base: str, label: str, power: str = "") -> str:
        """A letter with its layer mark, and something in the place of a power."""
        base = self.letter(base)
        if self.bold and self.tex and len(base) == 1 and base.isalpha():
            base = f"\\mathbf{{{base}}}"
        if not label:
            return base + self.raised(power)
        if not self.tex:
            return self._plain_mark(base, label) + self.raised(power)
        if self.mark in ("sub", "sub_braced"):
            body = f"_{{{label}}}" if self.mark == "sub_braced" or len(label) > 1 else f"_{label}"
            return f"{base}{body}{self.raised(power)}"
        inner = {"bracket": f"[{label}]", "paren": f"({label})", "sup": label, "angle": f"\\langle {label} \\rangle"}[
            self.mark
        ]
        if not power:
            return f"{base}^{label}" if self.mark == "sup" and len(label) == 1 else f"{base}^{{{inner}}}"
        if power.isdigit() or self.transpose_place == "paren" or self.mark == "sup":
            alone = f"{base}^{label}" if self.mark == "sup" and len(label) == 1 else f"{base}^{{{inner}}}"
            return f"({alone}){self.raised(power)}"
        if self.transpose_place == "brace":
            return f"{{{base}^{{{inner}}}}}{self.raised(power)}"
        power = "\\prime" if power == "'" else f" {power}" if self.mark == "angle" and power.isalpha() else power
        return f"{base}^{{{inner}{power}}}"  # a space, for \\rangleT is no command

    def _plain_mark(self, base: str, label: str) -> str:
        match self.mark:
            case "sub" | "sub_braced":
                return base + label.translate(SUBSCRIPTS) if label.isdigit() else f"{base}_{label}"
            case "sup":
                return base + label.translate(SUPERSCRIPTS) if label.isdigit() else f"{base}^({label})"
            case "bracket":
                return f"{base}^[{label}]"
            case "square":
                return f"{base}[{label}]"
            case "paren":
                return f"{base}^({label})"
            case "underscore":
                return f"{base}_{label}"
        return base + label

    def raised(self, power: str) -> str:
        """What stands in the place of a power."""
        if not power:
            return ""
        if power == "'":
            return "'"
        if self.tex:
            return (
                f"^{power}" if len(power) == 1 or (power.startswith("\\") and power[1:].isalpha()) else f"^{{{power}}}"
            )
        if power.isdigit():
            return "**" + power if self.dialect == "python" else power.translate(SUPERSCRIPTS)
        return power if power in ("ᵀ", ".T") else f"^{power}"

    def name(self, key: Key, power: str = "") -> str:
        """A quantity of the network."""
        if key == ("L", 0):
            return self.letter(self.loss)
        if key in self.spellings:
            return self.letter(self.spellings[key]) + self.raised(power)
        base, label = self.names[key]
        return self.marked(base, label, power)

    def grad(self, key: Key, power: str = "") -> str:
        """The derivative of the loss by a quantity."""
        if self.delta and key[0] == "Z":
            base, label = self.names[key]
            if label.isdigit():
                label = str(int(label) + self.delta_shift)
            if not label and ("Z", 2) in self.names:  # units told apart by their letters alone
                sign = self.letter("\\delta") + (f"_{{{base}}}" if self.tex else f"_{self.letter(base)}")
                return sign + self.raised(power)
            return self.marked("\\delta", label, power)
        if self.derivative == "dname" or self.dialect == "python":
            text = "d" + self.name(key, power if self.tex else "")
            if text.startswith("d("):  # d(Z^2)^T would be a product or the differential of a power
                return f"(d{self.name(key)}){self.raised(power)}"
            return text if self.tex else text + self.raised(power)
        if self.derivative == "bar":
            base, label = self.names[key]
            hat = "\\bar" if len(base) == 1 else "\\overline"
            if self.bold and len(base) == 1 and base.isalpha():
                base = f"\\mathbf{{{base}}}"  # as the quantity below the bar is written
            return (
                self.marked(f"{hat}{{{base}}}", label, power)
                if key not in self.spellings
                else f"\\overline{{{self.name(key)}}}{self.raised(power)}"
            )
        text = self.fraction(("L", 0), key)
        if not power:
            return text
        wrap = f"\\left({text}\\right)" if "\\frac" in text else f"({text})"
        return wrap + self.raised(power)

    def fraction(self, top: Key, bottom: Key) -> str:
        """d top / d bottom."""
        return self.fraction_of(self.name(top), self.name(bottom), top == ("L", 0))

    def fraction_of(self, top: str, bottom: str, loss: bool = False) -> str:
        """The derivative of one text by another."""
        if not self.tex:
            d = "d" if self.derivative == "d" or self.dialect == "python" else "∂"
            if loss and self.derivative == "nabla" and self.dialect == "unicode":
                return f"∇_{bottom} {top}"
            return f"{d}{top}/{d}{bottom}"
        glue = " " if bottom[:1] != "\\" else ""
        match self.derivative:
            case "nabla" if loss:
                return f"\\nabla_{{{bottom}}} {top}"
            case "subscript" if loss:
                return f"\\partial_{{{bottom}}} {top}"
            case "operator" if loss:
                return f"\\frac{{\\partial}}{{\\partial{glue}{bottom}}} {top}"
            case "inline":
                return f"\\partial {top} / \\partial {bottom}"
            case "d":
                return f"\\frac{{d{top}}}{{d{bottom}}}"
            case "upright":
                return f"\\frac{{\\mathrm{{d}} {top}}}{{\\mathrm{{d}} {bottom}}}"
        return f"\\frac{{\\partial {top}}}{{\\partial {bottom}}}"

    # ---- expressions ------------------------------------------------------------------------------------------------

    def write(self, expr: Expr, least: int = SUM) -> str:
        """The text of an expression, in parentheses if it binds weaker than `least`."""
        text, binds = self._write(expr)
        return text if binds >= least else self.parentheses(text)

    def parentheses(self, text: str) -> str:
        """Text in the parentheses of this writer."""
        if self.tex and self.brackets == "left":
            return f"\\left( {text} \\right)"
        return f"[{text}]" if self.brackets == "[" and self.tex else f"({text})"

    def _write(self, expr: Expr) -> tuple[str, int]:
        match expr:
            case Name(key):
                return self.name(key), ATOM
            case Grad(key):
                text = self.grad(key)
                return text, (PRODUCT if "/" in text and not self.tex else ATOM)
            case Stranger(text):
                return self.letter(text), ATOM
            case One():
                return "1", ATOM
            case T(body):
                return self._transposed(body), ATOM
            case Mul(left, right):
                return self._matmul(left, right)
            case Had(left, right):
                return self._hadamard(left, right)
            case Div(top, bottom):
                if self.tex:
                    return f"\\frac{{{self.write(top)}}}{{{self.write(bottom)}}}", ATOM
                return f"{self.write(top, ATOM)} / {self.write(bottom, ATOM)}", HADAMARD
            case Neg(body):
                return self.sign() + self.write(body, HADAMARD), SUM
            case Add(left, Neg(body)):
                return f"{self.write(left)} {self.sign()} {self.write(body, HADAMARD)}", SUM
            case Add(left, right):
                return f"{self.write(left)} + {self.write(right)}", SUM
            case Scale(by, body):
                return self._scale(by, body)
            case Slope():
                return self._slope(expr)
            case Act(layer, at):
                return self.applied(self.activation_of(layer), self.name(("Z", at)), layer), ATOM
            case Total(body, everything):
                return self._total(body, everything)
            case Diag(body):
                head = "\\operatorname{diag}" if self.tex else "diag"
                return f"{head}({self.write(body)})", ATOM
        raise TypeError(expr)

    def sign(self) -> str:
        """Minus."""
        return "−" if self.dialect == "unicode" and self.bold else "-"

    def _transposed(self, body: Expr) -> str:
        power = {
            "T": "T",
            "top": "\\top",
            "prime": "'",
            "dot": ".T",
            "sf": "\\mathsf{T}",
            "mathrm": "\\mathrm{T}",
            "small": "ᵀ",
        }[self.transpose]
        if self.dialect == "python":
            power = ".T"
        if self.transpose == "dot":
            text = self.write(body, ATOM)
            return text + ".T"
        if isinstance(body, Name):
            return self.name(body.key, power)
        if isinstance(body, Grad):
            return self.grad(body.key, power)
        return self.parentheses(self.write(body)) + self.raised(power)

    def _matmul(self, left: Expr, right: Expr) -> tuple[str, int]:
        if self.matmul == "np.dot":
            return f"np.dot({self.write(left)}, {self.write(right)})", ATOM
        least = HADAMARD if self.grouping == "loose" else PRODUCT
        a, b = self.write(left, least), self.write(right, least)
        join = {" ": " ", "dot": " \\cdot " if self.tex else " · ", "@": " @ ", "times": " \\times ", "*": " * "}[
            self.matmul
        ]
        if join == " " and not self.tex and not (b.startswith("(") or a.endswith(")")):
            join = " " if self.dialect == "unicode" else " @ "
        return f"{a}{join}{b}", PRODUCT

    def _hadamard(self, left: Expr, right: Expr) -> tuple[str, int]:
        tight = ATOM if self.product_parentheses else HADAMARD
        if self.dialect == "python" and isinstance(right, Mul | Had | Scale):
            return f"{self.write(left, HADAMARD)} * {self.write(right, ATOM)}", HADAMARD
        mark = self.hadamard
        a = self.write(left, tight if isinstance(left, Mul) else HADAMARD)
        b = self.write(
            right,
            PRODUCT
            if isinstance(right, Mul) and not self.product_parentheses
            else (tight if isinstance(right, Mul) else HADAMARD),
        )
        if mark == "unmarked":
            return f"{a} {b}", PRODUCT
        return f"{a} {self.letter_of_mark(mark)} {b}", HADAMARD

    def letter_of_mark(self, mark: str) -> str:
        """The sign of the elementwise product in the dialect."""
        if self.tex:
            return mark
        return {"\\odot": "⊙", "\\circ": "∘", "*": "*", "\\cdot": "·", "\\times": "×", ".*": ".*"}.get(mark, mark)

    def _scale(self, by: Coefficient, body: Expr) -> tuple[str, int]:
        text = self.coefficient(by)
        if not text:
            return self._write(body)
        inner = self.write(body, HADAMARD)
        binds = HADAMARD if self._write(body)[1] == HADAMARD else PRODUCT
        if self.tex or (self.dialect == "unicode" and text.isdigit()):
            gap = "" if inner.startswith("(") or (text.isdigit() and inner[:1].isalpha()) else " "
            return f"{text}{gap}{inner}", binds
        return (
            f"{text} {'*' if self.dialect == 'python' else '·'} {inner}",
            HADAMARD if self.dialect == "python" else binds,
        )

    def coefficient(self, by: Coefficient) -> str:
        """A coefficient as a factor."""
        letter = {"": "", "lambda": self.letter(self.strength), "eta": self.letter(self.rate)}[by.letter]
        top = letter if by.number.numerator == 1 and letter else (str(by.number.numerator) + letter)
        bottom = "" if by.number.denominator == 1 else str(by.number.denominator)
        bottom += self.samples if by.per_sample else ""
        if not bottom:
            return "" if top == "1" else top
        if self.tex:
            return f"\\frac{{{top}}}{{{bottom}}}"
        if self.dialect == "python":
            bottom = bottom if len(bottom) == 1 else f"({bottom[0]} * {bottom[1:]})"
            return f"({top} / {bottom})" if self.brackets == "left" else f"{top}/{bottom}"
        if (top, bottom) == ("1", "2"):
            return "½" if self.brackets == "[" else "(1/2)"
        return f"({top}/{bottom})" if len(bottom) == 1 else f"({top}/({bottom}))"

    def activation_of(self, layer: int) -> str:
        """The activation of a layer, set by the document."""
        return self.activations[layer - 1]

    activations: tuple[str, ...] = ()

    def function(self, kind: str, layer: int, prime: str = "") -> str:
        """The name of an activation, with a prime."""
        base = self.letter(self.functions[kind])
        if self.dialect == "python":
            return base + ("_prime" if prime else "")
        if prime == "dot":
            return f"\\dot{{{base}}}"
        if self.function_marks and kind == "g":
            label = self.names[("W", layer)][1]
            if label and self.tex and self.mark not in ("sub", "sub_braced"):
                return self.marked(base, label) + prime
            if label and self.tex:
                return f"{base}{prime}_{{{label}}}" if not prime else f"{base}_{{{label}}}{prime}"
        return base + prime

    def applied(self, kind: str, argument: str, layer: int, prime: str = "") -> str:
        """A function of something."""
        if kind == "identity":
            return argument
        if kind == "relu" and not prime and self.slopes.get("relu_as_max"):
            if self.tex:
                return f"\\max(0, {argument})"
            return f"np.maximum(0, {argument})" if self.dialect == "python" else f"max(0, {argument})"
        return f"{self.function(kind, layer, prime)}({argument})"

    def _slope(self, slope: Slope) -> tuple[str, int]:
        kind = self.activation_of(slope.layer)
        z, a = ("Z", slope.at), ("A", slope.at)
        style = "prime" if slope.of_activation else self.slopes.get(kind, "prime")
        # a slip in the argument can only be seen where the slope is written by that argument
        argument = self.name(a if slope.of_activation else z)
        if self.activation_of(slope.at) != kind and style in ("a", "s"):
            style = "prime"
        match kind, style:
            case "sigmoid", "a":
                return self._inner_product(Name(a), minus(One(), Name(a)))
            case "sigmoid", "s":
                s = Act(slope.layer, slope.at)
                return self._inner_product(s, minus(One(), s))
            case "sigmoid", "exp" if self.tex:
                return f"\\frac{{e^{{-{argument}}}}}{{(1+e^{{-{argument}}})^2}}", ATOM
            case "tanh", "a":
                return f"1 {self.sign()} {self.name(a, '2')}", SUM
            case "tanh", "s":
                if self.dialect == "python":
                    return f"1 - np.tanh({argument})**2", SUM
                return f"1 {self.sign()} {self.letter_tanh()}{self.raised('2')}({argument})", SUM
            case "tanh", "sech" if self.dialect != "python":
                return ("\\operatorname{sech}^2" if self.tex else "sech²") + f"({argument})", ATOM
            case "relu", "indicator":
                if self.tex:
                    return f"\\mathbb{{1}}[{argument} > 0]", ATOM
                return f"({argument} > 0)", ATOM
            case "relu", "compare":
                return f"({argument} > 0)", ATOM
            case "softplus", "s":
                return (
                    f"\\sigma({argument})"
                    if self.tex
                    else f"{'σ' if self.dialect == 'unicode' else 'sigmoid'}({argument})"
                ), ATOM
            case _, "dot" if (
                self.tex and len(self.functions[kind].lstrip("\\")) <= 5 and "text" not in self.functions[kind]
            ):
                return f"{self.function(kind, slope.layer, 'dot')}({argument})", ATOM
        return self.applied(kind, argument, slope.layer, "'"), ATOM

    def letter_tanh(self) -> str:
        """tanh as a word or a command."""
        return "\\tanh" if self.tex else "tanh"

    def _inner_product(self, left: Expr, right: Expr) -> tuple[str, int]:
        if self.dialect == "python":
            return f"{self.write(left)} * {self.write(right, PRODUCT)}", HADAMARD
        if self.slope_marked and self.hadamard != "unmarked":
            return f"{self.write(left)} {self.letter_of_mark(self.hadamard)} {self.write(right, PRODUCT)}", HADAMARD
        return f"{self.write(left)}({self.write(right)})", PRODUCT

    def _total(self, body: Expr, everything: bool) -> tuple[str, int]:
        if self.dialect == "python":
            return f"np.sum({self.write(body)}{'' if everything else self._axis()})", ATOM
        if not self.tex:
            return (
                (f"sum({self.write(body)})", ATOM)
                if self.total == "np"
                else (f"Σ_i {self.write(body, HADAMARD)}", HADAMARD)
            )
        if self.total == "np" or everything:
            axis = "" if everything else self._axis().replace("True", "True")
            return f"\\text{{np.sum}}({self.write(body)}{axis})", ATOM
        if self.total == "ones":
            if self.columns:
                return f"{self.write(body, PRODUCT)} \\mathbf{{1}}", PRODUCT
            return f"\\mathbf{{1}}{self.raised('T')} {self.write(body, PRODUCT)}", PRODUCT
        limits = "_i" if self.total == "sum_bare" else f"_{{i=1}}^{{{self.samples}}}"
        if self.total == "samples" and isinstance(body, Grad) and (self.derivative == "dname" or self.delta):
            return f"\\sum{limits} {self.grad(body.key, '(i)')}", HADAMARD
        return f"\\sum{limits} {self.write(body, HADAMARD)}", HADAMARD

    def _axis(self) -> str:
        return f", axis={1 if self.columns else 0}, keepdims=True"
