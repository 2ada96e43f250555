"""Segments of waveform as they are."""

import numpy as np

from ._base import BaseClipTransformer


class SpreadSegmentsTransformer(BaseClipTransformer):
    """Takes at most ``max_segments`` of a song, evenly spread over it; all where it is None."""

    max_segments: int | None

    @property
    def _reads_in_parts(self):
        # of a whole song that waits for the others, but few segments are kept
        return self.max_segments is None and super()._reads_in_parts

    def _read(self, clip):
        blocks = super()._read(clip)
        if self.max_segments is None:
            yield from blocks
            return
        segments = np.concatenate(list(blocks))
        n_taken = min(len(segments), self.max_segments)
        yield segments[np.linspace(0, len(segments) - 1, n_taken).round().astype(int)]


class WaveformSegments(SpreadSegmentsTransformer):
    """Cut clips in segments of waveform, as nets hear them that take no spectrograms.

    Gives (n_clips, n_segments, 1, n_samples), without segments (n_clips, 1, n_samples).

    Parameters
    ----------
    sr : float
        Sample rate of waveforms, in Hz.
    working_sr : float
        Sample rate of the segments, in Hz.
    duration, n_segments, segment_duration
        As in `MFCCSegmenter`.
    max_segments : int or None
        Of a clip that has more, take this many, evenly spread.
    cache, on_error, timeout, n_jobs, verbose
        As in `MFCCSegmenter`.
    """

    _parameter_constraints: dict = {
        **BaseClipTransformer._parameter_constraints,
        "working_sr": BaseClipTransformer._parameter_constraints["sr"],
        "max_segments": BaseClipTransformer._parameter_constraints["n_segments"],
    }

    def __init__(
        self,
        *,
        sr=16000,
        working_sr=16000,
        duration=30.0,
        n_segments=None,
        segment_duration=None,
        max_segments=None,
        cache=None,
        on_error="raise",
        timeout=None,
        n_jobs=None,
        verbose=0,
    ):
        self.sr = sr
        self.working_sr = working_sr
        self.duration = duration
        self.n_segments = n_segments
        self.segment_duration = segment_duration
        self.max_segments = max_segments
        self.cache = cache
        self.on_error = on_error
        self.timeout = timeout
        self.n_jobs = n_jobs
        self.verbose = verbose

    @property
    def _working_sr(self):
        return self.working_sr

    def _check_settings(self):
        super()._check_settings()
        if self.max_segments is not None and self.segment_duration is None:
            raise ValueError(f"max_segments={self.max_segments} needs a segment_duration")

    def _make_kernel(self):
        return as_bands

    def _feature_shape(self, n_samples):
        return 1, n_samples


def as_bands(segments):
    """Return segments of waveform, (n_segments, n_samples), as bags of one band."""
    return segments[:, np.newaxis]
