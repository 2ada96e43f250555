"""How the steps of a pipeline become a graph: by the kind of the step.

A step gets the song, as a pipeline does, or what the step before it gives. Modules of this folder
register what they know; what nobody knows is scikit-learn's.
"""

from functools import singledispatch
from typing import NamedTuple

from .._names import printable
from ._format import MAX_FILE_BYTES, feature_name
from ._graph import Graph, Value


class ExportError(ValueError):
    """A pipeline of which a step cannot be written to a model file; the message names the step."""


class Song:
    """The song, before there are features of it, and the features that steps have asked for."""

    def __init__(self):
        self.features = []

    def take(self, feature, shape):
        """Return the value of features of the song, the same for the same features."""
        for known, value in self.features:
            if known == feature:
                return value
        value = Value(feature_name(len(self.features)), shape)
        self.features.append((feature, value))
        return value


class Answer(NamedTuple):
    """What a classifier says of a song, as names of values (n_segments or 1, n_genres).

    They are of double precision, as decisions are, since calibrators may be steep.
    """

    segments: str
    song: str
    aggregate: str


@singledispatch
def transform(step, x, graph: Graph) -> Value:
    """Add what a transformer makes of a song or of a `Value`."""
    from ._scikit import transform_table

    return transform_table(step, check_value(step, x), graph)


@singledispatch
def classify(step, x, graph: Graph) -> Answer:
    """Add the `Answer` of a classifier to a song or to a `Value`."""
    from ._scikit import classify_table

    return of_song(classify_table(step, check_value(step, x), graph))


@singledispatch
def decide(step, x, graph: Graph) -> str:
    """Add the decision function of a classifier, (n, n_genres), or (n, 1) for two genres."""
    from ._scikit import decide_table

    return decide_table(step, check_value(step, x), graph)


def of_song(proba):
    """Return the answer of a classifier that sees whole songs."""
    return Answer(proba, proba, "song")


def check_value(step, x):
    """Refuse a song where features are needed."""
    if isinstance(x, Song):
        raise ExportError(
            f"{name_step(step)} gets songs, not features: there is no transformer of skgenre "
            "before it. Put both in one Pipeline"
        )
    return x


def check_size(name, n_bytes):
    """Refuse weights that no file can hold."""
    if n_bytes > MAX_FILE_BYTES:
        raise ExportError(
            f"The weights of {name} take {n_bytes / 2**30:.1f} GiB, and a model file holds "
            f"{MAX_FILE_BYTES / 2**30:.0f} GiB at most; use a smaller net, or keep the pickle"
        )


def name_step(step):
    """Return what messages call a step."""
    return printable(type(step).__name__)
