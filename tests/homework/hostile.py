"""Text that is meant to do harm, and homework damaged at random: `python -m tests.homework.hostile [-n 10000] [--seconds 15]`.

Every document is checked in a process of its own kind: memory limited, and an audit hook that refuses files, processes,
sockets and compiled code once the marker has been imported and warmed up.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SEEDS = Path(os.environ.get("SYMDERIV_HOMEWORK", Path(__file__).parents[3] / "shared")) / "seeds"
MOST_MEMORY = 500 * 2**20
ADDRESS_SPACE = 2**30
SECONDS = 15.0  # of the processor: a document may be judged for ten, and is read before
CHUNK = 250  # mutations that one process checks

MODEL = "$$z_1 = w_1 x + b_1$$\n$$a_1 = \\sigma(z_1)$$\n$$L = (a_1 - y)^2$$\n"
CLAIM = "$$\\frac{\\partial L}{\\partial w_1} = %s$$\n"


def _nested_fractions(depth: int) -> str:
    return r"\frac{1}{1+" * depth + "x" + "}" * depth


def bombs() -> dict[str, str]:
    """Documents that hang, blow up or run something in other readers, by name."""
    many = 10**5
    claims = {
        "power tower": r"\frac{1}{9^{9^{9^9}}}+1", "factorials": "9!!!!!!!!!", "power of ten": r"10^{10^{10}}", "huge exponent": "x^{99999999999999}",
        "negative tower": r"2^{-9^{9^{9}}}", "scientific": "1e999999999", "decimal exponent": r"(1.0000001)^{1e15}", "exponential": r"e^{e^{e^{e^{99}}}}",
        "digits": "9" * many, "digits behind the point": "0." + "1" * many, "braces": "{" * many + "x" + "}" * many, "open braces": "{" * many,
        "closed braces": "}" * many, "parentheses": "(" * 20_000 + "x" + ")" * 20_000, "open parentheses": "(" * 20_000,
        "left right": r"\left(" * 20_000 + "x" + r"\right)" * 20_000, "fractions 50": _nested_fractions(50), "fractions 5000": _nested_fractions(5_000),
        "superscripts": "x" + "^{x" * 5_000 + "}" * 5_000, "subscripts": "x" + "_{x" * 5_000 + "}" * 5_000, "primes": "f" + "'" * 50_000 + "(x)",
        "minus signs": "-" * 50_000 + "x", "sum": "x" + "+x" * 50_000, "short sums": "+".join(["(a_1-y)"] * 300), "short product": "(a_1-y)" * 300,
        "products of unknown order": " ".join(["w_1", "x", "b_1", "a_1", "y"] * 12), "transposes": "w_1" + "^T" * 2_000, "functions": r"\sigma(" * 60 + "x" + ")" * 60,
        "sums in sums": r"\sum_{i=1}^{99999999} " * 40 + "x_i", "large sum": r"\sum_{i=1}^{999999999999} x_i", "bad sum": r"\sum_{i=99}^{-99^{99}} x_i",
        "indices": "x_{" + "ijklmnopqrstuvwxyz" * 8 + "}", "layers": "W^{[" + "9" * 300 + "]}", "index": "x_{" + "9" * 500 + "}", "matrix": r"\begin{bmatrix}" + "1 & 2 \\\\ " * 3_000 + r"\end{bmatrix}",
        "wide matrix": r"\begin{bmatrix}" + "1 & " * 3_000 + r"1\end{bmatrix}", "matrices": r"\begin{bmatrix}" * 500 + "1" + r"\end{bmatrix}" * 500,
        "shapes": r"I_{999999999} x", "ones": r"\mathbf{1}_{999999999} x", "diag": r"\operatorname{diag}(\operatorname{diag}(\operatorname{diag}(x)))",
        "division by zero": r"\frac{x}{0}", "zero to zero": "0^0 x", "log of zero": r"\log(0) x", "root": r"\sqrt{-1} x", "roots": r"\sqrt{" * 60 + "x" + "}" * 60,
    }  # fmt: skip
    documents = {name: MODEL + CLAIM % text for name, text in claims.items()}
    return documents | matrix_claims() | whole_documents() | repeated() | injections()


MATRICES = "$$Z_1 = W_1 X + b_1$$\n$$A_1 = \\tanh(Z_1)$$\n$$Z_2 = W_2 A_1 + b_2$$\n$$L = \\sum_i (Z_2 - Y)^2$$\n"


def matrix_claims() -> dict[str, str]:
    """Sides whose readings multiply, where the order and the transposes matter."""
    claims = {
        "matrix factors": " ".join(["W_2^T", "(Z_2-Y)", "X^T", "A_1", "Y", "b_1"] * 10), "one matrix": " ".join(["W_2"] * 60), "outer products": "b_1 b_1^T " * 32,
        "matrix factors in macros": r"\two{" * 8 + "W_2" + "}" * 8, "chain rule": r"\frac{\partial L}{\partial Z_2}\frac{\partial Z_2}{\partial A_1}\frac{\partial A_1}{\partial Z_1}" * 10,
        "local derivatives": r"\frac{\partial Z_2}{\partial W_1}" * 20, "sum of products": "+".join(["W_2^T (Z_2-Y) X^T"] * 200), "nested sums": "(A_1 + " * 60 + "Y" + r") \odot X" * 60,
        "blocks": r"\begin{bmatrix}" + "W_2 & " * 600 + r"W_2\end{bmatrix}", "letters": " ".join(f"A_{{{a}{b}}}" for a in "ijkl" for b in "mnpq"), "diagonals": r"\operatorname{diag}(b_1) " * 30,
        "deltas": "".join(rf"\delta_{{{a}{b}}}" for a in "ijklmn" for b in "pqrstu"), "powers": "x^{64}" * 100, "no entries": r"\begin{bmatrix}\end{bmatrix} X", "nothing": r"\tanh'() X",
    }  # fmt: skip
    return {name: r"\newcommand{\two}[1]{#1 #1}" + MATRICES + CLAIM % text for name, text in claims.items()}


def repeated() -> dict[str, str]:
    """One piece thousands of times: what searches from every place for an end that never comes is slow on these."""
    pieces = (
        "=a", "a=b ", "a = b = ", "a.b", "0x", "f(x) = ", "f'(x) ", ">>> a = 1\n", "| a = 1 | b |\n", "\\item ", "(a) ", "[1,2]", "\\hat", "np.dot(", "W: (3, 2)\n", "shape (3,2)", "dL/dw = ",
        "$a", "\\(", "\\[", "<!--", "\\text{", "**", "a^", "if ", "3×2 ", "  [1 2]\n", "z_1 = w_1 x\n", "> ", "~~~\n", "\\begin{verbatim}", "Σ_i ", "let a ", "1e", "\\sum_{i}",
    )  # fmt: skip
    ways = (("", ""), ("$", "$"))
    return {f"{k} times {piece!r}": k + piece * (12_000 // len(piece)) + end for piece in pieces for k, end in ways}


def whole_documents() -> dict[str, str]:
    """Bombs that are no single formula."""
    megabyte = 10**6
    return {
        "macro doubles": "".join(rf"\newcommand{{\{chr(97 + k)}{chr(97 + k)}}}{{\{chr(98 + k) * 2} \{chr(98 + k) * 2}}}" for k in range(24)) + r"$$x = \aa$$",
        "macro of itself": r"\newcommand{\foo}{\foo \foo}$$x = \foo$$", "def": r"\def\x{\x\x}$$y = \x$$", "macro arguments": r"\newcommand{\two}[1]{#1 #1}$$x = " + r"\two{" * 24 + "y" + "}" * 24 + "$$",
        "macros that call each other": r"\newcommand{\foo}{\bar}\newcommand{\bar}{\foo}$$x = \foo$$", "many macros": "".join(rf"\newcommand{{\a{'b' * k}}}{{1}}" for k in range(2_000)),
        "megabyte of braces": "{" * megabyte, "megabyte of dollars": "$" * megabyte, "megabyte of backslashes": "\\" * megabyte, "megabyte of x": "x" * megabyte,
        "megabyte of lines": "\n" * megabyte, "megabyte of equals": "$a = " + "=" * (megabyte - 10) + "$", "megabyte in a formula": "$$" + "x+" * (megabyte // 2 - 3) + "x$$",
        "too long": "x = 1\n" * megabyte, "short lines": "x = 1\n" * 5_000, "short formulas": "$x$ " * 20_000, "many claims": MODEL + CLAIM % "2 (a_1 - y) a_1 (1 - a_1) x" * 300,
        "many definitions": "".join(f"$$z_{{{k}}} = w_{{{k}}} a_{{{k - 1}}} + b_{{{k}}}$$\n$$a_{{{k}}} = \\tanh(z_{{{k}}})$$\n" for k in range(1, 200)),
        "circle": "$$a = b$$\n$$b = c$$\n$$c = a$$\n$$\\frac{\\partial a}{\\partial c} = 1$$", "sum over layers": "$$z^{[l]} = W^{[l]} a^{[l-1]}$$\n$$L = \\sum_{l=1}^{9999999} \\|W^{[l]}\\|^2$$\n$$L = a^{[999999]}$$", "far entries": "$W_{1,1} = 0.5$, $W_{99999,99999} = 0.5$\n$$L = \\sum_i W_{ij} x_j$$\n$$\\frac{dL}{dx_1} = 0.7$$",
        "large numbers": "$x = 9e250$, $w = 1e300$\n$$L = w^3 x^2$$\n$$\\frac{dL}{dx} = 3e240$$\n$L = 1e-400$", "many sizes": "".join(f"$$Z_{{{k}}} = W_{{{k}}} X_{{{k}}}$$\n" for k in range(40)) + "$$\\frac{\\partial Z_{39}}{\\partial X_{39}} = W_{39}^T$$\n$$L = \\sum (Z_{39} - Y)^2$$\n" + "$$\\frac{\\partial L}{\\partial W_{39}} = 2 (Z_{39} - Y) X_{39}^T$$",
        "definitions again": "".join(f"$$z = w x + b_{{{k}}}$$\n$$L = z^2$$\n$$\\frac{{\\partial L}}{{\\partial w}} = 2 z x$$\n" for k in range(300)), "self": "$$z = z + z$$\n$$\\frac{\\partial z}{\\partial z} = 2$$",
        "loss of itself": "$$L = L^2 + 1$$\n$$\\frac{\\partial L}{\\partial x} = 1$$", "chain of equals": "$$L " + "= x " * 1_500 + "$$", "aligned": "$$\\begin{aligned}" + "a &= b \\\\" * 2_000 + "\\end{aligned}$$",
        "environments": "\\begin{aligned}" * 3_000, "tables": "|a|b|\n|-|-|\n" * 2_000, "table without headings": "\n|-|-|\n| $x_1$ | 2 |\n" + MODEL, "seed of two": MODEL + "$$\\frac{\\partial L}{\\partial L} = \\begin{bmatrix} 1 & 2 \\end{bmatrix}$$\n", "quotes": ">" * 50_000 + " $x = 1$", "list": "- " * 50_000 + "$x = 1$", "backticks": "`" * 100_000,
        "fences": "```\n" * 20_000, "nul": "\0" * 10_000, "surrogates": "\ud800$x = 1$\udfff", "bidi": "\u202e$x = 1$\u202c" * 1_000, "combining": "x" + "\u0301" * 50_000 + " = 1", "spaces": "$x" + " " * 500_000 + "= 1$",
        "emoji": "😀 = 1\n" * 3_000, "line separators": "\u2028\u2029\x0b\x0c\x1c\x85" * 5_000 + "$x = 1$", "carriage returns": "$x = 1$\r" * 3_000, "empty": "", "byte order": "\ufeff$x = 1$",
    }  # fmt: skip


def injections() -> dict[str, str]:
    """Documents that would do something if any of their text were executed."""
    texts = (
        "__import__('os').system('touch /tmp/symderiv_was_here')", "().__class__.__bases__[0].__subclasses__()", "exec('raise SystemExit')", "open('/etc/passwd').read()",
        "lambda: (_ for _ in ()).throw(SystemExit)", "eval(compile('1', '', 'eval'))", "breakpoint()", "[x for x in range(10**10)]", "np.zeros((10**9, 10**9))", "10**10**10",
    )  # fmt: skip
    found = {f"python {k}": f"dW = {text}\n\n" + CLAIM % (r"\text{" + text + "}") for k, text in enumerate(texts)}
    found |= {f"source {k}": f"```python\nZ = np.dot(W, X)\ndW = {text}\n```\n" for k, text in enumerate(texts)}
    tex = (
        r"\text{<script>alert(1)</script>}", r"\input{/etc/passwd}", r"\write18{touch /tmp/symderiv_was_here}", r"\href{javascript:alert(1)}{x}", r"\include{/dev/zero}",
        r"\immediate\openout\file=x", r"\csname x\endcsname", r"\catcode`\$=11 x", r"\loop\iftrue x\repeat",
    )  # fmt: skip
    return found | {f"tex {k}": MODEL + CLAIM % text for k, text in enumerate(tex)}


# --- damage ---

SPLICES = (
    "{", "}", "$", "$$", "\\", "\\frac", "^", "_", "^{", "_{", "(", ")", "[", "]", "=", "&", "\\\\", "'", "^T", "\\sum_{i}", "\\begin{aligned}", "\\end{aligned}", "\n", "\n\n",
    "0", "9" * 30, "1e99", "\\left(", "\\right)", "\\partial", "d", "\0", "\u202e", "\\text{", "|", "`", "```python\n", "-", "/", "0/0", "\\odot", ",", "\\mathbf{1}", "^{-1}", "\\hat",
)  # fmt: skip


def damaged(text: str, other: str, rng: random.Random) -> str:
    """A text with some of it lost, doubled, exchanged or put in."""
    for _ in range(rng.choice((1, 1, 2, 3, 5, 20))):
        a = rng.randrange(len(text) + 1)
        b = min(len(text), a + rng.choice((1, 1, 2, 5, 20, 200)))
        c = rng.randrange(len(other) + 1)
        match rng.randrange(7):
            case 0:
                text = text[:a] + text[b:]
            case 1:
                text = text[:b] + text[a:b] * rng.choice((1, 1, 3)) + text[b:]
            case 2:
                text = text[:a] + rng.choice(SPLICES) + text[a:]
            case 3:
                text = text[:a] + rng.choice(SPLICES) + text[b:]
            case 4:
                text = text[:a] + other[c : c + rng.choice((5, 40, 300))] + text[b:]
            case 5:
                text = (
                    text[:a]
                    + chr(rng.choice((rng.randrange(32, 127), rng.randrange(0x370, 0x2300), rng.randrange(0x10FFFF))))
                    + text[b:]
                )
            case 6:
                text = text[:a] + text[a:b][::-1] + text[b:]
    return text[:20_000]


def seeds() -> list[str]:
    """Documents to damage: the given ones, or those of the tests."""
    given = sorted(SEEDS.glob("*.txt")) or sorted((HERE / "documents").glob("*.md"))
    return [path.read_text() for path in given] + [
        path.read_text() for path in sorted((HERE / "documents").glob("*.md"))
    ]


def mutations(count: int, first: int = 0) -> Iterator[tuple[str, str]]:
    """Damaged documents by number; every twentieth is nothing but noise. The files are read before the first is asked for."""
    return _mutations(seeds(), range(first, count))


def _mutations(texts: list[str], numbers: range) -> Iterator[tuple[str, str]]:
    for k in numbers:
        rng = random.Random(k)
        if k % 20 == 19:
            yield (
                f"noise {k}",
                rng.randbytes(rng.randrange(3_000)).decode("latin-1" if k % 40 == 19 else "utf-8", "replace"),
            )
        else:
            yield f"mutation {k}", damaged(rng.choice(texts), rng.choice(texts), rng)


# --- the guarded process ---


NET = re.compile(r"could not be (?:judged|understood) \(|nested too deeply")  # a fault of ours that the marker survived


class Late(BaseException):
    """It took too long; no `except Exception` catches it."""


FORBIDDEN = (
    "open",
    "exec",
    "compile",
    "subprocess",
    "socket",
    "os.",
    "shutil",
    "ctypes",
    "urllib",
    "pty",
    "webbrowser",
    "tempfile",
    "code.__new__",
    "marshal",
    "pickle",
)


def guarded() -> list[str]:
    """Refuse what a marker has no business with; the events that were refused."""
    seen: list[str] = []

    def hook(event: str, arguments: tuple) -> None:
        if not event.startswith(FORBIDDEN) or _importing() or (event == "compile" and _parsing()):
            return
        seen.append(f"{event} {str(arguments)[:80]}")
        raise PermissionError(f"{event} while marking")

    sys.addaudithook(hook)
    return seen


def _importing() -> bool:
    frame = sys._getframe(2)
    while frame is not None:
        if "importlib" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def _parsing() -> bool:
    """Whether a source is only made a tree of: `ast.parse` makes no code that could run."""
    caller = sys._getframe(2).f_code
    return caller.co_name == "parse" and caller.co_filename == ast.__file__


def _late(*_: object) -> None:
    raise Late


def check_all(documents: Iterator[tuple[str, str]], seconds: float) -> dict:
    """Check documents one after the other: what failed and how, the slowest, the most memory."""
    from symderiv.errors import ModelError
    from symderiv.homework.checking import check_homework

    check_homework(MODEL + CLAIM % "2 (a_1 - y) a_1 (1 - a_1) x").to_json_text()
    warnings.simplefilter("error")  # a warning prints, and reads the source to do so
    seen = guarded()
    signal.signal(signal.SIGPROF, _late)
    failures: list[list[str]] = []
    late = 0
    times: list[tuple[float, str]] = []
    for name, text in documents:
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            marking = check_homework(text)
            marking.to_json_text()
            failures += [[name, fault] for fault in {c.message for c in marking.claims if NET.search(c.message)}]
            late += any(c.message == "took too long" for c in marking.claims)
        except ModelError:
            pass
        except Late:
            failures.append([name, f"more than {seconds:g} s"])
        except Exception as error:
            failures.append([name, f"{type(error).__name__}: {str(error)[:80]} in {_place(error)}"])
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        times.append((time.process_time() - start, name))
    times.sort(reverse=True)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "failures": failures,
        "events": seen,
        "slowest": times[:8],
        "memory": memory,
        "late": late,
        "count": len(times),
        "seconds": sum(t for t, _ in times),
    }


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def run_guarded(what: str, seconds: float, count: int = 0, first: int = 0) -> dict:
    """`check_all` in a process with little memory. what: 'bombs' or 'mutations', of these from the first one up to a count."""
    command = [
        sys.executable,
        "-m",
        "tests.homework.hostile",
        "--guarded",
        what,
        "-n",
        str(count),
        "--first",
        str(first),
        "--seconds",
        str(seconds),
    ]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))

    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, env=environment, check=False)
    if done.returncode != 0:
        return {
            "failures": [["the process", f"ended with {done.returncode}: {done.stderr[-500:]}"]],
            "events": [],
            "slowest": [],
            "memory": 0,
            "late": 0,
            "count": 0,
            "seconds": 0.0,
        }
    return json.loads(done.stdout.splitlines()[-1])


def run_in_chunks(count: int, first: int, seconds: float) -> Iterator[tuple[str, dict]]:
    """The bombs, then the mutations a few hundred at a time, on all processors: what is found of each, as soon as it is."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {pool.submit(run_guarded, "bombs", seconds): "bombs"} if not first else {}
        for start in range(first, count, CHUNK):
            stop = min(start + CHUNK, count)
            jobs[pool.submit(run_guarded, "mutations", seconds, stop, start)] = f"mutations {start} to {stop - 1}"
        for job in as_completed(jobs):
            yield jobs[job], job.result()


def main() -> int:
    """Run both and report; 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the mutation to begin with; then the bombs are left out")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--guarded", choices=("bombs", "mutations"))
    options = parser.parse_args()
    if options.guarded:
        documents = bombs().items() if options.guarded == "bombs" else mutations(options.n, options.first)
        print(json.dumps(check_all(iter(documents), options.seconds)))
        return 0
    bad = done = 0
    memory = 0.0
    for what, found in run_in_chunks(options.n, options.first, options.seconds):
        bad += len(found["failures"]) + len(found["events"])
        done += found["count"]
        memory = max(memory, found["memory"] / 2**20)
        slowest, name = max(map(tuple, found["slowest"]), default=(0.0, ""))
        print(
            f"{what}: {found['count']} in {found['seconds']:.1f} s, {found['memory'] / 2**20:.0f} MB, failures "
            f"{len(found['failures'])}, refused {len(found['events'])}, with a line that took too long {found['late']}; "
            f"slowest {name} {slowest:.1f} s",
            flush=True,
        )
        for failed, why in found["failures"][:30]:
            print(f"  {failed}: {why}")
        for event in found["events"][:10]:
            print(f"  refused: {event}")
    print(f"\n{done} documents, failed or refused {bad}, peak memory {memory:.0f} MB")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
