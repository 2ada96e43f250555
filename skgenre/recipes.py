"""Named pipelines: the models of the report, those of the systems it cites, and ours."""

import math
from collections.abc import Callable
from functools import partial
from numbers import Integral, Real
from typing import NamedTuple

from sklearn.compose import ColumnTransformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import BernoulliRBM
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn.utils import check_scalar

from .ensemble import GroupStackingClassifier, SegmentVotingClassifier, UnifiedGenreClassifier
from .feature_extraction import (
    AudioDescriptorTransformer,
    MelSpectrogramTransformer,
    MFCCSegmenter,
    OnnxEmbedder,
    Wav2VecEmbedder,
)
from .feature_extraction._spectrum import MUSICNN
from .feature_selection import FeatureWizSelector
from .mixture import GaussianMixtureClassifier
from .neural_network import (
    KerasANNClassifier,
    KerasCNNClassifier,
    KerasRNNClassifier,
    Wav2VecClassifier,
)
from .preprocessing import SegmentSummarizer, SpectrogramScaler


def make_genre_classifier(
    name,
    *,
    sr=22050,
    duration=30.0,
    n_segments=None,
    random_state=None,
    n_jobs=None,
    cache=None,
    **params,
):
    """Make a named pipeline, from audio files or waveforms to genres.

    Parameters
    ----------
    name : str
        Which one, of those below.
    sr : float, default=22050
        Sample rate in Hz. Files, and samples that come with a rate of their own, are resampled to
        it; waveforms without one are taken to have it.
    duration : float, default=30.0
        How much is used of each clip, in seconds from its start.
    n_segments : int, default=None
        Cut ``duration`` in this many segments, which are judged one by one and then together. A
        shorter clip has fewer, at least one. ``None`` means ten for the names that the table marks,
        and one for the others: then a shorter clip is repeated to ``duration``.
    random_state : int, RandomState instance or None, default=None
        For all that draws random numbers. An int makes refits identical.
    n_jobs : int, default=None
        How many clips are read at a time.
    cache : path or joblib.Memory, default=None
        Folder to keep the features of files in.
    **params
        Nested parameters of the pipeline, as its ``set_params`` takes them: ``cnn__epochs=20``.

    Returns
    -------
    pipeline : Pipeline
        Unfitted, with ``predict_proba``. Its last step is ``ann``, ``cnn`` or ``rnn`` where it is
        such a net, ``musicnn`` for ``best``, and else has the name of the recipe up to the first
        ``-``.

    Raises
    ------
    ValueError
        If there is no such name or no such parameter, if ``duration`` is not positive and finite,
        or if ``n_segments`` is less than 1, or more for what judges whole clips.

    Notes
    -----
    ==================  ======  =================================================================
    name                ten     what
    ==================  ======  =================================================================
    ann-mel, ann-mfcc           dense net of 512, 256 and 64 units on a mel spectrogram or MFCCs,
    ann-mfcc-10         x       with dropout [1]_
    cnn-mel, cnn-mfcc           the convolutional nets of [1]_ on the same
    cnn-mfcc-10         x
    gmm                         a mixture of Gaussians for each genre on the 30 features of [2]_
    knn                         the five nearest neighbours on the same [2]_
    svm                 x       support vector machine on audio descriptors, after [3]_
    rbm                 x       two restricted Boltzmann machines on audio descriptors and a linear
                                head, after [4]_
    blstm-attention     x       bidirectional recurrent net with attention, after [5]_
    lstm, indrnn        x       recurrent nets, compared in [6]_
    cnn-residual        x       residual net over time, after [7]_
    cnn-2d              x       spectrogram net, after [8]_
    cnn-musicnn         x       ours: a new head on a pretrained net, musicnn [9]_, which comes with
                                the package
    linear                      ours, to compare with: logistic regression on audio descriptors
    lda                         ours: linear discriminants with shrunk covariance on audio
                                descriptors, the 30 features of [2]_ and the range of each mel band
    stack                       ours: ``lda``, logistic regression and extremely randomised trees on
                                the same features, weighed by what they say of songs held out
    musicnn                     ours: logistic regression on the tags of a pretrained net, musicnn
                                [9]_, which comes with the package
    musicnn-both                ours: logistic regression on these tags and on the layers below the
                                tags of both musicnns, the other of which learnt other tags
    wav2vec             x       the fine-tuned Wav2Vec2 of [1]_
    wav2vec-embed       x       ours: logistic regression on the mean and standard deviation over
                                time of the same model, as it is
    unified             x       what [1]_ wished for: ``cnn-mfcc-10``, audio descriptors and what
                                ``musicnn-both`` learns from, each weighed by what it says of songs
                                held out; of other artists, where ``fit`` gets ``unified__groups``
    unified-featurewiz  x       the same, its descriptors and pretrained layers thinned out by
                                FeatureWiz
    metadata                    ours: logistic regression on the same features, the letters of the
                                title and the artist. Takes a DataFrame with the columns ``path``,
                                ``title`` and ``artist``
    best                        what told unheard artists best of those that need no checkpoint:
                                ``musicnn-both``
    ==================  ======  =================================================================

    How sure ``svm``, ``lda``, ``stack``, ``musicnn-both`` and ``best`` may be is learned from songs
    held out: of other artists, where ``fit`` gets ``svm__groups``, ``lda__groups``,
    ``stack__groups`` or ``musicnn__groups``. So they need two songs of a genre at least.

    ``best`` was chosen by accuracy in ten times five folds with artists apart, on 323 songs of
    GTZAN: see the page on models.

    ``wav2vec`` hears ``n_segments`` segments spread over the whole song, not its first ``duration``
    seconds, and keeps no features in ``cache``, since it learns its own. ``metadata`` needs one
    known title at least; ``columns__title="drop"`` does without.

    The names with ``wav2vec`` need a checkpoint, facebook/wav2vec2-xls-r-300m from the Hugging Face
    hub unless another name or a local folder is given: ``wav2vec__checkpoint``, or
    ``embed__checkpoint``. The unified model, for which [1]_ wanted one, takes it as a further
    branch: ``unified__wav2vec=Wav2VecEmbedder(checkpoint=...)``. ``unified__musicnn="drop"`` and
    the like leave out a branch.

    Every other number that a paper leaves open is our choice. The report's nets learn at its rate
    of 1e-4.

    References
    ----------
    .. [1] "AI Music Genre Classification", student report, University of Bristol, 2022.
    .. [2] G. Tzanetakis and P. Cook, "Musical genre classification of audio signals", IEEE
       Transactions on Speech and Audio Processing 10(5), 2002.
    .. [3] C. Xu, N. C. Maddage, X. Shao, F. Cao and Q. Tian, "Musical genre classification using
       support vector machines", ICASSP, 2003.
    .. [4] T. Feng, "Deep learning for music genre classification", University of Illinois, 2014.
    .. [5] Y. Yu, S. Luo, S. Liu, H. Qiao, Y. Liu and L. Feng, "Deep attention based music genre
       classification", Neurocomputing 372, 2020.
    .. [6] Q. G. Rafi, M. Noman, S. Z. Prodhan, S. Alam and D. Nandi, "Comparative analysis of three
       improved deep learning architectures for music genre classification", International Journal
       of Information Technology and Computer Science 13(2), 2021.
    .. [7] W. Zhang, W. Lei, X. Xu and L. Xie, "Improved music genre classification with
       convolutional neural networks", Interspeech, 2016.
    .. [8] Athulya K. M. and Sindhu S., "Deep learning based music genre classification using
       spectrogram", SSRN, 2021.
    .. [9] J. Pons and X. Serra, "musicnn: Pre-trained convolutional neural networks for music audio
       tagging", ISMIR 2019, late-breaking demo.

    Examples
    --------
    >>> from skgenre import make_genre_classifier
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(24, n_genres=2, duration=3.0, random_state=0)
    >>> clf = make_genre_classifier("lda", duration=3.0, n_jobs=2).fit(X, y)
    >>> clf.predict_proba(X[:1]).shape
    (1, 2)
    """
    if name not in RECIPES:
        raise ValueError(f"There is no recipe {name!r}; there are {', '.join(RECIPES)}")
    make_steps, usual_n_segments = RECIPES[name]
    if not isinstance(duration, Real) or not 0 < float(duration) < math.inf:
        raise ValueError(
            f"duration must be a positive number of seconds, got {duration!r}; every recipe takes "
            "the same length of each clip"
        )
    if n_segments is not None:
        check_scalar(n_segments, "n_segments", Integral, min_val=1)
    reading = {"sr": sr, "duration": duration, "n_segments": None, "n_jobs": n_jobs, "cache": cache}
    if usual_n_segments is None and n_segments not in (None, 1):
        raise ValueError(f"{name!r} judges whole clips, got n_segments={n_segments}")
    n_segments = n_segments or usual_n_segments or 1
    if n_segments > 1:
        reading["segment_duration"] = duration / n_segments
    return Pipeline(make_steps(reading, random_state)).set_params(**params)


