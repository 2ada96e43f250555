"""Spectrograms on axes of seconds and Hz."""

import numpy as np

MEL_CMAP = "magma"
SIGNED_CMAP = "PuOr_r"
# Ticks, where the range holds some: octaves, below which the mel scale leaves no room.
_HERTZ = 250 * 2.0 ** np.arange(10)


def frame_edges(transformer, n_frames, n_samples):
    """Return where the frames of a segment begin and end, in seconds from its start.

    Frames are drawn around their centres and as wide as the hop.
    """
    first = 0 if transformer.center else transformer.n_fft / 2
    edges = first + (np.arange(n_frames + 1) - 0.5) * transformer.hop_length
    return np.clip(edges, 0, n_samples) / transformer.sr


def mel_edges(transformer):
    """Return where mel bands begin and end, in Hz: half-way, in mel, between their centres."""
    import librosa

    limits = [transformer.fmin, transformer.fmax or transformer.sr / 2]
    low, high = librosa.hz_to_mel(limits, htk=transformer.htk)
    centre_distance = (high - low) / (transformer.n_mels + 1)
    mels = low + centre_distance * (np.arange(transformer.n_mels + 1) + 0.5)
    return librosa.mel_to_hz(mels, htk=transformer.htk)


def draw_mel(ax, seconds, hertz, values, *, htk, **style):
    """Draw values (n_mels, n_frames) between edges on a mel scale; return the mesh."""
    import librosa

    mesh = ax.pcolormesh(seconds, hertz, values, **{"cmap": MEL_CMAP, "rasterized": True, **style})
    ax.set_yscale(
        "function",
        functions=(
            lambda hz: librosa.hz_to_mel(hz, htk=htk),
            lambda mel: librosa.mel_to_hz(mel, htk=htk),
        ),
    )
    ticks = [tick for tick in _HERTZ if hertz[0] <= tick <= hertz[-1]]
    if len(ticks) > 2:
        ax.set_yticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    ax.set_ylim(hertz[0], hertz[-1])
    ax.set_ylabel("Frequency (Hz)")
    return mesh


def draw_coefficients(ax, seconds, values, **style):
    """Draw cepstral coefficients (n_mfcc, n_frames) between edges; return the mesh."""
    edges = np.arange(len(values) + 1) - 0.5
    mesh = ax.pcolormesh(
        seconds, edges, values, **{"cmap": SIGNED_CMAP, "rasterized": True, **style}
    )
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.set_ylabel("Coefficient")
    return mesh


def coefficient_limit(mfcc):
    """Return a range of colours for coefficients (..., n_mfcc, n_frames).

    The lowest coefficients are many times the rest, which would all look the same beside them: the
    first, and a tenth of the others, may be out of the range.
    """
    others = mfcc[..., min(1, mfcc.shape[-2] - 1) :, :]
    return float(np.quantile(np.abs(others), 0.9)) or 1.0
