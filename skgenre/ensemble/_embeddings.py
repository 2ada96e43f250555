"""What the branches of a unified model say of songs, side by side."""

import numpy as np
from scipy.sparse import issparse

from .._bags import answer_readable


def fit_embed(branch, X, y, **fit_params):
    """Fit a branch on songs, and return what it gives for the same."""
    if hasattr(branch, "fit_transform"):
        return branch.fit_transform(X, y, **fit_params)
    return branch.fit(X, y, **fit_params).transform(X)


def flatten_embedding(name, embedding):
    """Return what a branch gives as a table, (n_songs, n_columns)."""
    embedding = embedding.toarray() if issparse(embedding) else np.asarray(embedding)
    if embedding.dtype == object:
        raise ValueError(
            f"Branch {name!r} gives bags of different sizes; end it with SegmentSummarizer()"
        )
    return embedding.reshape(len(embedding), -1)


def name_columns(name, branch, n_columns):
    """Return the names of what a fitted branch gives, numbers where it has none."""
    try:
        columns = branch.get_feature_names_out()
    except (AttributeError, ValueError):
        columns = range(n_columns)
    return join_names(name, columns)


def join_names(name, columns):
    """Return the names of columns with a branch's own before them."""
    return np.array([f"{name}__{column}" for column in columns], dtype=object)


def find_readable_rows(tables):
    """Return for each song whether no table has NaN in its row."""
    return ~np.any([np.isnan(table).any(axis=1) for table in tables], axis=0)


def answer_rows(ask, tables, unreadable_answer):
    """Ask about the rows of tables, side by side, with another answer where there is NaN."""
    readable = find_readable_rows(tables)
    return answer_readable(readable, lambda: ask(np.hstack(tables)[readable]), unreadable_answer)
