"""The rows of a comparison on disk, so that one that was stopped can go on."""

import json
import os
from pathlib import Path
from pickle import PicklingError

import joblib
import numpy as np
import pandas as pd
from sklearn.base import clone

from .._checked_files import (
    local_path,
    make_private_folder,
    read_checked,
    write_checked,
    write_whole,
)
from ..audio._files import as_seen_from_anywhere, identify
from ._splits import select_clips


class Keep:
    """A folder of rows, each in a file of its own whose name says all that it came from.

    Parameters
    ----------
    folder : path or None
        The folder, which is made if it is missing; None keeps nothing.
    environment : dict
        What the rows are computed with. Also written into the folder.
    X, y, groups : sequence
        The songs, as `compare_classifiers` takes them.

    Attributes
    ----------
    troubles : list of str
        Why things could not be written.
    """

    def __init__(self, folder, environment, X, y, groups):
        self._folder: Path | None = None
        self.troubles: list[str] = []
        if folder is None:
            return
        self._folder = local_path(folder, "results")
        make_private_folder(self._folder)
        text = json.dumps(environment, indent=2) + "\n"
        try:
            write_whole(self._folder / "environment.json", text.encode())
        except OSError as error:
            self.troubles.append(str(error))
        others = X.drop(columns="path", errors="ignore") if isinstance(X, pd.DataFrame) else None
        clips = [_identify(clip) for clip in select_clips(X)]
        self._songs_key = joblib.hash([environment["versions"], y, groups, clips, others])

    def find_file(self, name, estimator, task):
        """Return the file of a classifier and a task, or None if nothing is kept."""
        if self._folder is None:
            return None
        about, _, train, test = task
        try:
            of_estimator = joblib.hash(clone(estimator))
        except PicklingError as error:
            raise ValueError(
                f"The classifier {name!r} cannot be pickled, so its results cannot be found again; "
                f"pass results=None. The error is: {error}"
            ) from error
        key = joblib.hash([of_estimator, self._songs_key, about, train, test])
        return self._folder / f"{key}.jsonl"


def load_row(file):
    """Return a row, or None where there is no file or one that cannot be read."""
    if file is None:
        return None
    try:
        _, body = read_checked(file, file.stem)
        row = {name: _decode(value) for name, value in json.loads(body).items()}
        return {**row, "answers": _build_answers(*row["answers"])}
    except Exception:  # whatever a file made by others holds, the row is computed again
        return None


def store_row(file, row):
    """Write a row to its file. Return why that cannot be done, or None."""
    if file is None:
        return None
    try:
        plain = {**row, "answers": _take_apart(row["answers"])}
        text = json.dumps({name: _encode(value) for name, value in plain.items()})
        write_checked(file, file.stem, text.encode())
    except (OSError, TypeError, ValueError, RecursionError) as error:
        return str(error)
    return None


def _take_apart(answers):
    """Return what `_build_answers` takes."""
    labels = [answers.columns.tolist(), str(answers.columns.dtype)]
    columns = [
        [answers.iloc[:, place].tolist(), str(dtype)] for place, dtype in enumerate(answers.dtypes)
    ]
    return [answers.index.to_numpy(), labels, columns]


def _build_answers(songs, labels, columns):
    index = pd.Index(songs, name="song")
    series = [pd.Series(values, index, dtype=dtype) for values, dtype in columns]
    answers = pd.concat(series, axis=1)
    answers.columns = pd.Index(labels[0], dtype=labels[1])
    return answers


def _encode(value):
    """Return a value as JSON can hold it; JSON objects stand for what JSON has no type for."""
    if isinstance(value, np.generic):
        value = value.item() if isinstance(value, np.bool_ | np.str_) else np.asarray(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [_encode(element) for element in value]
    if isinstance(value, tuple):
        return {"tuple": [_encode(element) for element in value]}
    if isinstance(value, dict):
        return {"dict": [[_encode(name), _encode(element)] for name, element in value.items()]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {"array": [value.tolist(), value.dtype.str, value.shape]}
    raise TypeError(f"a {type(value).__name__} cannot be kept as JSON")


def _decode(value):
    if isinstance(value, list):
        return [_decode(element) for element in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "array":
        numbers, dtype, shape = content
        return np.array(numbers, dtype=dtype).reshape(shape)[()]
    elements = _decode(content)
    return tuple(elements) if kind == "tuple" else dict(elements)


def _identify(clip):
    """Return what tells a clip from others: a file's path, size and time, or the numbers."""
    if not isinstance(clip, str | os.PathLike):
        return joblib.hash(clip)
    return identify(clip) or as_seen_from_anywhere(os.fspath(clip))
