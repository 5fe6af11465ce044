"""Nothing that is read makes the marker hang, crash, swell or touch anything; more in hostile.py, run as a script."""

from __future__ import annotations

import subprocess
import sys

import pytest

from homework.hostile import MOST_MEMORY, ROOT, bombs, mutations, run_guarded

MUTATIONS = 200
SECONDS = 5.0  # of the processor, so that a busy machine does not count

# What the marker cannot do yet, by the start of the message or the name of the bomb. Take an entry out when it passes.
KNOWN = {
    "decimal exponent": "1.0000001^{10^15} warns in literals.py",
    "short product": "300 factors without a sign between them: cubic",
    "macro arguments": "a macro that doubles its argument, nested",
    "quotes": "50 000 quotation marks: quadratic",
    "IndexError: tuple index out of range in shapes.py": r"$\\frac}{\\partial wh{",
    "TypeError: 'int' object is not iterable in derivatives.py": r"\\nabla_a'",
    "IndexError: tuple index out of range in elaboration.py": "g'(g'( and J_z(={",
    "ValueError: invalid literal for int() with base 10": "y_{i.1",
}


@pytest.fixture(scope="module", params=["bombs", "mutations"])
def found(request: pytest.FixtureRequest) -> dict:
    """What happened to all documents of a kind, in a guarded process."""
    return run_guarded(request.param, SECONDS, MUTATIONS)


def test_every_document_ends_in_time_with_a_report_or_the_documented_error(found: dict):
    assert found["count"] >= 100
    failures = [
        (name, why) for name, why in found["failures"] if name not in KNOWN and not why.startswith(tuple(KNOWN))
    ]
    assert not failures
    if found["failures"]:
        pytest.xfail(str(found["failures"]))


def test_memory_stays_small(found: dict):
    assert 0 < found["memory"] < MOST_MEMORY


def test_no_file_process_or_socket_is_touched_and_nothing_is_compiled(found: dict):
    assert not found["events"]


def test_the_guard_sees_what_it_should():
    """Planted: a marker that opened a file would be noticed (in a process of its own, since a hook cannot be removed)."""
    code = "from tests.homework.hostile import guarded\nseen = guarded()\ntry: open('/etc/hostname')\nexcept PermissionError: print(seen)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "open" in done.stdout


def test_documents_are_what_they_seem():
    names = [name for name, _ in mutations(60)]
    assert len(set(names)) == 60 and any(name.startswith("noise") for name in names)
    assert len(bombs()) > 100