def _net_steps(transformer, classifier, reading, random_state, **settings):
    features = "mel" if transformer is MelSpectrogramTransformer else "mfcc"
    net = classifier.__name__.removeprefix("Keras").removesuffix("Classifier").lower()
    return [
        (features, transformer(**reading)),
        ("scale", SpectrogramScaler()),
        (net, classifier(random_state=random_state, **settings)),
    ]


def _fine_tuned_steps(reading, random_state):
    rates = {**MUSICNN, "orig_sr": reading["sr"]}
    mel = MelSpectrogramTransformer(**{**reading, **rates}, top_db=None)
    net = KerasCNNClassifier(
        architecture="musicnn", dropout=0.5, class_weight="balanced", random_state=random_state
    )
    return [("mel", mel), ("cnn", net)]


def _gmm_steps(reading, random_state):
    return [
        *_tzanetakis_steps(reading),
        ("gmm", GaussianMixtureClassifier(reg_covar=0.1, random_state=random_state)),
    ]


def _knn_steps(reading, random_state):
    return [*_tzanetakis_steps(reading), ("knn", KNeighborsClassifier())]


def _tzanetakis_steps(reading):
    return [
        ("descriptors", AudioDescriptorTransformer(features="tzanetakis2002", **reading)),
        ("scale", StandardScaler()),
    ]


