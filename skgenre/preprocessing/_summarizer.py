import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._bags import by_band, check_finite, check_n_bands, is_readable, validate_bags
from .._base import fit_context
from .._statistics import check_statistics, summarize
from ._base import BagTransformer


class SegmentSummarizer(BagTransformer):
    """Summarise the segments of each song as one row of a table.

    Computes statistics of each band (mel band or cepstral coefficient) over all frames of all
    segments of a song, so that any scikit-learn estimator can learn from spectrograms and bags of
    segments. Mean and covariance of MFCCs over a song have been a common baseline since [1]_.

    Parameters
    ----------
    statistics : sequence of str, default=("mean", "std")
        Statistics to compute of each band: any of ``"mean"``, ``"std"``, ``"var"``, ``"min"``,
        ``"max"``, ``"median"``, ``"skew"`` and ``"kurtosis"``. The kurtosis of a normal
        distribution is 0. Skewness and kurtosis of a constant band are 0, too.

    Attributes
    ----------
    n_bands_ : int
        Number of bands.
    n_features_in_ : int
        Number of columns seen in `fit`, if X was a table.

    See Also
    --------
    SegmentVotingClassifier : Classifies each segment and lets the segments vote.

    Notes
    -----
    Takes spectrograms (n_songs, n_bands, n_frames), bags of segments (n_songs, n_segments, n_bands,
    n_frames), lists of bags of different sizes, and tables (n_songs, n_features), where each
    feature is a band with one frame. Songs that could not be read (NaN) give rows of NaN.

    References
    ----------
    .. [1] M. Mandel and D. Ellis, "Song-level features and support vector machines for music
       classification", ISMIR 2005.

    Examples
    --------
    >>> import numpy as np
    >>> from skgenre import SegmentSummarizer
    >>> bags = np.random.default_rng(0).normal(size=(8, 10, 13, 130))
    >>> summarizer = SegmentSummarizer().fit(bags)
    >>> summarizer.transform(bags).shape
    (8, 26)
    >>> summarizer.get_feature_names_out()[:2]
    array(['band0_mean', 'band1_mean'], dtype=object)
    """

    _parameter_constraints: dict = {"statistics": [list, tuple]}

    def __init__(self, *, statistics=("mean", "std")):
        self.statistics = statistics

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the number of bands.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The features of songs: a table (n_songs, n_features), spectrograms (n_songs, n_bands,
            n_frames), bags of segments (n_songs, n_segments, n_bands, n_frames), or a list of bags
            (n_segments, n_bands, n_frames) of different sizes.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted summarizer.
        """
        check_statistics(self.statistics)
        X = validate_bags(self, X, reset=True)
        self.n_bands_ = by_band(X[0]).shape[1]
        return self

    def transform(self, X):
        """Compute the statistics of songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The features of songs, as in `fit`.

        Returns
        -------
        table : ndarray of shape (n_songs, n_bands * n_statistics), dtype float32
            All bands of the first statistic, then all bands of the second, and so on.
        """
        check_is_fitted(self)
        X = validate_bags(self, X, reset=False)
        check_n_bands(self, X, self.n_bands_)
        table = np.full((len(X), self.n_bands_ * len(self.statistics)), np.nan, dtype=np.float32)
        readable = is_readable(X)
        with np.errstate(over="ignore"):
            for i in np.flatnonzero(readable):
                table[i] = summarize(by_band(X[i]), self.statistics, axis=(0, 2))
        check_finite(self, X, readable, table)
        return table

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns of the table.

        Parameters
        ----------
        input_features : array-like of str of shape (n_bands,), default=None
            Names of the bands. ``None`` uses the column names seen in `fit`, or ``"band0"``,
            ``"band1"`` and so on.

        Returns
        -------
        names : ndarray of str of shape (n_bands * n_statistics,)
            Band and statistic of each column, such as ``"band0_mean"``.

        Raises
        ------
        ValueError
            If ``input_features`` does not match the bands seen in `fit`.
        """
        check_is_fitted(self)
        if input_features is None:
            bands = getattr(self, "feature_names_in_", [f"band{i}" for i in range(self.n_bands_)])
        else:
            bands = self._check_band_names(input_features)
        return np.asarray(
            [f"{band}_{name}" for name in self.statistics for band in bands], dtype=object
        )

    def _check_band_names(self, names):
        if len(names) != self.n_bands_:
            raise ValueError(
                f"input_features should have length equal to number of features ({self.n_bands_}), "
                f"got {len(names)}"
            )
        if not np.array_equal(getattr(self, "feature_names_in_", names), names):
            raise ValueError("input_features is not equal to feature_names_in_")
        return names
