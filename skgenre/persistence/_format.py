"""What a model file says of itself, and the seal at its end: all that export and load agree on.

A model file is an ONNX file of one song at a time. Its inputs are `WAVEFORM`, or the features of
`feature_name`; its outputs are `SEGMENT_PROBABILITIES` and `PROBABILITIES`. The rest stands in
``metadata_props``, as texts: JSON, but for the version of the format, which comes first.

The last bytes of the file are its seal: the entry ``content_sha256`` of ``metadata_props``, which
holds the SHA-256 of all bytes before it. Protocol buffers may be joined, so that whoever reads the
file as ONNX finds one entry more.
"""

import hashlib
import json
import math
from numbers import Integral, Real
from typing import NamedTuple

from .._bags import AGGREGATES
from .._names import printable

FORMAT = "1"
# onnxruntime reads these since 1.14, its build for browsers too.
OPSETS = {"": 18, "ai.onnx.ml": 3}
IR_VERSION = 8

WAVEFORM = "waveform"
SEGMENT_PROBABILITIES = "segment_probabilities"
PROBABILITIES = "probabilities"
# "song" is of classifiers that judge songs as a whole.
FILE_AGGREGATES = (*AGGREGATES, "song")
TRANSFORMERS = (
    "MelSpectrogramTransformer",
    "MFCCSegmenter",
    "AudioDescriptorTransformer",
    "LogMelPatches",
    "WaveformSegments",
)

# How songs are read is for who loads the file to say, and in no file.
READING = ("cache", "n_jobs", "on_error", "timeout", "verbose")

_VERSION_KEY, _SEAL_KEY = "skgenre_format", "content_sha256"
_MAX_GENRES = 1000
_MAX_FEATURES = 16
_MAX_SCORES = 100
_MAX_TEXT = 200
# What protocol buffers hold at most.
MAX_FILE_BYTES = 2**31 - 1
# What the metadata of a file may take, all together.
_MAX_METADATA = 2**20
RATES = (100.0, 1e6)


class ModelFileError(ValueError):
    """A file is not a model file that can be loaded; the message says why."""


def feature_name(number):
    """Return what the first (0), second (1), ... features are called in the graph."""
    return "features" if number == 0 else f"features_{number + 1}"


class Features(NamedTuple):
    """What one of the feature inputs holds: how our transformer makes it of a song."""

    name: str
    transformer: str
    params: dict
    shape: tuple
    """Of one song, the segments first; None where any length will do."""


class Segments(NamedTuple):
    """How a file from waveform wants its songs cut; None where any number will do."""

    duration: float | None
    segment_duration: float | None
    n_segments: int | None
    n_samples: int | None


class Abstention(NamedTuple):
    """When a classifier gives no genre: see `SelectiveClassifier`."""

    answer: str | int
    """What it answers then, which is no genre."""
    threshold: float | None
    """From which probability of the likeliest genre on it gives one; None for never."""


