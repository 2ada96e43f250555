import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._bags import by_band, check_finite, check_n_bands, is_readable, validate_bags
from .._base import fit_context
from .._statistics import check_statistics, summarize
from ._base import BagTransformer


class SegmentSummarizer(BagTransformer):
    """Turn the segments of each song into one row of a table.

    Takes statistics of each band (mel band or cepstral coefficient) over all frames of all
    segments of a song, so that any scikit-learn estimator can learn from spectrograms and bags.

    Parameters
    ----------
    statistics : sequence of str, default=("mean", "std")
        What to take of each band, of ``"mean"``, ``"std"``, ``"var"``, ``"min"``, ``"max"``,
        ``"median"``, ``"skew"`` and ``"kurtosis"``. The kurtosis of a normal distribution is 0, and
        so are both of a band that does not vary.

    Attributes
    ----------
    n_bands_ : int
        Number of bands.
    n_features_in_ : int
        Number of columns, where X is a table.

    See Also
    --------
    SegmentVotingClassifier : Learns from each segment and lets them vote.

    Notes
    -----
    Takes spectrograms (n_songs, n_bands, n_frames), bags (n_songs, n_segments, n_bands, n_frames),
    ragged bags, and tables (n_songs, n_features), where a feature is a band of one frame. Songs
    that could not be read give rows of NaN.

    Mean and covariance of MFCC over a song are a common baseline since
    M. Mandel and D. Ellis, "Song-level features and support vector machines for music
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
        X : array-like
            A table, spectrograms, bags of segments or ragged bags.
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
        """Summarise songs.

        Parameters
        ----------
        X : array-like
            A table, spectrograms, bags of segments or ragged bags.

        Returns
        -------
        table : ndarray of shape (n_songs, n_bands * n_statistics), dtype float32
            All bands of the first statistic, then of the second, and so on.
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
        """Name the columns of the table.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the bands. ``None`` takes the column names seen in `fit`, or ``"band0"`` ...

        Returns
        -------
        names : ndarray of str
            Band and statistic of each column, such as ``"band0_mean"``.
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
