import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._bags import (
    by_band,
    check_finite,
    check_n_bands,
    find_readable,
    is_ragged,
    is_readable,
    iter_segments,
    validate_bags,
)
from .._base import fit_context
from .._stored import StoredSongs
from ._base import BagTransformer


def _gives_table(scaler):
    """Whether the output can be a frame, as scikit-learn's ``set_output`` asks."""
    return hasattr(scaler, "n_features_in_") or not hasattr(scaler, "mean_")


class SpectrogramScaler(OneToOneFeatureMixin, BagTransformer):
    """Standardise spectrograms or bags of segments by the statistics of the training songs.

    Put it between the features and a network. It learns from the training songs only, as part of a
    `Pipeline`.

    Parameters
    ----------
    method : {"standard", "minmax"}, default="standard"
        ``"standard"`` scales each band (mel band or cepstral coefficient) to mean 0 and standard
        deviation 1 over all frames of all training songs. ``"minmax"`` maps the smallest training
        value of all bands together to 0 and the largest to 1. Avoid it for cepstral coefficients:
        the first one is so large that little is left of the others.

    Attributes
    ----------
    mean_ : ndarray of shape (n_bands,)
        What is subtracted from each band.
    scale_ : ndarray of shape (n_bands,)
        What each band is divided by after that.
    n_features_in_ : int
        Number of columns seen in `fit`, if X was a table.

    See Also
    --------
    SegmentSummarizer : Turns bags of segments into a table.
    sklearn.preprocessing.StandardScaler : The same for tables.

    Notes
    -----
    Takes spectrograms (n_songs, n_bands, n_frames), bags of segments (n_songs, n_segments, n_bands,
    n_frames), lists of bags of different sizes, and tables (n_songs, n_features), where each
    feature is a band. The shape stays the same. Songs that could not be read (NaN) are ignored by
    `fit` and stay NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from skgenre import SpectrogramScaler
    >>> bags = np.random.default_rng(0).normal(5, 3, size=(8, 10, 13, 130))
    >>> scaled = SpectrogramScaler().fit_transform(bags)
    >>> scaled.shape, round(float(scaled.std()), 2)
    ((8, 10, 13, 130), 1.0)
    """

    _parameter_constraints: dict = {"method": [StrOptions({"standard", "minmax"})]}

    def __init__(self, *, method="standard"):
        self.method = method

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Compute the mean and scale of each band from training songs.

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
            The fitted scaler.

        Raises
        ------
        ValueError
            If the features spread too far for float32.
        """
        X = validate_bags(self, X, reset=True, may_stay_stored=True)
        readable = np.flatnonzero(find_readable(X))
        if self.method == "minmax":
            low = min(float(block.min()) for block in iter_segments(X, readable))
            high = max(float(block.max()) for block in iter_segments(X, readable))
            n_bands = by_band(X[readable[0]]).shape[1]
            self.mean_ = np.full(n_bands, low)
            self.scale_ = np.full(n_bands, high - low)
        else:
            over_frames = (0, 2)
            counts, totals = zip(
                *(
                    (block.shape[0] * block.shape[2], block.sum(axis=over_frames, dtype=np.float64))
                    for block in iter_segments(X, readable)
                ),
                strict=True,
            )
            n_values = sum(counts)
            self.mean_ = sum(totals) / n_values
            deviation = sum(
                np.square(block - self.mean_[:, np.newaxis]).sum(axis=over_frames)
                for block in iter_segments(X, readable)
            )
            self.scale_ = np.sqrt(deviation / n_values)
        negligible = 10 * np.finfo(np.float32).eps * np.maximum(np.abs(self.mean_), 1e-30)
        self.scale_ = np.where(self.scale_ <= negligible, 1.0, self.scale_)
        if self.scale_.max() > np.finfo(np.float32).max:
            raise ValueError(
                f"The features spread over {self.scale_.max():.3g}, more than float32 can "
                "represent; scale them first"
            )
        return self

    def transform(self, X):
        """Scale the features of songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The features of songs, as in `fit`.

        Returns
        -------
        X_scaled : ndarray of the shape of X, dtype float32
            The scaled features; of dtype object if X is a list of bags of different sizes. If X is
            a zarr array, an object that reads and scales songs when a classifier asks for them.
        """
        check_is_fitted(self)
        X = validate_bags(self, X, reset=False, may_stay_stored=True)
        check_n_bands(self, X, len(self.mean_))
        if isinstance(X, StoredSongs):
            scaled = X.map(self._scale)
            is_frame = X.ndim == 2 and _get_output_config("transform", self)["dense"] != "default"
            return np.asarray(scaled) if is_frame else scaled
        if is_ragged(X):
            scaled = np.empty_like(X)
            for i, bag in enumerate(X):
                scaled[i] = self._scale(bag)
        else:
            scaled = self._scale(X)
        readable = is_readable(X)
        for unreadable in np.flatnonzero(~readable):
            scaled[unreadable] = np.full_like(scaled[unreadable], np.nan)
        check_finite(self, X, readable, scaled)
        return scaled

    @available_if(_gives_table)
    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns of a table.

        Not available after `fit` on spectrograms or bags of segments.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the columns. ``None`` uses those seen in `fit`, or ``"x0"``, ``"x1"`` and so
            on.

        Returns
        -------
        names : ndarray of str of shape (n_features,)
            The same names.
        """
        return super().get_feature_names_out(input_features)

    def _scale(self, X):
        mean, scale = self.mean_.astype(np.float32), self.scale_.astype(np.float32)
        if X.ndim > 2:
            mean, scale = mean[:, np.newaxis], scale[:, np.newaxis]
        with np.errstate(over="ignore"):
            scaled = X - mean
            scaled /= scale
        return scaled
