"""Songs, judged one by one as files, so that memory does not grow with their number."""

from typing import Any, NamedTuple

from joblib import delayed

from .._parallel import run_parallel
from ..audio import AudioError


class Answer(NamedTuple):
    """What is known of a file: probabilities, or why there are none."""

    path: str
    proba: Any = None
    tags: list | None = None
    error: str | None = None


def hear(clf, songs, *, n_jobs, tagger=None):
    """Yield an `Answer` for each file, in their order.

    Parameters
    ----------
    clf : OnnxGenreClassifier
    songs : list of str
    n_jobs : int
        How many files are heard at a time.
    tagger : callable or None
        From a path to tags.
    """
    calls = (delayed(_ask)(clf, song, tagger) for song in songs)
    return run_parallel(calls, n_jobs=n_jobs, prefer="threads")


def _ask(clf, song, tagger):
    try:
        return Answer(song, clf.predict_proba([song])[0], tagger(song) if tagger else None)
    except AudioError as error:
        (reason,) = error.failures.values()
        return Answer(song, error=reason)
    except ValueError as error:
        return Answer(song, error=str(error))


def name_tags(n_tags, timeout):
    """Return a function from a path to the likeliest tags of musicnn."""
    from ..feature_extraction import OnnxEmbedder

    embedder = OnnxEmbedder(outputs=["tags"], timeout=timeout)
    names = embedder.fit(["song"]).get_feature_names_out()

    def tag(song):
        heard = embedder.transform([song])[0]
        return [
            names[i].removeprefix("tags_").removesuffix("_mean")
            for i in heard.argsort()[::-1][:n_tags]
        ]

    return tag
