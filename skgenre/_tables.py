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
    return _factorize(values, sort=True)


def divide(table, column):
    """Yield each value of a column, in the order of its first row, and its rows."""
    codes = _factorize(table[column])
    for code in range(codes.max(initial=-1) + 1):
        rows = table[codes == code]
        yield rows[column].iloc[0], rows


def _factorize(values, *, sort=False):
    """Do as pandas does, which before version 3 takes names that are not UTF-8 for each other."""
    values = [
        value.encode("utf-8", "surrogatepass").decode("latin-1")
        if isinstance(value, str)
        else value
        for value in values
    ]
    return pd.factorize(pd.Series(values, dtype=object).to_numpy(), sort=sort)[0]
