"""Data: what is read, and one clear message for what cannot be."""

from __future__ import annotations

import numpy as np
import pytest

import symderiv as sd
from symderiv.errors import DataError
from symderiv.training.data import GENERATORS, generate, read_data, split, with_samples


def a_model(name="binary-classification"):
    return with_samples(sd.examples.load(name))[0]


def written(tmp_path, text, name="d.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_table_becomes_matrices(tmp_path):
    path = written(tmp_path, '\ufeffa, b,"label"\r\n1,2,0\r\n3,4.5,1\r\n\r\n')
    data = read_data(path, a_model())
    assert np.array_equal(data["X"], [[1, 3], [2, 4.5]]) and np.array_equal(data["Y"], [[0, 1]])
    rows = sd.two_layer("tanh", "sigmoid", "log", outputs=1)
    chosen = read_data(path, rows, ["b"], ["label"])
    assert np.array_equal(chosen["X"], [[2], [4.5]]) and np.array_equal(chosen["Y"], [[0], [1]])


@pytest.mark.parametrize("delimiter", ";\t")
def test_other_delimiters(tmp_path, delimiter):
    text = "a,b,y\n1,2,0\n".replace(",", delimiter)
    assert np.array_equal(read_data(written(tmp_path, text), a_model())["X"], [[1], [2]])


def test_classes_become_one_hot(tmp_path):
    text = "x1,x2,kind\n1,2,cat\n3,4,dog\n5,6,ant\n"
    data = read_data(written(tmp_path, text), sd.two_layer("tanh", "softmax", "cross-entropy"))
    assert np.array_equal(data["Y"], [[0, 1, 0], [0, 0, 1], [1, 0, 0]]) and data.classes == ("ant", "cat", "dog")
    numbers = read_data(written(tmp_path, "x,k\n1,0\n2,2\n"), sd.two_layer("tanh", "softmax", "cross-entropy"))
    assert np.array_equal(numbers["Y"], [[1, 0, 0], [0, 0, 1]])
    words = read_data(written(tmp_path, "x,k\n1,no\n2,yes\n"), a_model())
    assert np.array_equal(words["Y"], [[0, 1]])


def test_arrays_by_name(tmp_path):
    np.savez(tmp_path / "d.npz", X=np.ones((3, 4)), Y=np.zeros(4))
    data = read_data(tmp_path / "d.npz", a_model())
    assert data["X"].shape == (3, 4) and data["Y"].shape == (1, 4)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "is empty"),
        ("a,b,y\n", "a header and no rows"),
        ("1,2,0\n3,4,1\n", "has no header"),
        ("a,b,y\n1,,0\n", "row 2 has no value in the column b"),
        ("a,b,y\n1,2,0\n3,NaN,1\n", "row 3 holds 'NaN'.*column b"),
        ("a,b,y\n1,2,0\n3,x,1\n", "row 3: 'x' in the column b is no number"),
        ("a,b,y\n\n\n1,2,0\n3,Infinity,1\n", "row 5 holds 'Infinity'"),
        ("a,b,y\n1,2\n", "row 2 has 2 columns, the header 3"),
        ("a,a,y\n1,2,0\n", "two columns 'a'"),
        ("a,b,y\n1,2,2\n", r"Y is 2 in sample 1"),
        ("a,b,y\n1,1e999,0\n", "too large"),
        ("a b y\n1 2 0\n", "no input column beside the target a b y"),
        (b"\xff\xfe\x00", "neither NPZ nor text"),
        ("a" + ",a" * 1_000_000 + "\n", "1000001 columns; 100000 are the most"),
        (b"PK\x03\x04rubbish", "no readable NPZ file"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, text, words):
    with pytest.raises(DataError, match=words):
        read_data(written(tmp_path, text), a_model())


def test_unknown_names_and_files_are_told(tmp_path):
    path = written(tmp_path, "a,b,y\n1,2,0\n")
    with pytest.raises(DataError, match=r"has no column z\n.*a, b, y"):
        read_data(path, a_model(), [], ["z"])
    with pytest.raises(DataError, match="cannot read"):
        read_data(tmp_path / "none.csv", a_model())
    with pytest.raises(DataError, match="cannot read"):
        read_data(tmp_path, a_model())
    np.savez(tmp_path / "d.npz", X=np.ones((3, 4)))
    with pytest.raises(DataError, match=r"holds no array Y, \(o, n\)\n.*it holds X"):
        read_data(tmp_path / "d.npz", a_model())
    np.savez(tmp_path / "o.npz", X=np.array([None, "a"], dtype=object), Y=np.zeros(4))
    with pytest.raises(DataError, match="no readable NPZ"):
        read_data(tmp_path / "o.npz", a_model())
    np.savez(tmp_path / "n.npz", X=np.array([[1.0, np.nan]]), Y=np.zeros(2))
    with pytest.raises(DataError, match=r"X holds nan at \(0, 1\)"):
        read_data(tmp_path / "n.npz", a_model())
    with pytest.raises(DataError, match="no data generator"):
        generate("moons", a_model())
    with pytest.raises(DataError, match=r"2 classes, from 0|out of range"):
        read_data(written(tmp_path, "a,y\n1,5\n"), sd.layered(["softmax"], "cross-entropy", outputs=2))
    with pytest.raises(DataError, match="is no class"):
        read_data(written(tmp_path, "a,y\n1,0.5\n"), sd.two_layer("tanh", "softmax", "cross-entropy"))


def test_classes_that_are_none(tmp_path):
    model = sd.two_layer("tanh", "softmax", "cross-entropy")
    with pytest.raises(DataError, match="classes are 1 to 3"):
        read_data(written(tmp_path, "a,y\n1,1\n2,2\n3,3\n"), model)
    with pytest.raises(DataError, match=r"10000 classes in 2 samples\n.*is that column the class"):
        read_data(written(tmp_path, "a,y\n1,0\n2,9999\n"), model)
    with pytest.raises(DataError, match="both input and target"):
        read_data(written(tmp_path, "a,y\n1,0\n"), model, ["a", "y"], ["y"])


def test_many_columns_take_no_quadratic_time(tmp_path):
    """A hundred thousand columns, which a comparison of each with each would not get through."""
    names = ",".join(f"c{k}" for k in range(99_999))
    path = written(tmp_path, f"{names}\n{','.join(['1'] * 99_998)},0\n")
    assert read_data(path, sd.two_layer("tanh", "sigmoid", "log", outputs=1))["X"].shape == (1, 99_998)


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_are_seeded(name):
    model = sd.two_layer("tanh", "identity", "mse", outputs=1)
    one, same, other = (generate(name, model, 50, seed) for seed in (3, 3, 4))
    assert all(np.array_equal(one[k], same[k]) and not np.array_equal(one[k], other[k]) for k in ("X",))


def test_the_two_gaussians_have_their_means_and_deviations():
    model = a_model("two-gaussians")
    data = generate("two-gaussians", model, 40_000, 0)
    for k, (mean, deviation) in enumerate(((1, 0.5), (2, 0.2))):
        own = data["A0"][:, data["Y"][k] == 1]
        assert own.mean() == pytest.approx(mean, abs=0.01) and own.std() == pytest.approx(deviation, abs=0.01)


def test_a_split_needs_two_parts():
    model = a_model("two-gaussians")
    data = generate("two-gaussians", model, 10, 0)
    with pytest.raises(DataError, match="leaves one part empty"):
        split(model, data, 0.001, 0)
    assert split(model, data, 0.0, 0) == (data, {})