def _svm_steps(reading, random_state):
    svm = make_pipeline(StandardScaler(), SVC(C=10, random_state=random_state))
    return [
        ("descriptors", AudioDescriptorTransformer(**reading)),
        ("svm", _calibrate("votes", SegmentVotingClassifier(svm))),
    ]


def _rbm_steps(reading, random_state):
    rbm = make_pipeline(
        QuantileTransformer(n_quantiles=10),
        *(
            BernoulliRBM(256, learning_rate=0.01, n_iter=100, random_state=random_state)
            for _ in range(2)
        ),
        StandardScaler(),
        LogisticRegression(C=0.1, max_iter=2000),
    )
    return [
        ("descriptors", AudioDescriptorTransformer(**reading)),
        ("rbm", SegmentVotingClassifier(rbm)),
    ]


def _linear_steps(reading, random_state):
    return [
        ("descriptors", AudioDescriptorTransformer(**reading)),
        ("scale", StandardScaler()),
        ("linear", LogisticRegression(C=0.1, max_iter=2000)),
    ]


def _lda_steps(reading, random_state):
    return [*_table_steps(reading), ("lda", _calibrate("lda", _shrunk_discriminants()))]


def _stack_steps(reading, random_state):
    linear = LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000)
    trees = ExtraTreesClassifier(500, class_weight="balanced", random_state=random_state)
    classifiers = [("lda", _shrunk_discriminants()), ("linear", linear), ("trees", trees)]
    stack = GroupStackingClassifier(classifiers, final_estimator="pool")
    return [*_table_steps(reading), ("stack", stack)]


def _musicnn_steps(reading, random_state):
    linear = LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000)
    return [("tags", OnnxEmbedder(**reading)), ("scale", StandardScaler()), ("musicnn", linear)]


def _both_musicnns_steps(reading, random_state):
    linear = LogisticRegression(C=0.003, class_weight="balanced", max_iter=2000)
    calibrated = _calibrate("linear", linear)
    return [
        ("embed", _both_musicnns(reading)),
        ("scale", StandardScaler()),
        ("musicnn", calibrated),
    ]


def _both_musicnns(reading):
    """Return what becomes of whole clips in two pretrained nets: tags, and what is below them."""
    return FeatureUnion(
        [
            ("msd", OnnxEmbedder("musicnn-msd", outputs=("tags", "penultimate"), **reading)),
            ("mtt", OnnxEmbedder("musicnn-mtt", outputs=("penultimate",), **reading)),
        ]
    )


def _wav2vec_steps(reading, random_state):
    seconds = reading.get("segment_duration", reading["duration"])
    net = Wav2VecClassifier(
        sr=reading["sr"],
        segment_duration=seconds,
        n_segments=round(reading["duration"] / seconds),
        n_jobs=reading["n_jobs"],
        random_state=random_state,
    )
    return [("wav2vec", net)]


def _wav2vec_embed_steps(reading, random_state):
    linear = LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000)
    return [*_embedding_steps(reading), ("scale", StandardScaler()), ("wav2vec", linear)]


def _embedding_steps(reading):
    """Return the steps to the mean over segments of a pretrained model's statistics."""
    return [
        ("embed", Wav2VecEmbedder(**reading)),
        ("summary", SegmentSummarizer(statistics=("mean",))),
    ]