class ModelInfo(NamedTuple):
    """What a model file says of itself.

    Attributes
    ----------
    genres : tuple of str or of int
        In the order of the outputs.
    prior : tuple of float
        The answer for songs that cannot be read.
    sr : float
        Sample rate in Hz.
    features : tuple of Features
        What `load_model` computes.
    segments : Segments
        How songs are cut for `WAVEFORM`.
    aggregate : {"mean", "product", "vote", "song"}
        How the answers for segments become one for the song.
    made_by : dict
        ``recipe``, ``estimator``, ``parameters``, ``versions`` and ``date``.
    learned_from : dict
        ``n_songs`` and ``n_artists``.
    scores : tuple of dict
        Rows of `summarize`.
    abstains : Abstention or None
        When it gives no genre. A file of a classifier that always does has no such entry.
    """

    genres: tuple
    prior: tuple
    sr: float
    features: tuple
    segments: Segments
    aggregate: str
    made_by: dict
    learned_from: dict
    scores: tuple = ()
    abstains: Abstention | None = None

    def to_props(self):
        """Return the entries of ``metadata_props``, without the seal, and refuse nonsense."""
        values = self._asdict()
        values["features"] = [part._asdict() for part in self.features]
        values["segments"] = self.segments._asdict()
        if self.abstains is None:
            del values["abstains"]
        else:
            values["abstains"] = self.abstains._asdict()
        try:
            texts = {key: json.dumps(value, allow_nan=False) for key, value in values.items()}
        except (TypeError, ValueError) as error:
            raise ModelFileError(f"the metadata cannot be written as JSON: {error}") from error
        props = {_VERSION_KEY: FORMAT, **texts}
        self.from_props(props)
        return props

    @classmethod
    def from_props(cls, props):
        """Return what ``metadata_props`` say, a dict of texts, and refuse nonsense.

        Raises
        ------
        ModelFileError
            It names the entry.
        """
        version = props.get(_VERSION_KEY)
        if version is None:
            raise ModelFileError("it is not a model file of skgenre; export_model makes them")
        if version != FORMAT:
            raise ModelFileError(
                f"it has the format {printable(version)[:_MAX_TEXT]}, and this version of skgenre "
                f"reads format {FORMAT}; install a newer skgenre, or export the model again"
            )
        if sum(map(len, props.values())) > _MAX_METADATA:
            raise ModelFileError(f"its metadata is longer than {_MAX_METADATA} characters")
        optional = {"abstains"} - set(props)
        values = {key: _parse(props, key) for key in cls._fields if key not in optional}
        genres = _check_genres(values["genres"])
        return cls(
            genres=genres,
            prior=_check_prior(values["prior"], len(genres)),
            sr=float(_check_number(values["sr"], "sr", *RATES)),
            features=_check_features(values["features"]),
            segments=_check_segments(values["segments"]),
            aggregate=_check_aggregate(values["aggregate"]),
            made_by=_check_made_by(values["made_by"]),
            learned_from=_check_learned_from(values["learned_from"]),
            scores=_check_scores(values["scores"]),
            abstains=_check_abstains(values["abstains"], genres) if "abstains" in values else None,
        )


def seal(data):
    """Return the bytes of an ONNX file with the seal behind them."""
    return data + _make_seal(data)


def is_sealed(data):
    """Tell whether a file is what `seal` once returned."""
    content = memoryview(data)[:-_SEAL_BYTES]
    return bytes(data[-_SEAL_BYTES:]) == _make_seal(content)


def _make_seal(content):
    """Return an entry of ``metadata_props`` with the SHA-256 of what is before it.

    As protocol buffers write it: a tag and a length before the entry, its key and its value.
    """
    key, value = _SEAL_KEY.encode(), hashlib.sha256(content).hexdigest().encode()
    entry = b"\x0a%c%b\x12%c%b" % (len(key), key, len(value), value)
    return b"\x72%c%b" % (len(entry), entry)


_SEAL_BYTES = len(_make_seal(b""))


def _parse(props, key):
    if key not in props:
        raise ModelFileError(f"its metadata has no {key!r}")
    try:
        return json.loads(
            props[key], parse_constant=_refuse, parse_float=_parse_float, parse_int=_parse_int
        )
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"its metadata {key!r} cannot be read: {error}") from error


def _refuse(text):
    raise ValueError(f"{text[:_MAX_TEXT]} is no number that is allowed")


def _parse_float(text):
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)


def _parse_int(text):
    value = int(text)
    return value if -(2**63) <= value < 2**63 else _refuse(text)


def _bad(key, value, expected):
    return ModelFileError(
        f"its metadata {key!r} must be {expected}, got {printable(repr(value)[:_MAX_TEXT])}"
    )


def _check_number(value, key, low, high, *, optional=False, kind=Real):
    if optional and value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        what = "an integer" if kind is Integral else "a number"
        raise _bad(key, value, f"{what} from {low:g} to {high:g}")
    return value


def _check_object(value, key, fields):
    if not isinstance(value, dict) or set(value) != set(fields):
        raise _bad(key, value, f"an object with {', '.join(fields)}")
    return value


def _check_list(value, key, at_least, at_most):
    if not isinstance(value, list) or not at_least <= len(value) <= at_most:
        raise _bad(key, value, f"a list of {at_least} to {at_most}")
    return value


def _check_text(value, key, longest=_MAX_TEXT):
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise _bad(key, value, f"a text of 1 to {longest} characters")
    if printable(value).replace(r"\x20", " ") != value:
        raise _bad(key, value, "a text without control characters and what else cannot be printed")
    return value


