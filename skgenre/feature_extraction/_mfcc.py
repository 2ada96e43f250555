from functools import partial
from numbers import Integral

import numpy as np
import scipy.fft
from sklearn.utils._param_validation import Interval

from ._mel import MelSpectrogramTransformer


class MFCCSegmenter(MelSpectrogramTransformer):
    """Cut clips in segments and turn each into mel-frequency cepstral coefficients.

    A stateless transformer from audio files or waveforms to bags of segments, with the numbers of
    `librosa.feature.mfcc` on each segment. By default a 30 s clip becomes ten segments of 3 s, as
    in the report that this package grew from.

    A clip longer than ``duration`` is cropped at its end. A shorter one is repeated from its start
    until it is long enough or, where ``segment_duration`` is given, taken as it is.

    Parameters
    ----------
    sr : float, default=22050
        Sample rate in Hz. Files, and samples that come with a rate of their own, are resampled to
        it; waveforms without one are taken to have it.
    orig_sr : float, default=None
        Sample rate in Hz of waveforms that come without one, if it is another: they are resampled
        to ``sr``.
    n_mfcc : int, default=13
        Number of coefficients, at most ``n_mels``.
    n_fft : int, default=2048
        Length of a frame's Fourier transform, in samples.
    hop_length : int, default=512
        Samples from one frame to the next.
    win_length : int, default=None
        Length of the window within a frame, in samples. ``None`` means ``n_fft``.
    window : str, tuple, float, callable or array-like, default="hann"
        The window, as `scipy.signal.get_window` takes it.
    center : bool, default=True
        Pad the waveform so that frame ``t`` is centred at sample ``t * hop_length``.
    pad_mode : {"constant", "edge", "linear_ramp", "reflect", "symmetric"}, default="constant"
        How to pad, as `numpy.pad` does it.
    power : float, default=2.0
        Exponent of the magnitude: 1 for amplitude, 2 for power.
    n_mels : int, default=128
        Number of mel bands.
    fmin : float, default=0.0
        Lowest frequency in Hz.
    fmax : float, default=None
        Highest frequency in Hz. ``None`` means ``sr / 2``.
    htk : bool, default=False
        Use HTK's mel scale and not Slaney's.
    norm : {"slaney"}, float or None, default="slaney"
        How the mel filters are normalised, as `librosa.filters.mel` takes it.
    top_db : float, default=80.0
        Cut what is this many decibels below the maximum of the segment. ``None`` keeps all, and
        computes in float64.
    duration : float, default=30.0
        Length to which clips are cropped or repeated, in seconds; with ``segment_duration``, the
        most that is taken of a clip. ``None`` takes each as it is.
    n_segments : int, default=10
        Cut each clip in this many segments of equal length. ``None`` to use ``segment_duration``.
    segment_duration : float, default=None
        Cut each clip in segments of this length, in seconds, from its start. A last part shorter
        than half a segment is dropped unless it is the only one; otherwise it is repeated to full
        length.
    cache : path or joblib.Memory, default=None
        Folder to keep the features of files in. An entry is used again while the file's path, size
        and time of last change, the parameters and the versions of the libraries are the same.
        Waveforms are not kept.
    on_error : {"raise", "nan"}, default="raise"
        What to do with clips that cannot be read: raise an error that names all of them, or give
        them rows of NaN and warn once in each call.
    timeout : float, default=None
        Seconds that a separate process may take to read a file. A file that hangs or crashes the
        decoder is then one that cannot be read. ``None`` reads in this process.
    n_jobs : int, default=None
        How many clips are read and transformed at a time, in threads unless
        `joblib.parallel_config` names another backend.
    verbose : int, default=0
        Show a progress bar.

    Attributes
    ----------
    n_features_in_ : int
        Number of samples of the waveforms seen in `fit`, where they came as one array.

    See Also
    --------
    MelSpectrogramTransformer : The spectrogram that the coefficients come from.
    SegmentSummarizer : Turns the bags into a table.
    librosa.feature.mfcc : The reference for the numbers.

    Notes
    -----
    Waveforms in an array, or in a list where all have one length, are a table as scikit-learn knows
    it: others must then have that length too. Give clips of other lengths as paths, or together in
    one list.

    The result has the shape

    - (n_clips, n_segments, n_mfcc, n_frames) with ``n_segments``,
    - (n_clips,), of dtype object and each element of shape (n_segments, n_mfcc, n_frames), with
      ``segment_duration``. With neither that nor a ``duration``, the clip is its only segment.
    - (n_clips, n_mfcc, n_frames) with a ``duration`` only.

    ``n_frames`` is ``1 + n_samples // hop_length`` when centred: 130 for 3 s.

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
