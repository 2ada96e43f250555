"""Model files as classifiers."""

import numpy as np
from joblib import delayed
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils._param_validation import HasMethods

from .._bags import is_readable
from .._parallel import own_threads
from ..feature_extraction._base import BaseClipTransformer
from ..feature_extraction._waveform_segments import WaveformSegments
from ._format import READING
from ._listener import Listener


def load_model(model):
    """Load a trained classifier from a model file.

    It takes songs as the pipeline did that `export_model` wrote, and answers the same. Neither
    TensorFlow nor torch is needed. The file is never trusted: no code is in it, no other file is
    opened for it, and what is no whole and sound model file is refused.

    Parameters
    ----------
    model : str or path-like
        The path of a model file, or ``"gtzan-10"``, which comes with the package: ten genres,
        learnt from 379 excerpts of GTZAN. `model_card` tells how good it is.

    Returns
    -------
    clf : OnnxGenreClassifier
        Fitted.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no model file, was cut off or changed, or cannot be trusted; the message says why.

    See Also
    --------
    export_model : Writes such files.
    model_card : Tells what a file says of itself.

    Examples
    --------
    >>> from skgenre import load_model
    >>> from skgenre.datasets import make_genre_clips
    >>> X, _ = make_genre_clips(2, n_genres=2, duration=3.0, random_state=0)
    >>> clf = load_model("gtzan-10").set_params(n_jobs=2)
    >>> clf.predict_proba([(waveform, 22050) for waveform in X]).shape
    (2, 10)
    """
    from ._model_file import open_model

    return OnnxGenreClassifier(open_model(model))