def _check_genres(genres):
    _check_list(genres, "genres", 2, _MAX_GENRES)
    if isinstance(genres[0], str):
        for genre in genres:
            _check_text(genre, "genres")
    elif any(isinstance(genre, bool) or not isinstance(genre, int) for genre in genres):
        raise _bad("genres", genres, "texts or integers, all of one kind")
    if len(set(genres)) < len(genres):
        raise _bad("genres", genres, "a list without doubles")
    return tuple(genres)


def _check_prior(prior, n_genres):
    for share in _check_list(prior, "prior", n_genres, n_genres):
        _check_number(share, "prior", 0, 1)
    if not math.isclose(sum(prior), 1, abs_tol=1e-3):
        raise _bad("prior", prior, "shares that sum to 1")
    return tuple(map(float, prior))


def _check_features(features):
    parts = []
    for number, part in enumerate(_check_list(features, "features", 0, _MAX_FEATURES)):
        key = f"features[{number}]"
        _check_object(part, key, Features._fields)
        if part["name"] != feature_name(number):
            raise _bad(f"{key}.name", part["name"], repr(feature_name(number)))
        if part["transformer"] not in TRANSFORMERS:
            raise _bad(
                f"{key}.transformer", part["transformer"], "one of " + ", ".join(TRANSFORMERS)
            )
        if not isinstance(part["params"], dict):
            raise _bad(f"{key}.params", part["params"], "an object")
        for size in _check_list(part["shape"], f"{key}.shape", 2, 8):
            _check_number(size, f"{key}.shape", 1, 2**31, optional=True, kind=Integral)
        parts.append(Features(**{**part, "shape": tuple(part["shape"])}))
    return tuple(parts)


def _check_segments(segments):
    _check_object(segments, "segments", Segments._fields)
    for name, kind, low, high in (
        ("duration", Real, 1e-3, 1e5),
        ("segment_duration", Real, 1e-3, 1e5),
        ("n_segments", Integral, 1, 1e5),
        ("n_samples", Integral, 1, 2**31),
    ):
        _check_number(segments[name], f"segments.{name}", low, high, optional=True, kind=kind)
    return Segments(**segments)


def _check_aggregate(aggregate):
    if aggregate not in FILE_AGGREGATES:
        raise _bad("aggregate", aggregate, "one of " + ", ".join(FILE_AGGREGATES))
    return aggregate


def _check_made_by(made_by):
    fields = ("recipe", "estimator", "parameters", "versions", "date")
    _check_object(made_by, "made_by", fields)
    if made_by["recipe"] is not None:
        _check_text(made_by["recipe"], "made_by.recipe")
    _check_text(made_by["estimator"], "made_by.estimator", 10 * _MAX_TEXT)
    _check_text(made_by["date"], "made_by.date")
    if not isinstance(made_by["parameters"], dict):
        raise _bad("made_by.parameters", made_by["parameters"], "an object")
    if not isinstance(made_by["versions"], dict):
        raise _bad("made_by.versions", made_by["versions"], "an object")
    for package, version in made_by["versions"].items():
        _check_text(package, "made_by.versions")
        _check_text(version, "made_by.versions")
    return made_by


def _check_learned_from(learned_from):
    for name, n in _check_object(learned_from, "learned_from", ("n_songs", "n_artists")).items():
        _check_number(n, f"learned_from.{name}", 1, 1e12, optional=True, kind=Integral)
    return learned_from


def _check_scores(scores):
    for number, row in enumerate(_check_list(scores, "scores", 0, _MAX_SCORES)):
        key = f"scores[{number}]"
        if not isinstance(row, dict):
            raise _bad(key, row, "an object")
        for name, value in row.items():
            _check_text(name, key)
            _check_score(value, f"{key}.{name}")
    return tuple(scores)


def _check_score(value, key):
    if isinstance(value, str):
        _check_text(value, key)
    elif not isinstance(value, bool):
        _check_number(value, key, -1e12, 1e12, optional=True)


def _check_abstains(abstains, genres):
    _check_object(abstains, "abstains", Abstention._fields)
    answer = abstains["answer"]
    if isinstance(genres[0], str):
        _check_text(answer, "abstains.answer")
    elif isinstance(answer, bool) or not isinstance(answer, int):
        raise _bad("abstains.answer", answer, "an integer, as genres are")
    if answer in genres:
        raise _bad("abstains.answer", answer, "no genre")
    _check_number(abstains["threshold"], "abstains.threshold", 0, 1, optional=True)
    return Abstention(**abstains)
