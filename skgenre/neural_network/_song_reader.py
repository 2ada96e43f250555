from ..feature_extraction._batched import BatchedClipTransformer
from ..feature_extraction._waveform_segments import SpreadSegmentsTransformer


class SongReader(SpreadSegmentsTransformer, BatchedClipTransformer):
    """Cuts clips in segments and gives what a function makes of them, as ragged bags.

    Parameters
    ----------
    function : callable
        From segments (n_segments, n_samples) to answers (n_segments, *shape).
    shape : tuple of int
        Of an answer: bands and frames.
    sr : float
        Sample rate of waveforms, in Hz.
    working_sr : float
        Sample rate of the segments that the function gets, in Hz.
    segment_duration : float
        Length of a segment in seconds.
    max_segments : int or None
        Of a song that has more, take this many, evenly spread.
    label : str
        Of the progress bar.
    batch_size, on_error, timeout, n_jobs, verbose
        As in the transformers.
    """

    duration, n_segments, cache = None, None, None

    def __init__(
        self,
        function,
        shape,
        *,
        sr,
        working_sr,
        segment_duration,
        max_segments,
        label,
        batch_size,
        on_error,
        timeout,
        n_jobs,
        verbose,
    ):
        self.function, self.shape = function, shape
        self.sr, self.working_sr = sr, working_sr
        self.segment_duration, self.max_segments = segment_duration, max_segments
        self.label, self.batch_size = label, batch_size
        self.on_error, self.timeout = on_error, timeout
        self.n_jobs, self.verbose = n_jobs, verbose

    def _check_clips(self, X, *, reset):
        # the classifier has checked them
        return X

    @property
    def _progress_label(self):
        return self.label

    @property
    def _working_sr(self):
        return self.working_sr

    def _make_kernel(self):
        return self.function

    def _feature_shape(self, n_samples):
        return self.shape
