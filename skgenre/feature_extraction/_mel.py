from numbers import Integral, Real

from sklearn.utils._param_validation import Interval, StrOptions

from ._base import BaseClipTransformer
from ._mel_filters import frame_window
from ._spectrum import MelKernel, count_frames


class MelSpectrogramTransformer(BaseClipTransformer):
    """Compute mel spectrograms in decibels.

    Takes audio files or waveforms. The numbers are those of `librosa.feature.melspectrogram`
    followed by `librosa.power_to_db`.

    Clips longer than ``duration`` are cropped. Shorter ones are repeated to that length, unless
    ``segment_duration`` is given.

    Parameters
    ----------
    sr : float, default=22050
        Sample rate in Hz at which features are computed. Files, and samples with a rate of their
        own, are resampled to it. Waveforms without a rate are assumed to have it.
    orig_sr : float, default=None
        Sample rate in Hz of waveforms without a rate, if it is not ``sr``. They are resampled.
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
    n_segments : int, default=None
        Number of segments of equal length to cut each clip into.
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
    MFCCSegmenter : Cepstral coefficients of the same spectrogram.
    SpectrogramScaler : Standardises the bands before a network.
    librosa.feature.melspectrogram : Computes the same for a single waveform.

    Notes
    -----
    Waveforms in an array, or in a list in which all have the same length, are a table to
    scikit-learn, so later calls need the same length. Pass clips of other lengths as paths, or all
    in one list.

    The result has the shape

    - (n_clips, n_mels, n_frames) without segments.
    - (n_clips, n_segments, n_mels, n_frames) with ``n_segments``.
    - (n_clips,) with ``segment_duration``, or without any ``duration``: an object array of arrays
      of shape (n_segments, n_mels, n_frames).

    ``n_frames`` is ``1 + n_samples // hop_length`` if ``center`` is true.

    Examples
    --------
    >>> from skgenre import MelSpectrogramTransformer
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(4, duration=3.0, random_state=0)
    >>> MelSpectrogramTransformer(duration=3.0).fit_transform(X).shape
    (4, 128, 130)
    """

    _parameter_constraints: dict = {
        **BaseClipTransformer._parameter_constraints,
        "orig_sr": [Interval(Real, 0, None, closed="neither"), None],
        "n_fft": [Interval(Integral, 2, None, closed="left")],
        "hop_length": [Interval(Integral, 1, None, closed="left")],
        "win_length": [Interval(Integral, 1, None, closed="left"), None],
        "window": [str, tuple, Real, callable, "array-like"],
        "center": ["boolean"],
        "pad_mode": [StrOptions({"constant", "edge", "linear_ramp", "reflect", "symmetric"})],
        "power": [Interval(Real, 0, None, closed="neither")],
        "n_mels": [Interval(Integral, 1, None, closed="left")],
        "fmin": [Interval(Real, 0, None, closed="left")],
        "fmax": [Interval(Real, 0, None, closed="neither"), None],
        "htk": ["boolean"],
        "norm": [StrOptions({"slaney"}), Real, None],
        "top_db": [Interval(Real, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        *,
        sr=22050,
        orig_sr=None,
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
        n_segments=None,
        segment_duration=None,
        cache=None,
        on_error="raise",
        timeout=None,
        n_jobs=None,
        verbose=0,
    ):
        self.sr = sr
        self.orig_sr = orig_sr
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.win_length = win_length
        self.window = window
        self.center = center
        self.pad_mode = pad_mode
        self.power = power
        self.n_mels = n_mels
        self.fmin = fmin
        self.fmax = fmax
        self.htk = htk
        self.norm = norm
        self.top_db = top_db
        self.duration = duration
        self.n_segments = n_segments
        self.segment_duration = segment_duration
        self.cache = cache
        self.on_error = on_error
        self.timeout = timeout
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _make_kernel(self):
        return MelKernel(
            sr=self.sr,
            n_fft=self.n_fft,
            hop_length=self.hop_length,
            win_length=self.win_length,
            window=self.window,
            center=self.center,
            pad_mode=self.pad_mode,
            power=self.power,
            n_mels=self.n_mels,
            fmin=self.fmin,
            fmax=self.fmax,
            htk=self.htk,
            norm=self.norm,
            top_db=self.top_db,
        )

    def _feature_params(self):
        # a function is known by its name, which may come to mean another one
        window = frame_window(self.window, self.win_length or self.n_fft, self.n_fft)
        params = {**super()._feature_params(), "window": window}
        # of waveforms alone, which are not kept
        del params["orig_sr"]
        return params

    @property
    def _waveform_sr(self):
        return self.sr if self.orig_sr is None else self.orig_sr

    def _feature_shape(self, n_samples):
        frames = count_frames(
            int(n_samples), n_fft=self.n_fft, hop_length=self.hop_length, center=self.center
        )
        return self.n_mels, frames

    def _check_settings(self):
        super()._check_settings()
        if self.win_length is not None and self.win_length > self.n_fft:
            raise ValueError(f"win_length={self.win_length} is longer than n_fft={self.n_fft}")
        top = self.sr / 2 if self.fmax is None else self.fmax
        if self.fmin >= top:
            raise ValueError(f"fmin={self.fmin} is not below the highest frequency, {top} Hz")
