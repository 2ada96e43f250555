import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from .._bags import check_several
from .._base import check_not_empty, fit_context, forget_table
from .._fit_parameters import share_out
from .._genres import check_genres
from .._tables import make_table
from ._answers import ask, fit_and_hold_out
from ._branches import BranchComposition
from ._held_out import find_met, join_answers, make_folds, validate_to_split
from ._learning import learns_from_genres
from ._pool import LogarithmicPool, lay_side_by_side
from ._voting import SegmentVotingClassifier


def _head_has_predict_proba(self):
    return hasattr(getattr(self, "head_", self._make_head()), "predict_proba")


class UnifiedGenreClassifier(ClassifierMixin, BranchComposition):
    """Combine networks, pretrained models and audio descriptors in one classifier.

    Each branch predicts the genre of a song by itself: a classifier, such as a network, directly; a
    transformer, such as a pretrained model or audio descriptors, through a logistic regression on
    its columns. A final classifier, the head, learns how far to trust each branch from predictions
    for held-out songs [2]_. A unified model of a convolutional network and Wav2Vec2 was what [1]_
    planned next. See :doc:`/guide/unified`.

    Parameters
    ----------
    branches : list of (str, estimator), default=None
        Names and branches: classifiers, transformers, and pipelines of them. Replace a branch by
        ``"drop"`` to leave it out. ``None`` means a network on MFCCs of 3 s segments (``"cnn"``),
        audio descriptors (``"descriptors"``) and the tags of a pretrained network (``"musicnn"``),
        all of which take files.
    selector : transformer, default=None
        Selects columns of each branch that is a transformer, such as `FeatureWizSelector`. To
        select among the columns of several transformers together, combine them with
        `sklearn.pipeline.FeatureUnion` in one branch.
    final_estimator : classifier, default=None
        The head, which gets the probabilities of all branches side by side. ``None`` multiplies
        them with a learned weight per branch, like ``"pool"`` in `GroupStackingClassifier`.
    cv : int, cross-validation splitter or iterable of folds, default=None
        How songs are held out, as in `GroupStackingClassifier`. Branches that learn from genres are
        fitted once per fold and once to all songs. For all others, only the regression on their
        columns is.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The genres.
    branches_ : Bunch
        The branches by name, fitted to all songs.
    branch_heads_ : dict
        By name, the `SegmentVotingClassifier` on the columns of each branch that is a transformer.
    head_ : classifier
        The head. If ``final_estimator`` is None, its ``weights_`` are those of the branches.
    feature_names_ : ndarray of str of shape (n_columns,)
        Names of the columns that the head gets, in the form ``branch__genre``.
    n_features_in_ : int
        Number of columns seen in `fit`, if X was a table.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the columns, if X was a DataFrame.

    See Also
    --------
    GroupStackingClassifier : Stacks classifiers only, several in parallel.
    FeatureWizSelector : Drops redundant and uninformative columns.
    OnnxEmbedder : A pretrained branch that needs no training.

    Notes
    -----
    If you pass ``groups`` to `fit`, no artist is on both sides of a fold. A genre with a single
    artist is then held out as a whole, and the default head ignores its songs.

    For songs that a branch could not read, it predicts the share of each genre among the others.

    References
    ----------
    .. [1] "AI Music Genre Classification", student report, University of Bristol, 2022, which
       wished for a unified model of a convolutional network and Wav2Vec2.
    .. [2] D. Wolpert, "Stacked generalization", Neural Networks 5(2), 1992.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skgenre import AudioDescriptorTransformer, KerasANNClassifier, MFCCSegmenter
    >>> from skgenre import SpectrogramScaler, UnifiedGenreClassifier
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(24, n_genres=2, duration=3.0, random_state=0)
    >>> net = make_pipeline(
    ...     MFCCSegmenter(duration=3.0),
    ...     SpectrogramScaler(),
    ...     KerasANNClassifier((8,), epochs=5, random_state=0),
    ... )
    >>> table = AudioDescriptorTransformer(features=("mfcc",), duration=3.0)
    >>> clf = UnifiedGenreClassifier(branches=[("net", net), ("table", table)], cv=2)
    >>> clf.fit(X, y).predict_proba(X).shape
    (24, 2)
    >>> list(clf.score_branches(X, y).index)
    ['net', 'table', 'oracle', 'unified']
    """

    _parameter_constraints: dict = {
        "branches": [list, None],
        "selector": [HasMethods(["fit", "transform"]), None],
        "final_estimator": [HasMethods(["fit", "predict"]), None],
        "cv": ["cv_object"],
    }

    def __init__(self, *, branches=None, selector=None, final_estimator=None, cv=None):
        self.branches = branches
        self.selector = selector
        self.final_estimator = final_estimator
        self.cv = cv

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, groups=None, **fit_params):
        """Fit the branches, and the head to their predictions for held-out songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            Songs in the form that the branches take: paths, waveforms, bags of segments, a table.
        y : array-like of shape (n_songs,)
            The genre of each song.
        groups : array-like of shape (n_songs,), default=None
            Group of each song, such as its artist. Also passed to branches whose own `fit` takes
            groups.
        **fit_params : dict
            ``sample_weight`` is passed to the head and to all that learns from genres, which must
            support it. With scikit-learn's metadata routing, anything that branches request; groups
            are then routed, too.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If a branch has neither ``predict_proba`` nor ``transform``, could read no song of a
            genre, or has a reserved name, there is only one genre or one without weight, or the
            songs cannot be divided into folds.
        """
        branches = self._validate_branches()
        X, y, groups = validate_to_split(self, X, y, groups)
        self.classes_ = np.unique(y)
        check_several(self)
        folds = make_folds(self.cv, X, y, groups)
        head = self._make_head()
        learning = [(name, branch) for name, branch in branches if learns_from_genres(branch)]
        params = share_out(
            self, [*learning, ("final_estimator", head)], {"groups": groups, **fit_params}
        )
        sample_weight = fit_params.get("sample_weight")
        self._check_weights(y, sample_weight)

        self.branches_, self.branch_heads_ = Bunch(), {}
        answers, is_met = [], np.ones(len(y), dtype=bool)
        for name, branch in branches:
            self.branches_[name], branch_head, of_folds = fit_and_hold_out(
                branch,
                self._make_branch_head(),
                X,
                y,
                folds,
                of_branch=params.get(name, {}),
                of_head={"sample_weight": sample_weight},
            )
            if branch_head is not None:
                self.branch_heads_[name] = branch_head
            self._check_all_met(name)
            answers.append(join_answers(of_folds, folds, self.classes_))
            is_met &= find_met(of_folds, folds, y)
        own_params = params["final_estimator"]
        if self.final_estimator is None:
            own_params = {**own_params, "is_met": is_met}
        self.head_ = head.fit(lay_side_by_side(answers), y, **own_params)
        self._note_columns()
        return self

    def _make_head(self):
        return LogarithmicPool() if self.final_estimator is None else clone(self.final_estimator)

    def _make_branch_head(self):
        """Return an unfitted classifier for the columns of a transformer."""
        steps = [] if self.selector is None else [clone(self.selector)]
        # of penalties from 1e-4 to 1, right for tags and for descriptors on a few hundred songs
        linear = LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000)
        return SegmentVotingClassifier(make_pipeline(*steps, StandardScaler(), linear))

    def _check_weights(self, y, sample_weight):
        """Refuse a genre whose songs all have no weight, which cannot be balanced with others."""
        counted = y if sample_weight is None else y[_check_sample_weight(sample_weight, y) > 0]
        missing = np.setdiff1d(self.classes_, counted)
        if len(missing):
            raise ValueError(f"sample_weight is 0 for all songs of the classes {missing.tolist()}")

    def _check_all_met(self, name):
        """Refuse a branch that could read no song of a genre."""
        answering = self.branch_heads_.get(name, self.branches_[name])
        missing = np.setdiff1d(self.classes_, answering.classes_)
        if len(missing):
            raise ValueError(f"Branch {name!r} could read no song of {missing.tolist()}")

    def _note_columns(self):
        """Note the names of the columns of X and of what the head gets."""
        genres = self.classes_ if len(self.classes_) > 2 else self.classes_[1:]
        names = [f"{name}__{genre}" for name in self.branches_ for genre in genres]
        self.feature_names_ = np.array(names, dtype=object)
        forget_table(self)
        for branch in self.branches_.values():
            for name in ("n_features_in_", "feature_names_in_"):
                if hasattr(branch, name):
                    setattr(self, name, getattr(branch, name))

    @available_if(_head_has_predict_proba)
    def predict_proba(self, X):
        """Predict the genre probabilities of songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            Songs, as in `fit`.

        Returns
        -------
        proba : ndarray of shape (n_songs, n_classes)
            The probabilities, in the order of ``classes_``.
        """
        answers = lay_side_by_side(self._ask(X))
        return self.head_.predict_proba(answers)

    def predict(self, X):
        """Predict the genres of songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            Songs, as in `fit`.

        Returns
        -------
        y : ndarray of shape (n_songs,)
            The genres.
        """
        answers = lay_side_by_side(self._ask(X))
        return self.head_.predict(answers)

    def predict_branches(self, X):
        """Predict the genres of songs with each branch separately.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            Songs, as in `fit`.

        Returns
        -------
        predicted : DataFrame of shape (n_songs, n_branches)
            The predictions, one column per branch.
        """
        return self._choose(self._ask(X))

    def _choose(self, answers):
        """Return the likeliest genres by the names of the branches."""
        genres = self.classes_[np.argmax(answers, axis=2)]
        return make_table(genres.T, list(self.branches_))

    def score_branches(self, X, y, sample_weight=None):
        """Return the accuracy of each branch and of the whole classifier.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            Songs, as in `fit`.
        y : array-like of shape (n_songs,)
            The genre of each song.
        sample_weight : array-like of shape (n_songs,), default=None
            Weight of each song.

        Returns
        -------
        accuracy : Series of shape (n_branches + 2,)
            The accuracy of each branch by name, then of ``"oracle"`` and ``"unified"``. The oracle
            counts a song as right if any branch is right. No head that picks a branch can do
            better.
        """
        check_is_fitted(self)
        y = check_genres(y)
        answers = self._ask(X)
        is_right = self._choose(answers) == y.astype(object)[:, np.newaxis]
        is_right["oracle"] = is_right.any(axis=1)
        is_right["unified"] = self.head_.predict(lay_side_by_side(answers)) == y
        return pd.Series(np.average(is_right, axis=0, weights=sample_weight), is_right.columns)

    def _ask(self, X):
        """Return the probabilities that each branch gives, in the order of branches."""
        check_is_fitted(self)
        check_not_empty(X, "song")
        return [
            ask(branch, self.branch_heads_.get(name), X) for name, branch in self.branches_.items()
        ]

    def get_metadata_routing(self):
        """Return the metadata routing of this classifier and those in it.

        Returns
        -------
        routing : MetadataRouter
            The routing, as `sklearn.utils.metadata_routing` describes it.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        fit = MethodMapping().add(caller="fit", callee="fit")
        parts = dict(self._get_branches())
        return router.add(**parts, final_estimator=self._make_head(), method_mapping=fit)
