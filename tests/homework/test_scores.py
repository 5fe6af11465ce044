"""How well homework is marked: documents with known verdicts, what each set scored at first contact, and what it scores now.

A set was written by somebody who had not seen the tool, scored once before anything was changed for it, then learned from; so
only the first number says what an unknown document can expect. `python -m tests.homework.test_scores` prints all, also over a
folder of given documents (SYMDERIV_HOMEWORK); the half of the given practice documents that was set aside is HELD_OUT.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from homework.generator import generate
from homework.score import compare, marker, tally

DOCUMENTS = Path(__file__).parent / "documents"
HELD_OUT = tuple("02 08 16 22 30 32 34 36 38 40 42 44 46 48 50 py_30".split())
"""Practice documents not opened before the version that scored 62.2 % on them (156 of 251, 20 accused, 5 waved through)."""


@dataclass(frozen=True)
class First:
    """A first contact: claims that agreed, of how many, right lines called wrong, wrong lines called right."""

    agree: int
    claims: int
    accused: int
    waved_through: int


FIRST_CONTACT = {
    ".": First(94, 186, 12, 4),
    "development": First(129, 246, 35, 1),
    "fresh_1": First(117, 194, 4, 1),
    "fresh_2": First(136, 187, 11, 1),
    "fresh_3": First(149, 193, 8, 3),
    "fresh_4": First(174, 199, 5, 3),
    "fresh_5": First(136, 181, 4, 0),
    "fresh_6": First(136, 179, 5, 2),
    "fresh_7": First(319, 411, 27, 1),
    "fresh_8": First(139, 172, 6, 0),
    "fresh_9": First(134, 164, 5, 1),
    "fresh_10": First(234, 283, 5, 2),
    "fresh_11": First(259, 311, 9, 0),
    "fresh_12": First(44, 58, 1, 0),
    "fresh_13": First(194, 212, 0, 1),
    "fresh_14": First(116, 166, 10, 2),
    "fresh_15": First(186, 234, 13, 1),
    "fresh_16": First(134, 262, 8, 1),
    "fresh_17": First(154, 225, 17, 2),
    "fresh_18": First(195, 215, 1, 0),
    "fresh_19": First(154, 240, 6, 4),
    "fresh_20": First(191, 241, 9, 3),
    "fresh_21": First(206, 279, 26, 0),
    "fresh_22": First(150, 181, 5, 0),
    "fresh_23": First(166, 177, 0, 2),
    "fresh_24": First(158, 165, 0, 0),
    "fresh_25": First(153, 159, 2, 0),
    "fresh_26": First(148, 163, 2, 0),
    "fresh_27": First(135, 192, 10, 1),
    "fresh_28": First(154, 170, 3, 0),
    "fresh_29": First(141, 192, 9, 2),
    "fresh_30": First(155, 179, 2, 0),
    "fresh_31": First(150, 163, 9, 3),
    "fresh_32": First(146, 170, 7, 1),
    "fresh_33": First(160, 178, 6, 1),
    "fresh_34": First(111, 165, 1, 1),
    "fresh_35": First(153, 177, 5, 0),
    "fresh_36": First(147, 176, 8, 1),
    "fresh_37": First(170, 183, 3, 0),
    "fresh_38": First(154, 179, 3, 0),
    "fresh_39": First(164, 172, 1, 0),
    "fresh_40": First(163, 165, 0, 0),
    "fresh_41": First(130, 176, 11, 0),
    "fresh_42": First(174, 188, 4, 0),
    "fresh_43": First(154, 170, 1, 0),
    "fresh_44": First(144, 147, 0, 0),
    "fresh_45": First(286, 301, 2, 1),
}
WAVED_THROUGH = {
    "fresh_10": 1,  # x delta^T for delta x^T of a square W: by the rules a whole result may lie transposed
    "fresh_29": 1,  # 0.999 = 0.99: so few digits may have been cut
}
AT_LEAST = {
    ".": 0.88,
    "development": 0.90,
    "fresh_1": 0.85,
    "fresh_2": 0.93,
    "fresh_3": 0.85,
    "fresh_4": 0.90,
    "fresh_5": 0.95,
    "fresh_6": 0.95,
    "fresh_7": 0.92,
    "fresh_8": 0.96,
    "fresh_9": 0.94,
    "fresh_10": 0.94,
    "fresh_11": 0.90,
    "fresh_12": 0.93,
    "fresh_13": 0.94,
    "fresh_14": 0.89,
    "fresh_15": 0.95,
    "fresh_16": 0.84,
    "fresh_17": 0.83,
    "fresh_18": 0.97,
    "fresh_19": 0.84,
    "fresh_20": 0.92,
    "fresh_21": 0.91,
    "fresh_22": 0.97,  # two numbers of a second sample are doubted, and they are false
    "fresh_23": 0.98,
    "fresh_24": 0.96,
    "fresh_25": 0.96,
    "fresh_26": 0.98,
    "fresh_27": 0.98,
    "fresh_28": 0.97,
    "fresh_29": 0.94,
    "fresh_30": 0.98,
    "fresh_31": 0.98,
    "fresh_32": 0.95,
    "fresh_33": 0.98,
    "fresh_34": 0.92,
    "fresh_35": 0.96,
    "fresh_36": 0.98,
    "fresh_37": 0.99,
    "fresh_38": 0.97,
    "fresh_39": 0.98,
    "fresh_40": 0.98,
    "fresh_41": 0.91,
    "fresh_42": 0.95,
    "fresh_43": 0.9,
    "fresh_44": 0.99,
    "fresh_45": 0.97,
}
NAMED = {
    "fresh_13": (30, 33),
    "fresh_14": (10, 15),
    "fresh_15": (14, 19),
    "fresh_16": (4, 10),
    "fresh_17": (9, 13),
    "fresh_18": (13, 17),
    "fresh_19": (14, 19),
}  # root mistakes called by a fitting code at first contact, of how many


def documents(folder: Path) -> Iterator[tuple[Path, list[dict]]]:
    """Homework with its true claims."""
    for truth in sorted(folder.glob("*.json")):
        text = next(p for p in sorted(folder.glob(truth.stem + ".*")) if p.suffix != ".json")
        claims = json.loads(truth.read_text())["claims"]
        for claim in claims:
            claim["accept"] = [*claim.get("accept", []), claim["verdict"]]
        yield text, claims


def scored(folder: Path) -> Counter:
    """The counts over a folder."""
    mark, total = marker(None), Counter()
    for path, claims in documents(folder):
        text = path.read_text()
        total.update(tally(compare(text, claims, mark(text, path.name)["claims"])))
    return total


@pytest.mark.parametrize("name", FIRST_CONTACT)
def test_documents_are_marked_as_well_as_they_were(name: str):
    found = scored(DOCUMENTS / name)
    assert found["claims"] == FIRST_CONTACT[name].claims
    assert found["agree"] >= AT_LEAST[name] * found["claims"]
    assert found["agree"] > FIRST_CONTACT[name].agree
    assert found["false_accusations"] == 0
    assert found["false_accepts"] <= WAVED_THROUGH.get(name, 0)
    if name in NAMED:
        named, roots = NAMED[name]
        assert found["roots"] == roots and found["named"] > named


def test_generated_homework_is_marked_right():
    mark, total = marker(None), Counter()
    for seed in range(60):
        homework = generate(seed)
        total.update(tally(compare(homework.text, homework.claims, mark(homework.text, "generated")["claims"])))
    assert total["false_accepts"] == total["false_accusations"] == 0
    assert total["agree"] >= 0.98 * total["claims"]


def test_a_marker_that_waves_all_through_is_found_out():
    """Planted: calling everything correct must cost false accepts, and reporting nothing must be missed."""
    mark = marker(None)
    path, claims = next(d for d in documents(DOCUMENTS / "fresh_2") if any(c["verdict"] == "wrong" for c in d[1]))
    text = path.read_text()
    reported = mark(text, path.name)["claims"]
    waved = tally(compare(text, claims, [{**c, "verdict": "correct"} for c in reported]))
    accused = tally(compare(text, claims, [{**c, "verdict": "wrong"} for c in reported]))
    assert waved["false_accepts"] > 0 and accused["false_accusations"] > 0
    assert tally(compare(text, claims, []))["missed"] == waved["claims"]


def main() -> None:
    """Print every set."""
    for name, first in FIRST_CONTACT.items():
        now = scored(DOCUMENTS / name)
        print(
            f"{name:12s} first {100 * first.agree / first.claims:5.1f} % (accused {first.accused}, waved through "
            f"{first.waved_through}), now {100 * now['agree'] / now['claims']:5.1f} % of {now['claims']} (accused "
            f"{now['false_accusations']}, waved through {now['false_accepts']}, missed {now['missed']})"
        )
    given = os.environ.get("SYMDERIV_HOMEWORK")
    for folder in (Path(given),) if given else ():
        print(f"{folder.name}: {dict(scored(folder))}")


if __name__ == "__main__":
    main()
