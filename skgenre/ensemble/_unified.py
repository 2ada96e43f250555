import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch, indexable
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from .._bags import check_several, validate_genres
from .._base import check_not_empty, fit_context, forget_table
from .._fit_parameters import share_out
from .._genres import check_genres, check_groups
from .._tables import make_table
from ..audio._clips import keep_apart
from ._answers import ask, fit_and_hold_out
from ._branches import BranchComposition
from ._held_out import find_met, join_answers, make_folds
from ._learning import learns_from_genres
from ._pool import LogarithmicPool, lay_side_by_side
from ._voting import SegmentVotingClassifier


def _head_has_predict_proba(self):
    return hasattr(getattr(self, "head_", self._make_head()), "predict_proba")


class UnifiedGenreClassifier(ClassifierMixin, BranchComposition):
    """Classify songs by what several nets and descriptors say of them together.

    Each branch is asked for the genre of a song by itself: a classifier, such as a net, directly; a
    transformer, such as a pretrained model or a table of descriptors, through a logistic regression
    on its columns. A last classifier, the head, learns how far to trust each from their answers for
    songs that they were not fitted on. So the whole should be no worse than its best branch.

    Parameters
    ----------
    branches : list of (str, estimator), default=None
        Names and branches: classifiers, transformers, and pipelines of them. ``"drop"`` in the
        place of one leaves it out. ``None`` means a net on MFCCs of segments of 3 s, ``"cnn"``,
        audio descriptors, ``"descriptors"``, and the tags of a pretrained net, ``"musicnn"``; all
        take files.
    selector : transformer, default=None
        Chooses among the columns of each branch that is a transformer: `FeatureWizSelector`, say.
        To choose among those of several together, make them one branch, a
        `sklearn.pipeline.FeatureUnion`.
    final_estimator : classifier, default=None
        The head, which gets the probabilities of all branches side by side. ``None`` means their
        product, each to the power of a weight that is learnt for the branch, as for ``"pool"`` in
        `GroupStackingClassifier`.
    cv : int, cross-validation splitter or iterable of folds, default=None
        Folds of songs that are held out, as `GroupStackingClassifier` takes them. Branches that
        learn from genres are fitted once for each, and once on all songs. Other branches are fitted
        and asked once; only the regression on their columns is fitted for each fold.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The genres.
    branches_ : Bunch
        The branches by name, fitted on all songs.
    branch_heads_ : dict
        For branches that are transformers, the `SegmentVotingClassifier` on their columns, by name.
    head_ : classifier
        The head. That for None has the weights of the branches as ``weights_``.
    feature_names_ : ndarray of str
        Names of the columns that the head gets, the branch before ``__``, the genre after.
    n_features_in_ : int
        Number of columns, where X is a table.
    feature_names_in_ : ndarray of str
        Their names, where X is a frame.

    See Also
    --------
    GroupStackingClassifier : The same for classifiers alone, in several processes.
    FeatureWizSelector : Thins columns out by correlation and by gradient-boosted trees.
    OnnxEmbedder : A branch that knows music and needs no training.

    Notes
    -----
    Where `fit` gets ``groups``, no artist is on both sides of a fold. A genre of a single artist is
    then held out as a whole, and the head for None learns nothing from its songs.

    A branch answers for songs that it could not read by the share of each genre among the others.

    References
    ----------
    .. [1] "AI Music Genre Classification", student report, University of Bristol, 2022, which
       wished for a unified model of a convolutional net and Wav2Vec2.
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
        """Fit the branches, and the head on what they say of songs held out.

        Parameters
        ----------
        X : array-like
            Songs, as the branches take them: paths, waveforms, bags of segments, a table.
        y : array-like of shape (n_songs,)
            The genre of each song.
        groups : array-like of shape (n_songs,), default=None
            The artist of each song, say. Branches whose own `fit` takes groups get those of their
            songs.
        **fit_params : dict
            ``sample_weight``, for the head and all that learns from genres, which must support it.
            With scikit-learn's metadata routing, whatever branches ask for; groups are then routed
            too.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If a branch has neither ``predict_proba`` nor ``transform``, if it could read no song of
            a genre, if there is one genre or one whose songs have no weight, or if songs cannot be
            divided in folds: see `GroupStackingClassifier`.
        """
        branches = self._validate_branches()
        X, y, groups = indexable(keep_apart(X), validate_genres(self, y), check_groups(groups))
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
        X : array-like
            Songs, as in `fit`.

        Returns
        -------
        proba : ndarray of shape (n_songs, n_classes)
            In the order of ``classes_``.
        """
        answers = lay_side_by_side(self._ask(X))
        return self.head_.predict_proba(answers)

    def predict(self, X):
        """Predict the genres of songs.

        Parameters
        ----------
        X : array-like
            Songs, as in `fit`.

        Returns
        -------
        y : ndarray of shape (n_songs,)
            The genres.
        """
        answers = lay_side_by_side(self._ask(X))
        return self.head_.predict(answers)

    def predict_branches(self, X):
        """Predict the genres of songs by each branch alone.

        Parameters
        ----------
        X : array-like
            Songs, as in `fit`.

        Returns
        -------
        predicted : DataFrame of shape (n_songs, n_branches)
            By the names of the branches.
        """
        return self._choose(self._ask(X))

    def _choose(self, answers):
        """Return the likeliest genres by the names of the branches."""
        genres = self.classes_[np.argmax(answers, axis=2)]
        return make_table(genres.T, list(self.branches_))

    def score_branches(self, X, y, sample_weight=None):
        """Return the accuracy of each branch alone, of the best of them for each song, and of all.

        Parameters
        ----------
        X : array-like
            Songs, as in `fit`.
        y : array-like of shape (n_songs,)
            The genre of each song.
        sample_weight : array-like of shape (n_songs,), default=None
            Weight of each song.

        Returns
        -------
        accuracy : Series
            By the names of the branches, then ``"oracle"``, where a song counts if any branch is
            right, a bound for what a head can make of their answers, and ``"unified"``.
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
        """Return what this classifier and those in it ask for.

        Returns
        -------
        routing : MetadataRouter
            As `sklearn.utils.metadata_routing` describes.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        fit = MethodMapping().add(caller="fit", callee="fit")
        parts = dict(self._get_branches())
        return router.add(**parts, final_estimator=self._make_head(), method_mapping=fit)