class OnnxGenreClassifier(ClassifierMixin, BaseEstimator):
    """A trained classifier from a model file; `load_model` makes it.

    It is fitted and stays as it is: it cannot be fitted anew.

    Parameters
    ----------
    model : ModelFile
        What was loaded.
    cache : path or joblib.Memory, default=None
        Folder to keep the features of files in.
    on_error : {"raise", "nan"}, default="raise"
        What to do with songs that cannot be read: raise an error that names all of them, or answer
        with ``class_prior_`` and warn.
    timeout : float, default=None
        Seconds that a separate process may take to read a file. ``None`` reads in this process.
    n_jobs : int, default=None
        How many songs are heard at a time.
    verbose : int, default=0
        Show a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The genres.
    class_prior_ : ndarray of shape (n_classes,)
        How often each genre was among the songs that it learned from.

    See Also
    --------
    model_card : Tells what a file says of itself.

    Notes
    -----
    Clones and copies share the loaded file. A pickle holds the bytes of the file, or the name of a
    model that comes with the package, and no code.
    """

    _parameter_constraints: dict = {
        "model": [HasMethods("judge")],
        **{name: BaseClipTransformer._parameter_constraints[name] for name in READING},
    }

    def __init__(
        self, model, *, cache=None, on_error="raise", timeout=None, n_jobs=None, verbose=0
    ):
        self.model = model
        self.cache = cache
        self.on_error = on_error
        self.timeout = timeout
        self.n_jobs = n_jobs
        self.verbose = verbose

    @property
    def classes_(self):
        return self.model.classes

    @property
    def class_prior_(self):
        return self.model.prior

    def fit(self, X, y=None):
        """Refuse to fit: a model file holds what was learnt, and not how to learn.

        Parameters
        ----------
        X : sequence of clips
            Ignored.
        y : array-like, default=None
            Ignored.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError(
            "A classifier from a model file cannot be fitted. Fit the pipeline that it was made of "
            "(model_card tells which) and export it again; where scikit-learn wants to fit, put "
            "the classifier in sklearn.frozen.FrozenEstimator"
        )

    def predict_segment_proba(self, X):
        """Predict the genre probabilities of each segment of each song.

        Parameters
        ----------
        X : sequence of clips, or array of shape (n_clips, n_samples)
            The songs, as `predict` takes them.

        Returns
        -------
        proba : list of ndarray of shape (n_segments, n_classes)
            One array for each song, of one row where the classifier judges songs as a whole. A song
            that could not be read has the class prior.
        """
        return [segments for segments, _ in self._judge(X)]

    def predict_proba(self, X):
        """Predict the genre probabilities of songs.

        Parameters
        ----------
        X : sequence of clips, or array of shape (n_clips, n_samples)
            The songs, as `predict` takes them.

        Returns
        -------
        proba : ndarray of shape (n_songs, n_classes)
            In the order of ``classes_``. A song that could not be read has the class prior.
        """
        return np.stack([whole for _, whole in self._judge(X)])

    def predict(self, X):
        """Predict the genres of songs.

        Parameters
        ----------
        X : sequence of clips, or array of shape (n_clips, n_samples)
            The songs: paths, waveforms at the sample rate of the model, or samples with their own
            rate, as `MelSpectrogramTransformer` takes them.

        Returns
        -------
        y : ndarray of shape (n_songs,)
            The genres. A song that could not be read has the most frequent one. Where the file is
            of a `SelectiveClassifier`, its ``unknown`` for songs that it is not sure enough of.
        """
        return self._decide(self.predict_proba(X))

    def _decide(self, proba):
        """Return the genres that probabilities stand for."""
        genres, abstains = self.classes_[proba.argmax(axis=1)], self.model.info.abstains
        if abstains is None:
            return genres
        threshold = np.inf if abstains.threshold is None else abstains.threshold
        return np.where(proba.max(axis=1) >= threshold, genres, np.asarray(abstains.answer))

    def _judge(self, X):
        """Return of each song the probabilities of its segments, and its own."""
        self._validate_params()
        transformers = self._make_transformers()
        if len(transformers) == 1 and isinstance(transformers[0], WaveformSegments):
            return Listener.of(transformers[0], self.model).judge(X)
        return self._make_judge().judge([transformer.transform(X) for transformer in transformers])

    def _make_transformers(self):
        reading = {name: getattr(self, name) for name in READING}
        return [transformer.set_params(**reading) for transformer in self.model.make_transformers()]

    def _make_judge(self):
        return _Judge(self.model, n_jobs=self.n_jobs)

    def _as_pipeline(self):
        """Return the same as a pipeline of a transformer of clips and what judges spectrograms."""
        from sklearn.pipeline import Pipeline

        transformers = self._make_transformers()
        is_waveform = isinstance(transformers[0], WaveformSegments)
        if len(transformers) > 1 or is_waveform or len(self.model.info.features[0].shape) != 3:
            kinds = ", ".join(type(transformer).__name__ for transformer in transformers)
            raise ValueError(
                f"{self.model.name} hears what {kinds} give, where spectrograms or MFCCs alone are "
                "needed"
            )
        return Pipeline([("features", transformers[0]), ("judge", self._make_judge())])

    def _find_segment_duration(self):
        """Return the length of the segments that are judged, in seconds; None for any."""
        if self.model.info.aggregate == "song":
            raise TypeError(f"{self.model.name} judges songs as a whole, and no segments of them")
        transformer = self._make_transformers()[0]
        if getattr(transformer, "max_segments", None) is not None:
            raise ValueError(
                f"{self.model.name} hears at most {transformer.max_segments} segments of a song, "
                "not one after the other; export the classifier with n_segments=None"
            )
        n_samples = transformer._segment_samples()
        return n_samples and n_samples / transformer._working_sr

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.on_error == "nan"
        return tags

    def _more_tags(self):
        return {"allow_nan": self.on_error == "nan"}


class _Judge(ClassifierMixin, BaseEstimator):
    """What a model file says of features.

    Songs are a list of what the transformer of each input gives, or that alone where there is one.
    """

    def __init__(self, model, *, n_jobs=None):
        self.model = model
        self.n_jobs = n_jobs

    @property
    def classes_(self):
        return self.model.classes

    def fit(self, X, y=None):
        """Return the same, which is fitted."""
        return self

    def predict_segment_proba(self, X):
        """Return probabilities of segments (n_segments, n_genres), an array for each song."""
        return [segments for segments, _ in self.judge(X)]

    def predict_proba(self, X):
        """Return probabilities (n_songs, n_genres)."""
        return np.stack([whole for _, whole in self.judge(X)])

    def judge(self, X):
        """Return of each song the probabilities of its segments, and its own."""
        features = X if isinstance(X, list) else [X]
        readable = np.all([is_readable(part) for part in features], axis=0)
        songs = [
            [self.model.as_input(number, part[i]) for number, part in enumerate(features)]
            for i in range(len(readable))
        ]
        return own_threads(self.n_jobs)(
            delayed(self._answer)(i, song, is_read)
            for i, (song, is_read) in enumerate(zip(songs, readable, strict=True))
        )

    def _answer(self, number, song, is_read):
        if not is_read:
            n_segments = 1 if self.model.info.aggregate == "song" else len(song[0])
            return np.tile(self.model.prior, (n_segments, 1)), self.model.prior
        try:
            return self.model.judge(song)
        except ValueError as error:
            raise type(error)(f"song {number}: {error}") from error

    def __sklearn_is_fitted__(self):
        return True
