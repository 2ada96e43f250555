import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._bags import (
    by_band,
    check_finite,
    check_n_bands,
    find_readable,
    is_ragged,
    is_readable,
    validate_bags,
)
from .._base import fit_context
from ._base import BagTransformer


def _gives_table(scaler):
    """Whether the output can be a frame, as scikit-learn's ``set_output`` asks."""
    return hasattr(scaler, "n_features_in_") or not hasattr(scaler, "mean_")


class SpectrogramScaler(OneToOneFeatureMixin, BagTransformer):
    """Scale spectrograms or bags of segments with what the training songs show.

    Parameters
    ----------
    method : {"standard", "minmax"}, default="standard"
        ``"standard"`` gives each band (mel band or cepstral coefficient) mean 0 and standard
        deviation 1 over all frames of all training songs. ``"minmax"`` maps the smallest training
        value of all bands to 0 and the largest to 1; on cepstral coefficients the first then
        swamps the rest.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_bands,)
        What is subtracted from each band, and by what it is then divided.
    n_features_in_ : int
        Number of columns, where X is a table.

    See Also
    --------
    SegmentSummarizer : Turns bags into a table.

    Notes
    -----
    Takes spectrograms (n_songs, n_bands, n_frames), bags (n_songs, n_segments, n_bands, n_frames),
    ragged bags, and tables (n_songs, n_features), where a feature is a band. The shape stays.
    Songs that could not be read (NaN) are left out of `fit` and stay NaN.

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
        """Learn the scale from training songs.

        Parameters
        ----------
        X : array-like
            A table, spectrograms, bags of segments or ragged bags.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted scaler.
        """
        X = validate_bags(self, X, reset=True)
        songs = [by_band(X[i]) for i in np.flatnonzero(find_readable(X))]
        n_bands = songs[0].shape[-2]
        if self.method == "minmax":
            low = min(float(song.min()) for song in songs)
            high = max(float(song.max()) for song in songs)
            self.mean_ = np.full(n_bands, low)
            self.scale_ = np.full(n_bands, high - low)
        else:
            over_frames = (0, 2)
            n_values = sum(song.shape[0] * song.shape[2] for song in songs)
            total = sum(song.sum(axis=over_frames, dtype=np.float64) for song in songs)
            self.mean_ = total / n_values
            deviation = sum(
                np.square(song - self.mean_[:, np.newaxis]).sum(axis=over_frames) for song in songs
            )
            self.scale_ = np.sqrt(deviation / n_values)
        negligible = 10 * np.finfo(np.float32).eps * np.maximum(np.abs(self.mean_), 1e-30)
        self.scale_ = np.where(self.scale_ <= negligible, 1.0, self.scale_)
        if self.scale_.max() > np.finfo(np.float32).max:
            raise ValueError(
                f"The features spread over {self.scale_.max():.3g}, more than a float32 can hold; "
                "scale them before"
            )
        return self

    def transform(self, X):
        """Scale songs.

        Parameters
        ----------
        X : array-like
            A table, spectrograms, bags of segments or ragged bags.

        Returns
        -------
        X_scaled : ndarray, dtype float32; of dtype object if ragged
            Of the same shape as X.
        """
        check_is_fitted(self)
        X = validate_bags(self, X, reset=False)
        check_n_bands(self, X, len(self.mean_))
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
        """Name the columns of a table; not there after a fit on bags or spectrograms.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns. ``None`` takes those seen in `fit`, or ``"x0"`` ...

        Returns
        -------
        names : ndarray of str
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
