"""Tables of pandas that hold names of any kind.

Since version 3, pandas' own type of text refuses names that are not UTF-8, also where it groups by
them; here texts are objects, and groups numbers.
"""

import pandas as pd


def make_table(rows, columns=None):
    """Return a DataFrame of rows, tuples or dicts, in which texts are objects."""
    table = pd.DataFrame(rows, columns=make_labels(columns), dtype=object)
    for name in table:
        if not any(isinstance(value, str) for value in table[name]):
            table[name] = table[name].infer_objects()
    return table


def make_labels(values):
    """Return an Index, of objects where there are texts; None for None."""
    if values is None:
        return None
    values = list(values)
    has_text = any(isinstance(value, str) for value in values)
    return pd.Index(values, dtype=object if has_text else None)


def number(values):
    """Return an integer for each value, in sorted order, as labels of groups."""
    return pd.factorize(values.to_numpy(dtype=object), sort=True)[0]


def divide(table, column):
    """Yield each value of a column, in the order of its first row, and its rows."""
    codes, values = pd.factorize(table[column].to_numpy(dtype=object))
    for code, value in enumerate(values):
        yield value, table[codes == code]
