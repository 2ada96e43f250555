"""What nets hear: segments of a waveform to the patches that a net takes."""

from functools import cached_property

import numpy as np

from .._lengths import fit_length
from .._names import printable
from .._onnx._runtime import NetError
from ..audio._decode import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from ._spectrum import MUSICNN, MelPowerKernel, count_frames


def make_frontend(net, frontend, sr):
    """Return the front end of a net.

    Parameters
    ----------
    net : Net
        The net, whose input says how long a patch is.
    frontend : {"auto", "musicnn", "waveform"} or MelSpectrogramTransformer
        What the net hears. ``"auto"`` is what its file names, or ``"musicnn"`` where it names none
        and the net takes patches of 96 bands.
    sr : float
        Sample rate in Hz of waveforms, for nets that do not name their own.
    """
    if isinstance(frontend, str) and frontend == "auto":
        frontend = _find(net)
    if not isinstance(frontend, str):
        return MelFrontend(
            net,
            frontend._make_kernel,
            sr=frontend.sr,
            n_fft=frontend.n_fft,
            hop_length=frontend.hop_length,
            n_mels=frontend.n_mels,
            center=frontend.center,
        )
    if frontend == "musicnn":
        return MelFrontend(net, make_musicnn_kernel, center=True, **MUSICNN)
    return WaveformFrontend(net, _find_rate(net, sr))


def _find_rate(net, sr):
    """Return the sample rate that the file of a net names, or else the one of waveforms."""
    named = net.metadata.get("sample_rate", sr)
    try:
        rate = float(named)
    except ValueError:
        rate = np.nan
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        raise NetError(
            f"{net.name}: the file names the sample_rate {printable(named)!r}, which must be a "
            f"number of Hz from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}"
        )
    return rate


def make_musicnn_kernel():
    """Return the function from waveforms to what musicnn hears of them."""
    kernel = MelPowerKernel(is_compiled=False, **MUSICNN)
    return lambda waveforms: np.log10(1 + 10000 * kernel(waveforms))


def _find(net):
    """Return what the file of a net names as its front end, or what its input tells."""
    named = net.metadata.get("frontend")
    if named is None and len(net.shape) >= 2 and net.shape[-1] == MUSICNN["n_mels"]:
        return "musicnn"
    if named not in ("musicnn", "waveform"):
        raise NetError(
            f"{net.name}: the file does not say what input the net takes; set frontend to "
            "'musicnn', 'waveform' or a MelSpectrogramTransformer"
        )
    return named


class MelFrontend:
    """Spectrograms, cut into patches that lie side by side.

    Parameters
    ----------
    net : Net
        The net. Of the axes of its patches that are not of length 1, one holds bands and the other
        frames.
    make_kernel : callable
        Returns the function from waveforms (n, n_samples) to spectrograms (n, n_mels, n_frames);
        called when something is heard.
    sr, n_fft, hop_length, n_mels, center
        As the kernel has them.
    """

    def __init__(self, net, make_kernel, *, sr, n_fft, hop_length, n_mels, center):
        self.sr = sr
        self._make_kernel = make_kernel
        self._frames = {"n_fft": n_fft, "hop_length": hop_length, "center": center}
        places = [place for place, size in enumerate(net.shape) if size != 1]
        bands = [place for place in places[::-1] if net.shape[place] == n_mels]
        if len(places) != 2 or not bands:
            raise NetError(
                f"{net.name}: the net takes patches of shape {net.shape}, not spectrograms of "
                f"{n_mels} bands"
            )
        self._has_frames_first = bands[0] == places[1]
        self._shape = tuple(1 if size == 1 else -1 for size in net.shape)
        self._n_frames = net.shape[places[0] if self._has_frames_first else places[1]]
        padding = 2 * (n_fft // 2) if center else 0
        of_a_patch = (self._n_frames or 1) - 1
        self._shortest = max(1, n_fft - padding + of_a_patch * hop_length)

    @cached_property
    def _kernel(self):
        return self._make_kernel()

    @property
    def patch_duration(self):
        """Length of a patch in seconds, from its start to that of the next; None for any."""
        return self._n_frames and self._n_frames * self._frames["hop_length"] / self.sr

    def count_patches(self, n_samples):
        """Return how many patches a segment gives."""
        if self._n_frames is None:
            return 1
        return max(1, count_frames(n_samples, **self._frames) // self._n_frames)

    def __call__(self, segments):
        """Return patches, (n_segments, n_patches, ...), of segments, (n_segments, n_samples)."""
        if segments.shape[1] < self._shortest:
            segments = fit_length(segments, self._shortest)
        mel = self._kernel(segments).astype(np.float32, copy=False)
        n_segments, n_mels, n_frames = mel.shape
        n_frames = self._n_frames or n_frames
        n_patches = mel.shape[2] // n_frames
        patches = mel[:, :, : n_patches * n_frames].reshape(n_segments, n_mels, n_patches, n_frames)
        order = (0, 2, 3, 1) if self._has_frames_first else (0, 2, 1, 3)
        patches = patches.transpose(order)
        sizes = iter(patches.shape[2:])
        shape = [1 if size == 1 else next(sizes) for size in self._shape]
        return np.ascontiguousarray(patches).reshape(n_segments, n_patches, *shape)


class WaveformFrontend:
    """Stretches of the waveform that lie side by side.

    Parameters
    ----------
    net : Net
        The net. One axis of its patches is not of length 1, and holds samples.
    sr : float
        Sample rate in Hz of the waveform.
    """

    def __init__(self, net, sr):
        self.sr = sr
        places = [place for place, size in enumerate(net.shape) if size != 1]
        if len(places) != 1:
            raise NetError(f"{net.name}: the net takes patches of shape {net.shape}, not waveforms")
        self._n_samples = net.shape[places[0]]
        self._shape = tuple(1 if size == 1 else -1 for size in net.shape)

    @property
    def patch_duration(self):
        """Length of a patch in seconds; None for any."""
        return self._n_samples and self._n_samples / self.sr

    def count_patches(self, n_samples):
        """Return how many patches a segment gives."""
        return 1 if self._n_samples is None else max(1, n_samples // self._n_samples)

    def __call__(self, segments):
        """Return patches, (n_segments, n_patches, ...), of segments, (n_segments, n_samples)."""
        n_segments, n_samples = segments.shape
        length = self._n_samples or n_samples
        if n_samples < length:
            segments = fit_length(segments, length)
        n_patches = segments.shape[1] // length
        patches = segments[:, : n_patches * length].reshape(n_segments * n_patches, *self._shape)
        return patches.reshape(n_segments, n_patches, *patches.shape[1:])
