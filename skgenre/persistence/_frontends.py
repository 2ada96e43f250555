"""What stands before a graph: features of segments, which a graph too may make of waveforms."""

import numpy as np
import scipy.fft

from ..feature_extraction import (
    AudioDescriptorTransformer,
    MelSpectrogramTransformer,
    MFCCSegmenter,
    OnnxEmbedder,
)
from ..feature_extraction._base import BaseClipTransformer
from ..feature_extraction._mel_filters import frame_window, mel_filters
from ..feature_extraction._spectrum import AMIN, MUSICNN, float32_suffices
from ..feature_extraction._waveform_segments import WaveformSegments
from ._format import READING
from ._graph import Value
from ._steps import ExportError, Song, name_step, transform

_CUT = ("duration", "segment_duration", "n_segments")
# of numpy.pad, by the names that ONNX has for them
_PAD_MODES = {"constant": "constant", "reflect": "reflect", "edge": "edge"}


class Feature:
    """Features of a song: which transformer makes them, of which segments.

    Parameters
    ----------
    transformer : str
        Its name in the file.
    params : dict
        Its parameters, of the types that JSON has.
    sr : float
        Sample rate in Hz at which it cuts songs.
    n_samples : int or None
        Length of a segment; None for the whole of songs of any length.
    build : callable or None
        Adds them to a graph, given it, the name of segments of waveform and the name that they
        should have.
    """

    def __init__(self, transformer, params, sr, n_samples, build):
        self.transformer, self.params, self.build = transformer, params, build
        self.sr, self.n_samples = float(sr), n_samples and int(n_samples)

    def __eq__(self, other):
        return (self.transformer, self.params) == (other.transformer, other.params)

    __hash__ = None  # type: ignore[assignment]

    @property
    def cut(self):
        """How songs are cut in segments."""
        return {name: self.params[name] for name in _CUT}


@transform.register
def _(step: BaseClipTransformer, x, graph):
    if not isinstance(x, Song):
        raise ExportError(f"{name_step(step)} must be the first step of a pipeline")
    if type(step) not in _BUILDERS:
        known = ", ".join(sorted(kind.__name__ for kind in [*_BUILDERS, OnnxEmbedder]))
        raise ExportError(
            f"{name_step(step)} cannot be written to a model file, which can hold {known}"
        )
    build = _BUILDERS[type(step)](step)
    return x.take(_describe(step, type(step).__name__, _params_of(step), build), _shape_of(step))


@transform.register
def _(step: OnnxEmbedder, x, graph):
    import onnx

    from ._transformers import summarize

    if not isinstance(x, Song):
        raise ExportError(f"{name_step(step)} must be the first step of a pipeline")
    net = step._open_net()
    n_frames = net.shape[0] if net.shape[1:] == (MUSICNN["n_mels"],) else None
    if step.frontend not in ("auto", "musicnn") or n_frames is None or net.batch_size:
        raise ExportError(
            f"{name_step(step)} has a net or a front end that a model file cannot hold; it holds "
            f"nets with the input of musicnn, any number of patches (n_frames, {MUSICNN['n_mels']})"
        )
    step._make_frontend()  # refuses a file that names another one
    params = {name: getattr(step, name) for name in ("sr", *_CUT)} | {"n_frames": n_frames}
    n_samples = step._segment_samples()
    n_patches = n_samples and step._make_frontend().count_patches(n_samples)
    build = _log_mel_patches(n_samples, n_patches, n_frames)
    feature = _describe(step, "LogMelPatches", params, build)
    shape = (None if step._has_segments else 1, n_patches, n_frames, MUSICNN["n_mels"])
    patches = x.take(feature, shape).name

    model = onnx.load_from_string(net.data)
    (taken,) = model.graph.input
    given = graph.merge(
        model, {taken.name: graph.reshape(patches, -1, n_frames, MUSICNN["n_mels"])}
    )
    values = graph.join([given[name] for name in step.outputs], axis=1)
    sizes = graph.add("Shape", patches, start=0, end=2)
    values = graph.add(
        "Reshape", values, graph.add("Concat", sizes, np.array([step._n_values]), axis=0)
    )
    values = graph.cast(graph.add("Transpose", values, perm=[0, 2, 1]), np.float64)
    parts = [summarize(name, values, graph) for name in step.statistics]
    row = graph.cast(graph.join(parts, axis=1), np.float32)
    width = step._n_values * len(parts)
    if not step._has_segments:
        return Value(row, (1, width))
    return Value(graph.add("Unsqueeze", row, np.array([2])), (None, width, 1))


def _describe(step, name, params, build):
    n_samples = step._segment_samples()
    return Feature(name, params, step._working_sr, n_samples, build if n_samples else None)


def _params_of(step):
    params = {name: value for name, value in step.get_params().items() if name not in READING}
    if not isinstance(params.get("window", ""), str):
        length = step.win_length or step.n_fft
        params["window"] = frame_window(step.window, length, length).tolist()
    return {name: _plain(value) for name, value in params.items()}


