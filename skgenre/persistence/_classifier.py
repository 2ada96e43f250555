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

    It takes the same songs as the pipeline that `export_model` wrote and gives the same
    predictions, without TensorFlow or torch. You can load files from anyone: they contain no code,
    and everything that is not a complete, valid model file is refused. See
    :doc:`/guide/model-files`.

    Parameters
    ----------
    model : str or path-like
        The path of a model file, or ``"gtzan-10"``, an included model of ten genres trained on 379
        excerpts of GTZAN. `model_card` says how accurate it is.

    Returns
    -------
    clf : OnnxGenreClassifier
        The fitted classifier.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file is not a model file, is incomplete or changed, or is not safe to run. The
        message says why.

    See Also
    --------
    export_model : Writes model files.
    model_card : Returns the model card of a file.

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
    """Classify songs with a trained model from a model file.

    `load_model` creates it. It is already fitted and cannot be fitted again.

    Parameters
    ----------
    model : ModelFile
        The loaded model file.
    cache : path or joblib.Memory, default=None
        Folder to store the features of files in. See :doc:`/guide/extraction`.
    on_error : {"raise", "nan"}, default="raise"
        What to do if songs cannot be read. ``"raise"`` raises an error that names all of them;
        ``"nan"`` warns and predicts ``class_prior_`` for them.
    timeout : float, default=None
        Longest time in seconds to read a file, in a separate process. ``None`` reads in the current
        process.
    n_jobs : int, default=None
        Number of songs to process in parallel.
    verbose : int, default=0
        If above 0, show a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The genres.
    class_prior_ : ndarray of shape (n_classes,)
        Share of each genre among the training songs.

    See Also
    --------
    load_model : Creates it.
    model_card : Returns the model card of a file.

    Notes
    -----
    Clones and copies share the loaded file. A pickle contains the bytes of the file, or only the
    name of an included model.

    Examples
    --------
    >>> from skgenre import load_model
    >>> from skgenre.datasets import make_genre_clips
    >>> X, _ = make_genre_clips(1, duration=3.0, random_state=0)
    >>> clf = load_model("gtzan-10").set_params(on_error="nan")
    >>> clf.classes_[:3].tolist()
    ['blues', 'classical', 'country']
    >>> len(clf.predict([(X[0], 22050)]))
    1
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
        """Raise an error, because a model file cannot be fitted.

        Parameters
        ----------
        X : sequence of clips
            Ignored.
        y : array-like of shape (n_songs,), default=None
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
            The songs, as in `predict`.

        Returns
        -------
        proba : list of ndarray of shape (n_segments, n_classes)
            One array per song, with a single row if the model classifies whole songs. A song that
            could not be read gets the class prior.
        """
        return [segments for segments, _ in self._judge(X)]

    def predict_proba(self, X):
        """Predict the genre probabilities of songs.

        Parameters
        ----------
        X : sequence of clips, or array of shape (n_clips, n_samples)
            The songs, as in `predict`.

        Returns
        -------
        proba : ndarray of shape (n_songs, n_classes)
            The probabilities, in the order of ``classes_``. A song that could not be read gets the
            class prior.
        """
        return np.stack([whole for _, whole in self._judge(X)])

    def predict(self, X):
        """Predict the genres of songs.

        Parameters
        ----------
        X : sequence of clips, or array of shape (n_clips, n_samples)
            The songs: paths, waveforms at the sample rate of the model, or samples with their rate,
            in any form that `MelSpectrogramTransformer.transform` takes.

        Returns
        -------
        y : ndarray of shape (n_songs,)
            The genres. A song that could not be read gets the most frequent genre. A model made
            from a `SelectiveClassifier` predicts its ``unknown`` for songs that it is not sure
            about.
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
                f"{self.model.name} takes the features of {kinds}; only classifiers of "
                "spectrograms or MFCCs can be explained"
            )
        return Pipeline([("features", transformers[0]), ("judge", self._make_judge())])

    def _find_segment_duration(self):
        """Return the length of the segments that are judged, in seconds; None for any."""
        if self.model.info.aggregate == "song":
            raise TypeError(f"{self.model.name} classifies whole songs, without segments")
        transformer = self._make_transformers()[0]
        if getattr(transformer, "max_segments", None) is not None:
            raise ValueError(
                f"{self.model.name} takes at most {transformer.max_segments} segments of a song, "
                "with gaps between them; export the classifier with n_segments=None"
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
