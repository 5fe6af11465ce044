"""Every key is marked by `symderiv check` as right throughout, and every wrong choice as wrong, with the mistake it was made by."""

import pytest

import symderiv as sd
from symderiv.documents.content import Document
from symderiv.documents.markdown import to_markdown
from symderiv.worksheets.document import worksheet_document
from worksheets.networks import NETWORKS, derivation_of

SEEDS = 3  # `python -m worksheets.test_keys` goes through a hundred


def given_in(sheet):
    """The network and its numbers alone, as Markdown."""
    document = worksheet_document(sheet, key=True)
    return to_markdown(Document(document.title, "", document.sections[:1]))


def faults_of_key(sheet):
    marking = sd.check_homework(sheet.to_markdown(key=True))
    return [(c.line, c.verdict, c.reading, c.message) for c in marking.claims if c.verdict != "correct"]


def faults_of_choices(sheet):
    """The wrong choices that are not marked as wrong with one of their codes, each as the only answer that was given."""
    given, before, found = given_in(sheet), "", []
    for question in sheet.questions:
        for choice in question.choices:
            if not choice.is_right:
                claim = sd.check_homework(f"{given}{before}\n$$ {question.left} = {choice.tex} $$\n").claims[-1]
                if claim.verdict != "wrong" or not set(choice.codes) & set(claim.mistakes):
                    found.append((question.left, choice.tex, choice.codes, claim.verdict, claim.mistakes))
        if sheet.kind == "symbolic" and question.lines:
            before += f"\n$$ {question.left} = {question.lines[-1][1]} $$\n"
    return found


@pytest.mark.parametrize("kind", ["numeric", "symbolic"])
@pytest.mark.parametrize("name", NETWORKS)
def test_keys_and_choices(name, kind):
    choices = 0
    for seed in range(SEEDS if kind == "numeric" else 1):
        sheet = sd.worksheet(derivation_of(name), kind=kind, seed=seed, choices=3)
        assert not faults_of_key(sheet) and not faults_of_choices(sheet)
        for question in sheet.questions:
            rights = [c for c in question.choices if c.is_right]
            assert len(rights) == bool(question.choices)
            assert len({c.tex for c in question.choices}) == len(question.choices)
            choices += len(question.choices)
    assert choices > 3


def test_a_wrong_key_would_be_seen():
    sheet = sd.worksheet(derivation_of("the worksheet of the coursework"), seed=1)
    (question,) = [q for q in sheet.questions if q.key == "d-W^{2}_{1}"]
    right = question.lines[-1][1]
    text = sheet.to_markdown(key=True)
    wrong = right.replace("{-", "{") if right.startswith("{-") else f"{{-{right}}}"
    assert text.count(right) >= 2
    assert any(c.verdict == "wrong" for c in sd.check_homework(text.replace(f"&= {right}", f"&= {wrong}")).claims)


def test_the_order_is_that_of_the_coursework():
    sheet = sd.worksheet(derivation_of("the worksheet of the coursework"), seed=1)
    keys = [q.key.partition("-")[0] for q in sheet.questions]
    assert keys[:10] == ["draw", "shape", "shape", "v", "v", "v", "v", "class", "v", "chain"]
    assert keys[-2:] == ["step", "step"] and len({q.key for q in sheet.questions}) == len(sheet.questions)


if __name__ == "__main__":
    import time

    for name in NETWORKS:
        seconds, wrong, offered = [], 0, 0
        for seed in range(100):
            began = time.perf_counter()
            sheet = sd.worksheet(derivation_of(name), seed=seed, choices=3)
            sheet.to_markdown(key=True)
            seconds.append(time.perf_counter() - began)
            keys, choices = faults_of_key(sheet), faults_of_choices(sheet)
            offered += sum(not c.is_right for q in sheet.questions for c in q.choices)
            wrong += bool(keys)
            for fault in (*keys, *choices):
                print(name, seed, fault)
        seconds = sorted(seconds[1:])
        print(
            f"{name}: 100 keys, {wrong} with a fault; {offered} wrong choices; median {seconds[50]:.3f} s, most {seconds[-1]:.3f} s"
        )