def _plain(value):
    """Return a parameter as JSON has it."""
    if isinstance(value, np.generic):
        return value.item()
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _shape_of(step):
    n_samples = step._segment_samples()
    shape = step._row_shape()[-2:] if step._has_segments else step._row_shape()
    if n_samples is None:
        shape = (shape[0], None)
    return (None if step._has_segments else 1, *(size and int(size) for size in shape))


def _mel(step):
    """Return what adds decibels as `MelKernel` has them, or None where the graph cannot pad so."""
    if step.pad_mode not in _PAD_MODES:
        return None
    dtype = np.float32 if float32_suffices(step.top_db, step.power, step.n_fft) else np.float64

    def build(graph, waveforms, name):
        power = _mel_power(
            graph,
            waveforms,
            dtype,
            window=frame_window(step.window, step.win_length or step.n_fft, step.n_fft),
            hop_length=step.hop_length,
            center=step.center,
            pad_mode=_PAD_MODES[step.pad_mode],
            power=step.power,
            filters=mel_filters(
                sr=step.sr,
                n_fft=step.n_fft,
                n_mels=step.n_mels,
                fmin=step.fmin,
                fmax=step.fmax,
                htk=step.htk,
                norm=step.norm,
            ),
        )
        logs = graph.add("Log", graph.add("Max", power, dtype(AMIN)))
        decibels = graph.add("Mul", logs, dtype(10 / np.log(10)))
        if step.top_db is not None:
            loudest = graph.reduce("ReduceMax", decibels, 1, 2, keepdims=1)
            floor = graph.add("Sub", loudest, dtype(step.top_db))
            decibels = graph.add("Max", decibels, floor)
        if isinstance(step, MFCCSegmenter):
            cosines = scipy.fft.dct(np.eye(step.n_mels), norm="ortho", axis=0)[: step.n_mfcc]
            decibels = graph.add("MatMul", cosines.astype(dtype), decibels)
        return graph.add("Cast", decibels, name=name, to=1)

    return build


def _log_mel_patches(n_samples, n_patches, n_frames):
    """Return what adds patches as the front end of musicnn cuts them."""

    def build(graph, waveforms, name):
        n_fft, n_mels = MUSICNN["n_fft"], MUSICNN["n_mels"]
        power = _mel_power(
            graph,
            _repeat(graph, waveforms, n_samples, (n_frames - 1) * MUSICNN["hop_length"]),
            np.float32,
            window=frame_window("hann", n_fft, n_fft),
            hop_length=MUSICNN["hop_length"],
            center=True,
            pad_mode="constant",
            power=2.0,
            filters=mel_filters(
                sr=MUSICNN["sr"],
                n_fft=n_fft,
                n_mels=n_mels,
                fmin=0.0,
                fmax=None,
                htk=False,
                norm="slaney",
            ),
        )
        logs = graph.add("Log", graph.add("Add", graph.add("Mul", power, _f4(10000)), _f4(1)))
        frames = graph.add("Transpose", graph.add("Mul", logs, _f4(1 / np.log(10))), perm=[0, 2, 1])
        whole = _first(graph, frames, n_patches * n_frames)
        # Sizes are constants: onnxruntime 1.24 to 1.30 cannot join a reshape to computed sizes with
        # the one that follows it.
        sizes = np.array([-1, n_patches, n_frames, n_mels])
        return graph.add("Reshape", whole, sizes, name=name)

    return build


def _repeat(graph, waveforms, n_samples, needed):
    """Add waveforms that are repeated from their start where they are shorter than is needed."""
    if n_samples >= needed:
        return waveforms
    repeated = graph.add("Tile", waveforms, np.array([1, -(-needed // n_samples)]))
    return _first(graph, repeated, needed)


def _first(graph, values, n):
    """Add the first ``n`` along the second axis."""
    return graph.add("Slice", values, np.array([0]), np.array([n]), np.array([1]))


def _mel_power(graph, waveforms, dtype, *, window, hop_length, center, pad_mode, power, filters):
    """Add mel power spectra, (n, n_mels, n_frames).

    The spectra are doubles: onnxruntime's transform of floats is less exact than ours, which shows
    in quiet bands.
    """
    n_fft = len(window)
    if center:
        around = n_fft // 2
        waveforms = graph.add("Pad", waveforms, np.array([0, around, 0, around]), mode=pad_mode)
    signal = graph.add("Unsqueeze", graph.cast(waveforms, np.float64), np.array([2]))
    spectra = graph.add(
        "STFT",
        signal,
        np.array(hop_length),
        window,
        np.array(n_fft),
        onesided=1,
    )
    spectrum = graph.cast(graph.reduce("ReduceSumSquare", spectra, 3), dtype)
    if power != 2:
        spectrum = graph.add("Pow", spectrum, dtype(power / 2))
    mel = graph.add("MatMul", spectrum, filters.T.astype(dtype))
    return graph.add("Transpose", mel, perm=[0, 2, 1])


def _bands(graph, waveforms, name):
    """Add segments of waveform as bags of one band."""
    return graph.add("Unsqueeze", waveforms, np.array([1]), name=name)


def _f4(number):
    return np.float32(number)


_BUILDERS = {
    MelSpectrogramTransformer: _mel,
    MFCCSegmenter: _mel,
    AudioDescriptorTransformer: lambda step: None,
    WaveformSegments: lambda step: _bands,
}
