import numpy as np
import pandas as pd
from numpy.testing import assert_array_equal

from skgenre._tables import divide, make_labels, make_table, number

ODD = "caf\udce9"


def test_texts_are_objects_and_numbers_are_numbers():
    table = make_table(
        [(ODD, 1, 1.0, None, True), ("b", 2, None, "e", False)], ["text", "n", "x", "error", "is"]
    )
    assert [str(dtype) for dtype in table.dtypes] == [
        "object",
        "int64",
        "float64",
        "object",
        "bool",
    ]
    assert table["text"].tolist() == [ODD, "b"]
    assert table["error"].isna().tolist() == [True, False]
    assert np.isnan(table["x"][1])


def test_rows_may_be_dicts_that_lack_some():
    table = make_table([{"a": ODD, "x": 1.0}, {"a": "b"}], ["a", "x", "z"])
    assert_array_equal(table["x"], [1.0, np.nan])
    assert table["z"].isna().all()
    assert list(make_table([], ["a", "b"]).columns) == ["a", "b"]


def test_labels():
    assert make_labels([ODD, "b"]).get_indexer(make_labels(np.array(["b", ODD]))).tolist() == [1, 0]
    assert make_labels(np.array([3, 5])).dtype == int
    assert make_labels(None) is None


def test_groups():
    table = make_table([("b", 1), (ODD, 2), ("b", 3), (ODD + "b", 4)], ["name", "x"])
    assert [(name, rows["x"].tolist()) for name, rows in divide(table, "name")] == [
        ("b", [1, 3]),
        (ODD, [2]),
        (ODD + "b", [4]),
    ]
    assert list(divide(table[:0], "name")) == []
    assert number(table["name"]).tolist() == [0, 1, 0, 2]
    assert number(pd.Series(["b", "ba", "a", "é", "b b"])).tolist() == [1, 3, 0, 4, 2]
    assert number(pd.Series([30, 10, 30])).tolist() == [1, 0, 1]
