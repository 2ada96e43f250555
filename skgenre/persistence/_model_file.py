"""A model file in memory: checked, cut to what is computed here, and ready to judge songs."""

import errno
import hashlib
import os
import stat
from functools import cached_property
from pathlib import Path

import numpy as np

from .._bags import aggregate_proba
from .._names import printable
from .._onnx._runtime import NetError, open_session, run
from ._checks import read_model
from ._features import count_segments, make_transformer
from ._format import (
    MAX_FILE_BYTES,
    PROBABILITIES,
    SEGMENT_PROBABILITIES,
    WAVEFORM,
    ModelFileError,
    ModelInfo,
)
from ._sizes import N_SEGMENTS, TooLargeError, check_sizes

BUNDLED = {"gtzan-10": "gtzan-10.onnx"}
_DATA = Path(__file__).parents[1] / "data"
# Of a long song, as many segments are judged at a time.
_SEGMENTS_TOGETHER = 64
# By how much probabilities may miss 0 and 1, as sums of rounded numbers do.
_TOLERANCE = 1e-3


def open_model(model):
    """Return the `ModelFile` of a bundled name or of a file.

    Raises
    ------
    OSError
        If the file cannot be read.
    ModelFileError
        If it is no model file, or one that cannot be trusted.
    """
    name, path = printable(os.fsdecode(model)), model
    if isinstance(model, str) and model in BUNDLED:
        path = _DATA / BUNDLED[model]
    try:
        return ModelFile(name, _read(path))
    except OSError as error:
        names = ", ".join(map(repr, BUNDLED))
        raise type(error)(
            f"{name!r} is neither the name of a model that comes with "
            f"skgenre ({names}) nor a file that can be read: {error.strerror or error}"
        ) from error


def _read(path):
    # a pipe is opened without waiting for its other end, and then refused
    if "\0" in os.fsdecode(path):
        raise FileNotFoundError(errno.ENOENT, "no file has a zero byte in its name")
    file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(file, "rb") as opened:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "it is no file")
        if about.st_size > MAX_FILE_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {MAX_FILE_BYTES / 2**30:.0f} GiB")
        return opened.read(MAX_FILE_BYTES)


class ModelFile:
    """What a model file holds. It never changes, so that copies are the same one.

    Parameters
    ----------
    name : str
        What messages call it.
    data : bytes
        The file.

    Attributes
    ----------
    info : ModelInfo
        What it says of itself.
    takes_waveform : bool
        Whether the file itself makes features from waveform, which runtimes without skgenre need.
    """

    def __init__(self, name, data):
        self.name, self.data = name, data
        try:
            model, props = read_model(data)
            self.info = ModelInfo.from_props(props)
            n_segments = count_segments(self.make_transformers())
            self.takes_waveform = model.graph.input[0].name == WAVEFORM.encode()
            self._names = _cut(model.graph, self.info)
            self._n_together = self._find_room(model, n_segments)
            self._session = open_session(model.SerializeToString())
            self._check_ends()
        except (ValueError, MemoryError) as error:
            raise ModelFileError(f"{name}: {error}") from error

    def _find_room(self, model, n_segments):
        """Return how many segments are judged at a time: where many take too much memory, one.

        Where they cannot be judged alone, they must have room as many as a song has, at most
        ``n_segments``.
        """
        n_genres = len(self.info.genres)
        try:
            check_sizes(model, n_genres)
        except TooLargeError:
            if self._judges_segments_alone:
                n_segments = 1
            elif n_segments is None or n_segments >= N_SEGMENTS:
                raise
            check_sizes(model, n_genres, n_segments)
            return n_segments
        return _SEGMENTS_TOGETHER

    @property
    def _judges_segments_alone(self):
        """Whether the answer for a song follows from the answers for its segments."""
        return self.info.aggregate != "song" and len(self.info.features) == 1

    def __repr__(self):
        return repr(self.name)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        if self.name in BUNDLED and self.data == (_DATA / BUNDLED[self.name]).read_bytes():
            return open_model, (self.name,)
        return ModelFile, (self.name, self.data)

    def make_transformers(self):
        """Return new transformers that make the features of songs, in the order of the inputs."""
        return [make_transformer(part) for part in self.info.features]

    @cached_property
    def digest(self):
        """The SHA-256 of the file."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def classes(self):
        """The genres, in the order of the outputs."""
        classes = np.array(self.info.genres)
        classes.flags.writeable = False
        return classes

    @property
    def prior(self):
        """The answer for songs that cannot be read."""
        return np.array(self.info.prior, dtype=np.float32)

    def as_input(self, number, features):
        """Return one song's features as an input takes them, the segments first."""
        features = np.asarray(features, dtype=np.float32)
        n_axes = len(self.info.features[number].shape)
        return features[np.newaxis] if features.ndim == n_axes - 1 else features

    def judge(self, song):
        """Return the probabilities of a song's segments and of the song.

        Parameters
        ----------
        song : sequence of ndarray
            An array for each input.

        Returns
        -------
        segments : ndarray of shape (n_segments, n_genres)
        whole : ndarray of shape (n_genres,)
        """
        first, aggregate = song[0], self.info.aggregate
        if len(first) <= self._n_together or not self._judges_segments_alone:
            segments, whole = self._run(song)
            return segments, whole[0]
        starts = range(0, len(first), self._n_together)
        parts = [self._run([first[start : start + self._n_together]])[0] for start in starts]
        segments = np.concatenate(parts)
        return segments, aggregate_proba(segments, np.array([len(segments)]), aggregate)[0]

    def _run(self, song):
        for name, values in zip(self._names, song, strict=True):
            if not np.isfinite(values).all():
                raise ValueError(f"{name} hold numbers that are not finite")
        try:
            inputs = dict(zip(self._names, song, strict=True))
            answers = run(self._session, [SEGMENT_PROBABILITIES, PROBABILITIES], inputs)
        except NetError as error:
            raise NetError(f"{self.name}: {error}") from error
        n_genres = len(self.info.genres)
        for proba in answers:
            if proba.ndim != 2 or proba.shape[1] != n_genres or not len(proba):
                raise NetError(
                    f"{self.name}: it gives an answer of shape {proba.shape} where {n_genres} "
                    "probabilities are expected"
                )
            # also if there is NaN
            if not (proba.min() >= -_TOLERANCE and abs(proba.sum(axis=1) - 1).max() <= _TOLERANCE):
                raise NetError(
                    f"{self.name}: what it gives are no probabilities; its song may be of numbers "
                    "that are far from those it learned from"
                )
        return [np.maximum(proba, 0) for proba in answers]

    def _check_ends(self):
        """Refuse inputs and outputs that are not as the file says."""
        shapes = {part.name: part.shape for part in self.info.features}
        for taken in self._session.get_inputs():
            said = shapes.get(taken.name, (None, self.info.segments.n_samples))
            if taken.type != "tensor(float)" or not _fits(taken.shape, said):
                raise ModelFileError(
                    f"its input {printable(taken.name)!r} is {taken.type} of shape {taken.shape}, "
                    f"and is said to be floats of shape {said}"
                )
        n_genres = len(self.info.genres)
        for given in self._session.get_outputs():
            if given.type != "tensor(float)" or not _fits(given.shape, (None, n_genres)):
                raise ModelFileError(
                    f"its output {printable(given.name)!r} is {given.type} of shape {given.shape}, "
                    f"and must be floats, {n_genres} for each segment"
                )


