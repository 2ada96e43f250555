"""The steps of each named pipeline."""

from collections.abc import Callable
from functools import partial
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

from ..ensemble import GroupStackingClassifier, SegmentVotingClassifier, UnifiedGenreClassifier
from ..feature_extraction import (
    AudioDescriptorTransformer,
    MelSpectrogramTransformer,
    MFCCSegmenter,
    OnnxEmbedder,
    Wav2VecEmbedder,
)
from ..feature_extraction._spectrum import MUSICNN
from ..feature_selection import FeatureWizSelector
from ..mixture import GaussianMixtureClassifier
from ..neural_network import (
    KerasANNClassifier,
    KerasCNNClassifier,
    KerasRNNClassifier,
    Wav2VecClassifier,
)
from ..preprocessing import SegmentSummarizer, SpectrogramScaler


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
            ("msd", _tags_and_layer(reading)),
            ("mtt", OnnxEmbedder("musicnn-mtt", outputs=("penultimate",), **reading)),
        ]
    )


def _tags_and_layer(reading):
    return OnnxEmbedder("musicnn-msd", outputs=("tags", "penultimate"), **reading)


def _large_steps(reading, random_state):
    net = KerasANNClassifier(
        (64,), dropout=0.5, epochs=20, class_weight="balanced", random_state=random_state
    )
    return [("embed", _tags_and_layer(reading)), ("scale", SpectrogramScaler()), ("ann", net)]


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
    """Number of segments to cut a clip into by default; None if it takes whole clips."""
    about: str
    """What it is, in a few words."""
    extra: str | None = None
    """Which extra of skgenre it needs."""


_on_mel = partial(_net_steps, MelSpectrogramTransformer)
_on_mfcc = partial(_net_steps, MFCCSegmenter)
_REPORT = {"learning_rate": 1e-4}
RECIPES = {
    "ann-mel": Recipe(
        partial(_on_mel, KerasANNClassifier, **_REPORT),
        1,
        "dense network on a mel spectrogram",
        "keras",
    ),
    "ann-mfcc": Recipe(
        partial(_on_mfcc, KerasANNClassifier, **_REPORT), 1, "dense network on MFCCs", "keras"
    ),
    "ann-mfcc-10": Recipe(
        partial(_on_mfcc, KerasANNClassifier, **_REPORT),
        10,
        "dense network on the MFCCs of ten segments",
        "keras",
    ),
    "cnn-mel": Recipe(
        partial(_on_mel, KerasCNNClassifier, architecture="mel", **_REPORT),
        1,
        "convolutional network on a mel spectrogram",
        "keras",
    ),
    "cnn-mfcc": Recipe(
        partial(_on_mfcc, KerasCNNClassifier, **_REPORT),
        1,
        "convolutional network on MFCCs",
        "keras",
    ),
    "cnn-mfcc-10": Recipe(
        partial(_on_mfcc, KerasCNNClassifier, **_REPORT),
        10,
        "convolutional network on the MFCCs of ten segments",
        "keras",
    ),
    "gmm": Recipe(_gmm_steps, None, "Gaussian mixtures on 30 descriptors"),
    "knn": Recipe(_knn_steps, None, "nearest neighbours on 30 descriptors"),
    "svm": Recipe(_svm_steps, 10, "support vector machine on descriptors of segments"),
    "rbm": Recipe(_rbm_steps, 10, "restricted Boltzmann machines on descriptors of segments"),
    "blstm-attention": Recipe(
        partial(_on_mel, KerasRNNClassifier, architecture="blstm-attention"),
        10,
        "recurrent network with attention on mel spectrograms",
        "keras",
    ),
    "lstm": Recipe(
        partial(_on_mfcc, KerasRNNClassifier), 10, "recurrent network on MFCCs", "keras"
    ),
    "indrnn": Recipe(
        partial(_on_mfcc, KerasRNNClassifier, architecture="indrnn"),
        10,
        "recurrent network of independent units on MFCCs",
        "keras",
    ),
    "cnn-residual": Recipe(
        partial(_on_mel, KerasCNNClassifier, architecture="residual"),
        10,
        "residual network over time on mel spectrograms",
        "keras",
    ),
    "cnn-2d": Recipe(
        partial(_on_mel, KerasCNNClassifier, architecture="2d"),
        10,
        "two-dimensional convolutional network on mel spectrograms",
        "keras",
    ),
    "cnn-musicnn": Recipe(
        _fine_tuned_steps, 10, "musicnn, a pretrained network, with a new head", "keras"
    ),
    "linear": Recipe(_linear_steps, None, "logistic regression on descriptors"),
    "lda": Recipe(_lda_steps, None, "linear discriminant analysis on descriptors"),
    "stack": Recipe(
        _stack_steps, None, "lda, logistic regression and trees on descriptors, combined"
    ),
    "musicnn": Recipe(
        _musicnn_steps, None, "logistic regression on the tags of a pretrained network"
    ),
    "musicnn-both": Recipe(
        _both_musicnns_steps,
        None,
        "logistic regression on tags and layers of two pretrained networks",
    ),
    "large": Recipe(
        _large_steps,
        None,
        "dense network on tags and a layer of a pretrained network, for more songs than memory",
        "keras",
    ),
    "wav2vec": Recipe(_wav2vec_steps, 6, "fine-tuned Wav2Vec2; needs a checkpoint", "wav2vec"),
    "wav2vec-embed": Recipe(
        _wav2vec_embed_steps,
        6,
        "logistic regression on layers of Wav2Vec2; needs a checkpoint",
        "wav2vec",
    ),
    "unified": Recipe(
        _unified_steps,
        10,
        "a network, descriptors and pretrained networks, combined",
        "keras",
    ),
    "unified-featurewiz": Recipe(
        partial(_unified_steps, selects=True),
        10,
        "the same, with features chosen by FeatureWiz",
        "featurewiz-modern",
    ),
    "metadata": Recipe(
        _metadata_steps, None, "logistic regression on descriptors, title and artist"
    ),
}
RECIPES["best"] = RECIPES["musicnn-both"]