def _unified_steps(reading, random_state, *, selects=False):
    whole = {name: value for name, value in reading.items() if name != "segment_duration"}
    net = RECIPES["cnn-mfcc-10"].make_steps(reading, random_state)
    branches = [
        ("cnn", Pipeline(net)),
        ("descriptors", AudioDescriptorTransformer(**whole)),
        ("musicnn", _both_musicnns(whole)),
        ("wav2vec", "drop"),
    ]
    selector = FeatureWizSelector() if selects else None
    return [("unified", UnifiedGenreClassifier(branches=branches, selector=selector))]


def _metadata_steps(reading, random_state):
    titles = make_pipeline(
        FunctionTransformer(_fill_gaps),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    )
    columns = ColumnTransformer(
        [
            ("audio", Pipeline(_table_steps(reading)), "path"),
            ("title", titles, "title"),
            ("artist", OneHotEncoder(handle_unknown="ignore"), ["artist"]),
        ]
    )
    linear = LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000)
    return [("columns", columns), ("metadata", linear)]


def _fill_gaps(titles):
    return titles.fillna("")


def _table_steps(reading):
    """Return the steps to scaled descriptors of two kinds and the range of each mel band."""
    bands = make_pipeline(
        MelSpectrogramTransformer(n_mels=40, **reading),
        SegmentSummarizer(statistics=("min", "median", "max")),
    )
    table = FeatureUnion(
        [
            ("descriptors", AudioDescriptorTransformer(**reading)),
            ("tzanetakis2002", AudioDescriptorTransformer(features="tzanetakis2002", **reading)),
            ("bands", bands),
        ]
    )
    return [("table", table), ("scale", StandardScaler())]


def _calibrate(name, classifier):
    """Return the classifier as sure as it should be, which songs held out tell."""
    return GroupStackingClassifier([(name, classifier)], final_estimator="pool")


def _shrunk_discriminants():
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")


class Recipe(NamedTuple):
    """How a named pipeline is made."""

    make_steps: Callable
    n_segments: int | None
    """In how many segments it cuts a clip unless told otherwise; None if it judges whole clips."""


_on_mel = partial(_net_steps, MelSpectrogramTransformer)
_on_mfcc = partial(_net_steps, MFCCSegmenter)
_REPORT = {"learning_rate": 1e-4}
RECIPES = {
    "ann-mel": Recipe(partial(_on_mel, KerasANNClassifier, **_REPORT), 1),
    "ann-mfcc": Recipe(partial(_on_mfcc, KerasANNClassifier, **_REPORT), 1),
    "ann-mfcc-10": Recipe(partial(_on_mfcc, KerasANNClassifier, **_REPORT), 10),
    "cnn-mel": Recipe(partial(_on_mel, KerasCNNClassifier, architecture="mel", **_REPORT), 1),
    "cnn-mfcc": Recipe(partial(_on_mfcc, KerasCNNClassifier, **_REPORT), 1),
    "cnn-mfcc-10": Recipe(partial(_on_mfcc, KerasCNNClassifier, **_REPORT), 10),
    "gmm": Recipe(_gmm_steps, None),
    "knn": Recipe(_knn_steps, None),
    "svm": Recipe(_svm_steps, 10),
    "rbm": Recipe(_rbm_steps, 10),
    "blstm-attention": Recipe(
        partial(_on_mel, KerasRNNClassifier, architecture="blstm-attention"),
        10,
    ),
    "lstm": Recipe(partial(_on_mfcc, KerasRNNClassifier), 10),
    "indrnn": Recipe(partial(_on_mfcc, KerasRNNClassifier, architecture="indrnn"), 10),
    "cnn-residual": Recipe(partial(_on_mel, KerasCNNClassifier, architecture="residual"), 10),
    "cnn-2d": Recipe(partial(_on_mel, KerasCNNClassifier, architecture="2d"), 10),
    "cnn-musicnn": Recipe(_fine_tuned_steps, 10),
    "linear": Recipe(_linear_steps, None),
    "lda": Recipe(_lda_steps, None),
    "stack": Recipe(_stack_steps, None),
    "musicnn": Recipe(_musicnn_steps, None),
    "musicnn-both": Recipe(_both_musicnns_steps, None),
    "wav2vec": Recipe(_wav2vec_steps, 6),
    "wav2vec-embed": Recipe(_wav2vec_embed_steps, 6),
    "unified": Recipe(_unified_steps, 10),
    "unified-featurewiz": Recipe(partial(_unified_steps, selects=True), 10),
    "metadata": Recipe(_metadata_steps, None),
}
RECIPES["best"] = RECIPES["musicnn-both"]
