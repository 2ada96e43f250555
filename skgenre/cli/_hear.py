"""Songs, judged one by one as files, so that memory does not grow with their number."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from joblib import effective_n_jobs

from ..audio import AudioError

# Songs for each thread between the first that is not heard yet and the last that is.
_WAITING = 16


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
    n_threads = min(effective_n_jobs(n_jobs), len(songs))
    if n_threads <= 1:
        # a thread of its own takes memory of its own
        yield from (_ask(clf, song, tagger) for song in songs)
        return
    waiting: deque[Future] = deque()
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            for song in songs:
                waiting.append(pool.submit(_ask, clf, song, tagger))
                while waiting and (len(waiting) > _WAITING * n_threads or waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            # threads inside of a decoder, when the process ends, would abort it
            pool.shutdown(cancel_futures=True)


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
    names = embedder._open_net().names_of("tags")

    def tag(song):
        heard = embedder.transform([song])[0]
        return [names[i] for i in heard.argsort()[::-1][:n_tags]]

    return tag
