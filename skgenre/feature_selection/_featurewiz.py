from numbers import Integral, Real

import numpy as np
from joblib import effective_n_jobs
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from .._bags import find_readable, is_readable, take_songs, validate_genres
from .._base import VersionedEstimator, check_not_empty, fit_context
from .._sklearn import check_array, validate_data

_FLOATS = [np.float64, np.float32]


class FeatureWizSelector(SelectorMixin, VersionedEstimator):
    """Select features that predict the genre and are not redundant, with featurewiz.

    Runs the two steps of the package featurewiz [1]_. The first, SULOV, finds pairs of strongly
    correlated features and drops the one with less mutual information with the genre. The second
    trains XGBoost [2]_ on all remaining features, on the last four fifths of them, the last three
    fifths and so on, and keeps the features with the highest gain in each round.

    Parameters
    ----------
    corr_limit : float, default=0.7
        Absolute Pearson correlation from which two features count as redundant.
    n_features : int, default=None
        Maximum number of features to keep, in featurewiz's order. ``None`` keeps all that
        featurewiz selects.
    skip_sulov : bool, default=False
        Skip the first step.
    skip_xgboost : bool, default=False
        Skip the second step. The order is then that of SULOV: first the features that correlate
        with no other, in the order of the columns, then the others by mutual information.
    n_jobs : int, default=1
        Number of threads for training. ``None`` means 1 and ``-1`` means all cores.
    random_state : int, RandomState instance or None, default=None
        Seed for Python's and NumPy's random generators while featurewiz runs. featurewiz uses fixed
        seeds itself, so repeated fits give the same features in any case.
    verbose : int, default=0
        If above 0, print featurewiz's own output, in which features are called ``f0``, ``f1`` and
        so on.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X has column names that are strings.
    order_ : ndarray of int of shape (n_selected,)
        Indices of the selected features, the most important first.
    support_ : ndarray of bool of shape (n_features,)
        Mask of the selected features.

    See Also
    --------
    sklearn.feature_selection.SelectKBest : Scores each feature on its own.
    sklearn.feature_selection.RFE : Drops the least important features of any estimator in turn.

    Notes
    -----
    Needs featurewiz 0.6.1, which is not installed with skgenre. If it is missing, the error shows
    the command that installs it. Other versions are refused, because older ones silently keep all
    features. See :doc:`/guide/selection`.

    Takes a table (n_songs, n_features) of numbers. Songs that could not be read (NaN in their row)
    are ignored by `fit` and stay NaN. A constant feature is never selected.

    featurewiz orders features by training round, and within a round by gain. If many features have
    at least half of the largest gain, it leaves these in the order of the columns.

    featurewiz changes the global state of the process: random generators, warnings, pandas options
    and standard output. All of these are restored, and only one thread runs it at a time. Its
    trainings run in parallel here, and its preparation of text, dates and missing values is
    skipped, but the selection is exactly the one you get by calling it yourself.

    References
    ----------
    .. [1] R. Seshadri, featurewiz, https://github.com/AutoViML/featurewiz, 2020.
    .. [2] T. Chen and C. Guestrin, "XGBoost: a scalable tree boosting system", KDD 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from skgenre import FeatureWizSelector
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> selector = FeatureWizSelector(n_features=3).fit(X, y)
    >>> selector.transform(X).shape
    (178, 3)
    >>> X.columns[selector.order_].tolist()
    ['color_intensity', 'proline', 'flavanoids']
    """

    _parameter_constraints: dict = {
        "corr_limit": [Interval(Real, 0, 1, closed="both")],
        "n_features": [Interval(Integral, 1, None, closed="left"), None],
        "skip_sulov": ["boolean"],
        "skip_xgboost": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        corr_limit=0.7,
        n_features=None,
        skip_sulov=False,
        skip_xgboost=False,
        n_jobs=1,
        random_state=None,
        verbose=0,
    ):
        self.corr_limit = corr_limit
        self.n_features = n_features
        self.skip_sulov = skip_sulov
        self.skip_xgboost = skip_xgboost
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Select features.

        Parameters
        ----------
        X : array-like of shape (n_songs, n_features)
            A table of features.
        y : array-like of shape (n_songs,)
            The genre of each song.

        Returns
        -------
        self : object
            The fitted selector.

        Raises
        ------
        ImportError
            If featurewiz is missing or has another version.
        ValueError
            If there is only one genre, all features are constant, or featurewiz fails, as it does
            with very few songs.
        """
        from ._featurewiz_package import check_version, rank_columns

        check_version()
        y = validate_genres(self, y)
        check_not_empty(X, "song")
        X = validate_data(self, X, dtype=_FLOATS, ensure_all_finite="allow-nan")
        check_consistent_length(X, y)
        X, y = take_songs(find_readable(X), X, y)
        genres, codes = np.unique(y, return_inverse=True)
        if len(genres) < 2:
            raise ValueError(
                f"{type(self).__name__} needs songs of at least 2 genres, got 1 class: "
                f"{genres.item()!r}"
            )
        varying = np.flatnonzero(np.ptp(X, axis=0) > 0)
        if not len(varying):
            raise ValueError(f"None of the features varies among the {len(X)} songs")
        if len(varying) > 1:
            ranked = rank_columns(
                X[:, varying],
                [f"f{column}" for column in varying],
                codes,
                corr_limit=self.corr_limit,
                skip_sulov=self.skip_sulov,
                skip_xgboost=self.skip_xgboost,
                n_threads=effective_n_jobs(self.n_jobs),
                random_state=check_random_state(self.random_state),
                verbose=self.verbose,
            )
            varying = varying[ranked]
        self.order_ = varying[: self.n_features]
        self.support_ = np.isin(np.arange(X.shape[1]), self.order_)
        return self

    def transform(self, X):
        """Keep the selected features.

        Parameters
        ----------
        X : array-like of shape (n_songs, n_features)
            A table of features.

        Returns
        -------
        X_selected : ndarray of shape (n_songs, n_selected)
            The selected columns, in the order of X, not of importance. A song that could not be
            read is all NaN.
        """
        check_is_fitted(self)
        check_not_empty(X, "song")
        X = validate_data(self, X, reset=False, dtype=_FLOATS, ensure_all_finite="allow-nan")
        selected = X[:, self.support_]
        selected[~is_readable(X)] = np.nan
        return selected

    def inverse_transform(self, X):
        """Put the selected features back in their original columns, with zeros elsewhere.

        Parameters
        ----------
        X : array-like of shape (n_songs, n_selected)
            A table of selected features.

        Returns
        -------
        X_original : ndarray of shape (n_songs, n_features)
            The table with zeros in place of the dropped features. A song that could not be read is
            all NaN.
        """
        X = check_array(X, dtype=_FLOATS, ensure_all_finite="allow-nan")
        original = super().inverse_transform(np.nan_to_num(X))
        original[~is_readable(X)] = np.nan
        return original

    def _get_support_mask(self):
        check_is_fitted(self)
        return self.support_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _more_tags(self):
        return {"allow_nan": True, "requires_y": True, "preserves_dtype": _FLOATS}
