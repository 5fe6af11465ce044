"""The quiz files: valid by a schema, with the right answers, and each mistake's feedback on the answer it leads to."""

import re
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema

import symderiv as sd
from symderiv.mistakes.codes import BY_CODE
from symderiv.worksheets.moodle import moodle_xml
from worksheets.networks import NETWORKS, derivation_of

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("moodle.xsd"))


@pytest.mark.parametrize("stack", [False, True])
@pytest.mark.parametrize("kind", ["numeric", "symbolic"])
@pytest.mark.parametrize("name", NETWORKS)
def test_files_are_valid(name, kind, stack):
    sheet = sd.worksheet(derivation_of(name), kind=kind, choices=3)
    text = moodle_xml([sheet], 'Title <&> "quoted"', stack=stack)
    if kind == "symbolic" and stack:
        assert text.count("<question ") == 1, "a formula is no STACK question here"
        return
    SCHEMA.validate(text)
    assert "$course$/Title &lt;&amp;&gt;" in text


def test_the_schema_tells_a_broken_file():
    text = sd.worksheet(derivation_of("the worksheet of the coursework")).to_moodle()
    for broken in (text.replace("<tolerance>", "<tolerance>x"), text.replace('type="numerical"', 'type="number"')):
        assert not SCHEMA.is_valid(broken)


def test_numerical_answers():
    sheet = sd.worksheet(derivation_of("the worksheet of the coursework"), seed=2, choices=3)
    quiz = ET.fromstring(sheet.to_moodle())
    numerical = [q for q in quiz if q.get("type") == "numerical"]
    with_choices = [q for q in sheet.questions if q.choices]
    scalars = [q for q in sheet.questions if q.value is not None and q.value.size == 1]
    assert len(numerical) == len(scalars) and with_choices
    for element, question in zip(numerical, scalars, strict=True):
        answers = element.findall("answer")
        assert answers[0].get("fraction") == "100" and all(a.get("fraction") == "0" for a in answers[1:])
        right, tolerance = float(answers[0].findtext("text")), float(answers[0].findtext("tolerance"))
        assert abs(right - question.value.item()) <= tolerance < 0.7e-4
        for answer, choice in zip(answers[1:], (c for c in question.choices if not c.is_right), strict=True):
            assert abs(float(answer.findtext("text")) - choice.value.item()) <= tolerance
            assert abs(float(answer.findtext("text")) - right) > tolerance
            assert BY_CODE[choice.codes[0]].title[1:] in unescape(answer.findtext("feedback/text"))


def test_cloze_questions_ask_for_every_entry():
    sheet = sd.worksheet(derivation_of("the worksheet of the coursework"), seed=2)
    quiz = ET.fromstring(sheet.to_moodle())
    question = next(q for q in sheet.questions if q.key == "v-beta1")
    text = next(q for q in quiz if "beta1" in q.findtext("name/text", "")).findtext("questiontext/text")
    found = [float(x) for x in re.findall(r"\{1:NUMERICAL:=(-?[\d.]+):0\.00006\}", text)]
    assert found == pytest.approx(question.value.ravel().tolist(), abs=6e-5)


def test_shapes_and_classes_are_asked_as_whole_numbers():
    sheet = sd.worksheet(derivation_of("softmax, one sample"), seed=2)
    quiz = ET.fromstring(sheet.to_moodle())
    texts = {q.findtext("name/text"): q.findtext("questiontext/text") for q in quiz if q.get("type") == "cloze"}
    shape = next(text for name, text in texts.items() if name.endswith("shape of W1"))
    assert "{1:NUMERICAL:=2:0}</td><td>{1:NUMERICAL:=2:0}" in shape
    (decided,) = [text for name, text in texts.items() if name.endswith("class")]
    (question,) = [q for q in sheet.questions if q.key == "class"]
    assert f"{{1:NUMERICAL:={question.whole[0]}:0}}" in decided and question.said == f"class {question.whole[0]}"


def test_stack_trees_end_and_try_every_mistake():
    sheet = sd.worksheet(derivation_of("tanh, log loss, rows"), seed=2, choices=3)
    quiz = ET.fromstring(str(sheet.write("stack")))
    trees = quiz.findall("question/prt")
    assert trees
    for tree in trees:
        nodes = tree.findall("node")
        assert [n.findtext("name") for n in nodes] == [str(k) for k in range(len(nodes))]
        assert nodes[0].findtext("truescore") == "1" and all(n.findtext("truescore") == "0" for n in nodes[1:])
        assert [n.findtext("falsenextnode") for n in nodes] == [*map(str, range(1, len(nodes))), "-1"]
        variables = tree.findtext("feedbackvariables/text")
        assert all(f"{n.findtext('sans')}:" in variables for n in nodes)
    notes = {n.findtext("trueanswernote") for n in quiz.iter("node")}
    assert {f"prt1-{c.codes[0]}" for q in sheet.questions for c in q.choices if not c.is_right} <= notes