def _fits(shape, said):
    return len(shape) == len(said) and all(
        own == other
        for own, other in zip(shape, said, strict=True)
        if isinstance(own, int) and other is not None
    )


def _cut(graph, info):
    """Leave what follows the features in a graph, and return the names of its inputs.

    A file from waveform says in ``value_info`` of what type and shape features are.
    """
    names = [part.name for part in info.features]
    wanted = {name.encode() for name in names}
    outputs = {value.name for value in graph.output}
    if outputs != {SEGMENT_PROBABILITIES.encode(), PROBABILITIES.encode()} or len(
        graph.output
    ) > len(outputs):
        raise ModelFileError(f"its outputs must be {SEGMENT_PROBABILITIES!r} and {PROBABILITIES!r}")
    inputs = {value.name: value for value in graph.input}
    if set(inputs) not in ({WAVEFORM.encode()}, wanted) or not wanted:
        raise ModelFileError(
            f"its inputs must be {WAVEFORM!r} or the features that it names, "
            f"{', '.join(names) or 'of which there are none'}"
        )
    described = inputs if wanted == set(inputs) else {v.name: v for v in graph.value_info}
    missing = [name for name in names if name.encode() not in described]
    if missing:
        raise ModelFileError(f"it does not say of what shape its {missing[0]!r} are")
    taken = [described[name.encode()] for name in names]
    nodes, needed = [], set(outputs)
    for node in reversed(graph.node):
        if not needed.isdisjoint(node.output):
            given = wanted.intersection(node.output)
            if given and not (given == set(node.output)):
                raise ModelFileError(f"its {min(given).decode()!r} are given beside others")
            if not given:
                nodes.append(node)
                needed.update(node.input)
    if needed.intersection(inputs) - wanted or not wanted <= needed:
        raise ModelFileError("its answers do not follow from its features alone")
    graph.ClearField("value_info")
    kept = [tensor for tensor in graph.initializer if tensor.name in needed]
    for field, parts in (("node", nodes[::-1]), ("initializer", kept), ("input", taken)):
        copies = [type(part)() for part in parts]
        for copy, part in zip(copies, parts, strict=True):
            copy.CopyFrom(part)
        graph.ClearField(field)
        getattr(graph, field).extend(copies)
    for node in graph.node:
        # onnxruntime below 1.22 mixes up what it makes of nodes without names
        node.name = node.output[0]
    return names
