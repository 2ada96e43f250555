from functools import partial
from numbers import Integral

import numpy as np
import scipy.fft
from sklearn.utils._param_validation import Interval

from ._mel import MelSpectrogramTransformer


class MFCCSegmenter(MelSpectrogramTransformer):
    """Cut clips into segments and compute the MFCCs of each.

    Takes audio files or waveforms and gives bags of segments of mel-frequency cepstral coefficients
    [1]_. The numbers are those of `librosa.feature.mfcc` for each segment. By default, a clip of
    30 s becomes ten segments of 3 s.

    Clips longer than ``duration`` are cropped. Shorter ones are repeated to that length, unless
    ``segment_duration`` is given.

    Parameters
    ----------
    sr : float, default=22050
        Sample rate in Hz at which features are computed. Files, and samples with a rate of their
        own, are resampled to it. Waveforms without a rate are assumed to have it.
    orig_sr : float, default=None
        Sample rate in Hz of waveforms without a rate, if it is not ``sr``. They are resampled.
    n_mfcc : int, default=13
        Number of coefficients, at most ``n_mels``.
    n_fft : int, default=2048
        Length of the Fourier transform of a frame, in samples.
    hop_length : int, default=512
        Distance between the starts of successive frames, in samples.
    win_length : int, default=None
        Length of the window within a frame, in samples. ``None`` means ``n_fft``.
    window : str, tuple, float, callable or array-like of shape (win_length,), default="hann"
        The window, as in `scipy.signal.get_window`.
    center : bool, default=True
        Pad the waveform so that frame ``t`` is centred on sample ``t * hop_length``.
    pad_mode : {"constant", "edge", "linear_ramp", "reflect", "symmetric"}, default="constant"
        How to pad, as in `numpy.pad`.
    power : float, default=2.0
        Exponent of the magnitude spectrogram: 1 for amplitude, 2 for power.
    n_mels : int, default=128
        Number of mel bands.
    fmin : float, default=0.0
        Lowest frequency, in Hz.
    fmax : float, default=None
        Highest frequency, in Hz. ``None`` means ``sr / 2``.
    htk : bool, default=False
        Use the HTK formula for the mel scale instead of Slaney's.
    norm : {"slaney"}, float or None, default="slaney"
        Normalisation of the mel filters, as in `librosa.filters.mel`.
    top_db : float, default=80.0
        Clip values more than this many decibels below the maximum of the segment. ``None`` clips
        nothing and computes in float64.
    duration : float, default=30.0
        Length in seconds to which clips are cropped or repeated. With ``segment_duration``, the
        most that is used of a clip. ``None`` uses clips at their full length.
    n_segments : int, default=10
        Number of segments of equal length to cut each clip into. Set it to ``None`` if you use
        ``segment_duration``.
    segment_duration : float, default=None
        Length in seconds of the segments to cut each clip into. A remainder shorter than half a
        segment is dropped, unless there is no other segment; a longer one is repeated to full
        length.
    cache : path or joblib.Memory, default=None
        Folder to store the features of files in. They are used again while the file's path, size
        and modification time, the parameters and the versions of the libraries stay the same.
        Waveforms are not stored. See :doc:`/guide/extraction`.
    on_error : {"raise", "nan"}, default="raise"
        What to do if clips cannot be read. ``"raise"`` raises an error that names all of them;
        ``"nan"`` gives them rows of NaN and warns once per call.
    timeout : float, default=None
        Longest time in seconds to read a file, in a separate process. A file that hangs or crashes
        the decoder then counts as unreadable. ``None`` reads in the current process.
    n_jobs : int, default=None
        Number of clips to process in parallel, in threads unless `joblib.parallel_config` names
        another backend.
    verbose : int, default=0
        If above 0, show a progress bar.

    Attributes
    ----------
    n_features_in_ : int
        Number of samples of the waveforms seen in `fit`, if they came as one array.

    See Also
    --------
    MelSpectrogramTransformer : The spectrogram that the coefficients are computed from.
    SegmentSummarizer : Turns the bags of segments into a table.
    librosa.feature.mfcc : Computes the same for a single waveform.

    Notes
    -----
    Waveforms in an array, or in a list in which all have the same length, are a table to
    scikit-learn, so later calls need the same length. Pass clips of other lengths as paths, or all
    in one list.

    The result has the shape

    - (n_clips, n_segments, n_mfcc, n_frames) with ``n_segments``.
    - (n_clips,) with ``segment_duration``, or without any ``duration``: an object array of arrays
      of shape (n_segments, n_mfcc, n_frames).
    - (n_clips, n_mfcc, n_frames) with a ``duration`` only.

    ``n_frames`` is ``1 + n_samples // hop_length`` if ``center`` is true: 130 for 3 s.

    References
    ----------
    .. [1] S. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic
       word recognition in continuously spoken sentences", IEEE Trans. ASSP 28(4), 1980.

    Examples
    --------
    >>> from skgenre import MFCCSegmenter
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(4, duration=6.0, random_state=0)
    >>> MFCCSegmenter(duration=6.0, n_segments=2).fit_transform(X).shape
    (4, 2, 13, 130)

    Songs of any length, in segments of 3 s:

    >>> segmenter = MFCCSegmenter(duration=None, n_segments=None, segment_duration=3.0)
    >>> [len(bag) for bag in segmenter.fit_transform([X[0], X[1][:70000]])]
    [2, 1]
    """

    _parameter_constraints: dict = {
        **MelSpectrogramTransformer._parameter_constraints,
        "n_mfcc": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        sr=22050,
        orig_sr=None,
        n_mfcc=13,
        n_fft=2048,
        hop_length=512,
        win_length=None,
        window="hann",
        center=True,
        pad_mode="constant",
        power=2.0,
        n_mels=128,
        fmin=0.0,
        fmax=None,
        htk=False,
        norm="slaney",
        top_db=80.0,
        duration=30.0,
        n_segments=10,
        segment_duration=None,
        cache=None,
        on_error="raise",
        timeout=None,
        n_jobs=None,
        verbose=0,
    ):
        super().__init__(
            sr=sr,
            orig_sr=orig_sr,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window=window,
            center=center,
            pad_mode=pad_mode,
            power=power,
            n_mels=n_mels,
            fmin=fmin,
            fmax=fmax,
            htk=htk,
            norm=norm,
            top_db=top_db,
            duration=duration,
            n_segments=n_segments,
            segment_duration=segment_duration,
            cache=cache,
            on_error=on_error,
            timeout=timeout,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.n_mfcc = n_mfcc

    def _make_kernel(self):
        cosines = scipy.fft.dct(np.eye(self.n_mels), norm="ortho", axis=0)[: self.n_mfcc]
        return partial(_mfcc, super()._make_kernel(), cosines)

    def _feature_shape(self, n_samples):
        _, frames = super()._feature_shape(n_samples)
        return self.n_mfcc, frames

    def _check_settings(self):
        super()._check_settings()
        if self.n_mfcc > self.n_mels:
            raise ValueError(f"n_mfcc={self.n_mfcc} is more than n_mels={self.n_mels}")


def _mfcc(mel_kernel, cosines, waveforms):
    mel = mel_kernel(waveforms)
    return cosines.astype(mel.dtype) @ mel
