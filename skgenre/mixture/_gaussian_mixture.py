import warnings
from numbers import Integral, Real

import numpy as np
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from .._bag_classifier import BagClassifier
from .._bags import AGGREGATES, flatten
from .._base import fit_context


class GaussianMixtureClassifier(BagClassifier):
    """Classify songs with one Gaussian mixture model per genre.

    Each mixture is fitted to the segments of a genre's songs. Bayes' rule turns the densities into
    genre probabilities of a segment, and all segments of a song decide together. The default, three
    components with diagonal covariance, is that of [1]_.

    Parameters
    ----------
    n_components : int, default=3
        Number of Gaussians in each mixture. A genre with few distinct segments gets fewer: at most
        one for every two of them.
    covariance_type : {"full", "tied", "diag", "spherical"}, default="diag"
        Shape of the Gaussians: each has its own full covariance matrix, all of a genre share one,
        each has one variance per feature, or each has a single variance.
    reg_covar : float, default=1e-6
        Added to each variance, in squared units of the features. A genre with a single segment has
        no other variance.
    priors : array-like of shape (n_classes,), default=None
        Prior probability of each genre, in the order of ``classes_``. ``None`` uses the shares of
        the genres among the training songs.
    n_init : int, default=1
        Number of initialisations of each mixture by k-means; the most likely result is kept.
    max_iter : int, default=100
        Maximum number of EM iterations. A `sklearn.exceptions.ConvergenceWarning` names the genres
        that would need more.
    aggregate : {"mean", "product", "vote"}, default="mean"
        How the probabilities of a song's segments are combined: their mean, their normalised
        geometric mean, or the share of segments that each genre wins.
    random_state : int, RandomState instance or None, default=None
        Seed for the initialisations. Pass an int to get the same model in every fit.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The genres.
    class_prior_ : ndarray of shape (n_classes,)
        The priors, which are also the prediction for songs that could not be read.
    input_shape_ : tuple of int
        Number of bands and frames of a segment.
    mixtures_ : list of sklearn.mixture.GaussianMixture
        The mixture of each genre.
    n_features_in_ : int
        Number of columns seen in `fit`, if X was a table.
    n_iter_ : int
        Number of EM iterations of the mixture that took the most.

    See Also
    --------
    sklearn.mixture.GaussianMixture : Fits each mixture.
    sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis : One full Gaussian per genre.
    SegmentVotingClassifier : Classifies segments with any scikit-learn classifier.

    Notes
    -----
    Takes a table (n_songs, n_features), spectrograms (n_songs, n_bands, n_frames), bags of segments
    (n_songs, n_segments, n_bands, n_frames), or a list of bags of different sizes. scikit-learn's
    mixtures take no sample weights, so a song with more segments counts for more.

    Put a scaler before the classifier: k-means, ``reg_covar`` and spherical covariances depend on
    the scale of the features. Full covariance matrices have ``n_features ** 2`` entries.

    References
    ----------
    .. [1] G. Tzanetakis and P. Cook, "Musical genre classification of audio signals", IEEE
       Transactions on Speech and Audio Processing 10(5), 2002.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skgenre import AudioDescriptorTransformer, GaussianMixtureClassifier
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(12, n_genres=2, duration=3.0, random_state=0)
    >>> clf = make_pipeline(
    ...     AudioDescriptorTransformer(features="tzanetakis2002", duration=3.0),
    ...     StandardScaler(),
    ...     GaussianMixtureClassifier(random_state=0),
    ... )
    >>> clf.fit(X, y).predict_proba(X).shape
    (12, 2)
    """

    _dtype = [np.float64, np.float32]

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions({"full", "tied", "diag", "spherical"})],
        "reg_covar": [Interval(Real, 0, None, closed="left")],
        "priors": ["array-like", None],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "aggregate": [StrOptions(set(AGGREGATES))],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=3,
        *,
        covariance_type="diag",
        reg_covar=1e-6,
        priors=None,
        n_init=1,
        max_iter=100,
        aggregate="mean",
        random_state=None,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.reg_covar = reg_covar
        self.priors = priors
        self.n_init = n_init
        self.max_iter = max_iter
        self.aggregate = aggregate
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Fit a mixture to the segments of each genre.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The features of songs: a table (n_songs, n_features), spectrograms (n_songs, n_bands,
            n_frames), bags of segments (n_songs, n_segments, n_bands, n_frames), or a list of bags
            (n_segments, n_bands, n_frames) of different sizes.
        y : array-like of shape (n_songs,)
            The genre of each song.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If ``priors`` are not probabilities of all genres, or the covariance of a genre cannot
            be estimated; the message names the genre.

        Warns
        -----
        ConvergenceWarning
            If genres need more than ``max_iter`` iterations.
        """
        return self._fit(X, y)

    def _fit_songs(self, X, codes, sample_weight, groups):
        if self.priors is not None:
            self.class_prior_ = _check_priors(self.priors, self.classes_)
        segments, counts = flatten(X)
        rows, codes = _rows(segments), np.repeat(codes, counts)
        random_state = check_random_state(self.random_state)
        self.mixtures_ = [
            self._fit_mixture(rows[codes == code], genre, random_state)
            for code, genre in enumerate(self.classes_.tolist())
        ]
        self.n_iter_ = max(mixture.n_iter_ for mixture in self.mixtures_)
        converged = np.array([mixture.converged_ for mixture in self.mixtures_])
        if not converged.all():
            genres = self.classes_[~converged].tolist()
            warnings.warn(
                f"The mixtures of {genres} did not converge in max_iter={self.max_iter} steps",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _fit_mixture(self, rows, genre, random_state):
        n_different = len(np.unique(rows, axis=0))
        mixture = GaussianMixture(
            min(self.n_components, max(1, n_different // 2)),
            covariance_type=self.covariance_type,
            reg_covar=self.reg_covar,
            n_init=self.n_init,
            max_iter=self.max_iter,
            random_state=random_state.randint(np.iinfo(np.int32).max),
        )
        # a mixture is not fitted on a single row, but on the same row twice
        rows = np.repeat(rows, 2, axis=0) if len(rows) == 1 else rows
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            try:
                with np.errstate(all="ignore"):
                    mixture.fit(rows)
                _check_mixture(mixture)
            except ValueError as error:
                raise ValueError(
                    f"No mixture could be fitted on the {len(rows)} segments of {genre!r}: {error}"
                ) from error
        return mixture

    def _segment_proba(self, segments):
        rows = _rows(segments)
        log_density = np.column_stack([mixture.score_samples(rows) for mixture in self.mixtures_])
        with np.errstate(divide="ignore"):
            log_prior = np.log(self.class_prior_)
        return softmax(log_density + log_prior, axis=1)


def _check_mixture(mixture):
    """Refuse a mixture whose numbers are too large to compute with."""
    learnt = (mixture.means_, mixture.covariances_, mixture.precisions_, mixture.lower_bound_)
    if not all(np.isfinite(numbers).all() for numbers in learnt):
        raise ValueError(
            "its parameters are not finite, since features are too large or too small; scale them"
        )


def _rows(segments):
    return segments.reshape(len(segments), -1).astype(np.float64, copy=False)


def _check_priors(priors, classes):
    given = np.asarray(priors)
    if (
        given.shape != classes.shape
        or given.dtype.kind not in "iuf"
        or not ((given >= 0).all() and np.isclose(given.sum(), 1))
    ):
        raise ValueError(
            f"priors must be {len(classes)} numbers from 0 to 1, for the genres "
            f"{classes.tolist()} in this order, that sum to 1, got {priors!r}"
        )
    return given.astype(np.float64)
