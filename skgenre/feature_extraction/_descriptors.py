from functools import partial
from numbers import Integral

from sklearn.utils._param_validation import Interval

from .._statistics import check_choice, check_statistics
from ._base import BaseClipTransformer
from ._base_descriptors import BaseDescriptorTransformer
from ._librosa_defaults import (
    CONTRAST_BANDS,
    CONTRAST_FMIN,
    DELTA_FRAMES,
    TEMPO_SECONDS,
    TEMPOGRAM_LAGS,
)
from ._spectrum import count_frames

# Values of each feature at a time; None stands for n_mfcc.
_N_BANDS = {
    "chroma_stft": 12,
    "tonnetz": 6,
    "rms": 1,
    "harmonic_rms": 1,
    "percussive_rms": 1,
    "spectral_centroid": 1,
    "spectral_bandwidth": 1,
    "spectral_contrast": CONTRAST_BANDS + 1,
    "spectral_rolloff": 1,
    "spectral_flatness": 1,
    "zero_crossing_rate": 1,
    "mfcc": None,
    "mfcc_delta": None,
    "mfcc_delta2": None,
    "onset_strength": 1,
    "tempogram": TEMPOGRAM_LAGS,
    "tempo": 1,
}
_DEFAULT_FEATURES = tuple(name for name in _N_BANDS if name != "tempogram")
# The top octave of the spectral contrast must begin below half the sample rate.
_TOP_OCTAVE = CONTRAST_FMIN * 2 ** (CONTRAST_BANDS - 1)
# The highest pitch of the pitch histogram is 2000 Hz.
_LOWEST_TZANETAKIS_RATE = 4000


class AudioDescriptorTransformer(BaseDescriptorTransformer):
    """Turn clips into a table of the descriptors that the literature on genres uses.

    A stateless transformer from audio files or waveforms to statistics over time of the features
    that librosa computes frame by frame, with librosa's numbers; or to the thirty numbers of
    Tzanetakis and Cook. All features of a segment share one short-time Fourier transform.

    A clip longer than ``duration`` is cropped at its end. A shorter one is repeated from its start
    until it is long enough or, where ``segment_duration`` is given, taken as it is.

    Parameters
    ----------
    features : sequence of str or "tzanetakis2002"
        What to compute, in this order; see Notes. The default is all but ``"tempogram"``, whose
        384 lags would outnumber the rest. ``"tzanetakis2002"`` is the set of [1]_, to which
        ``statistics``, ``n_fft``, ``hop_length``, ``n_mels`` and ``n_mfcc`` do not apply.
    statistics : sequence of str, default=("mean", "std")
        What to take of each feature over the frames of a segment, of ``"mean"``, ``"std"``,
        ``"var"``, ``"min"``, ``"max"``, ``"median"``, ``"skew"`` and ``"kurtosis"``. The kurtosis
        of a normal distribution is 0, and so are both of what does not vary.
    sr : float, default=22050
        Sample rate in Hz. Files, and samples that come with a rate of their own, are resampled to
        it; waveforms without one are taken to have it.
    n_fft : int, default=2048
        Length of a frame, in samples.
    hop_length : int, default=512
        Samples from one frame to the next. Frame ``t`` is centred at sample ``t * hop_length``.
    n_mels : int, default=128
        Number of mel bands behind MFCC, onset strength and tempogram.
    n_mfcc : int, default=20
        Number of cepstral coefficients, at most ``n_mels``.
    duration : float, default=30.0
        Length to which clips are cropped or repeated, in seconds; with ``segment_duration``, the
        most that is taken of a clip. ``None`` takes each as it is.
    n_segments : int, default=None
        Cut each clip in this many segments of equal length.
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
    MFCCSegmenter : Cepstral coefficients without statistics.
    SegmentSummarizer : Turns bags of segments into a table.
    librosa.feature : The reference for the numbers.

    Notes
    -----
    The result has the shape

    - (n_clips, n_descriptors) without segments, and a pandas frame of named columns after
      ``set_output(transform="pandas")``,
    - (n_clips, n_segments, n_descriptors, 1) with ``n_segments``: a bag of segments of one frame,
    - (n_clips,), of dtype object and each element of shape (n_segments, n_descriptors, 1), with
      ``segment_duration``. With neither that nor a ``duration``, the clip is its only segment.

    Column ``chroma_stft_3_mean`` is the mean of the fourth value of ``chroma_stft``. The features
    are those of librosa with its defaults, but for the parameters above:

    - ``"chroma_stft"``, ``"rms"``, ``"spectral_centroid"``, ``"spectral_bandwidth"``,
      ``"spectral_contrast"``, ``"spectral_rolloff"``, ``"spectral_flatness"``,
      ``"zero_crossing_rate"`` and ``"mfcc"``: ``librosa.feature``'s functions of the waveform.
    - ``"mfcc_delta"`` and ``"mfcc_delta2"``: ``librosa.feature.delta(mfcc)``, of order 1 and 2.
      They need segments of nine frames.
    - ``"tonnetz"``: ``librosa.feature.tonnetz(chroma=chroma_stft)``. Without that argument librosa
      would compute a constant-Q transform.
    - ``"harmonic_rms"`` and ``"percussive_rms"``: ``librosa.feature.rms(S=part)`` of the two parts
      that ``librosa.decompose.hpss(abs(librosa.stft(y)))`` gives.
    - ``"onset_strength"``: ``librosa.onset.onset_strength``.
    - ``"tempogram"``: ``librosa.feature.tempogram`` of that, of 384 lags.
    - ``"tempo"``: ``librosa.feature.tempo``, one number without statistics, in beats per minute.

    The set ``"tzanetakis2002"`` describes the timbral texture by mean and variance of the spectral
    centroid, rolloff (85 %), flux, zero crossings and MFCC 1 to 5 over texture windows of 43
    analysis windows of 512 samples at 22050 Hz, and by the share of windows of low energy, each
    averaged over the texture windows; the rhythm by the beat histogram; the harmony by the pitch
    histogram. The names after ``beat_`` and ``pitch_`` are the paper's. Where it leaves something
    open:

    - Analysis windows are Hamming windows side by side. Frequencies are in Hz. The flux is of
      spectra of unit norm, and 0 in the first window. Zero crossings are counted. MFCC come from 40
      mel bands in dB.
    - At other sample rates, windows have the nearest power of two that lasts about as long. What
      is left over after the last whole texture or beat window is dropped; of a clip shorter than
      one, all is used.
    - Beats: the octave bands are the whole clip's, five and what is below, brought back to the full
      rate before the envelope is taken. The autocorrelation is divided by the mean energy of the
      envelope, and the enhanced one is rid of repetitions at 2, 3, 4 and 5 times a lag. Of its
      peaks between 40 and 200 bpm the three highest count. Peaks of the histogram are 5 bpm apart
      or more. A0 and A1 are shares of the sum; SUM is per beat window. What is not there is 0.
    - Pitches: filters are Butterworth's of second order, the signal is not whitened, and notes lie
      between 50 and 2000 Hz with peaks refined by a parabola. The autocorrelation is divided by its
      mean at lag 0. FA0 is a share of the sum; UP0 is a MIDI note, FP0 a place on the circle of
      fifths from C = 0, IPO1 steps on it, from -5 to 6; SUM is per analysis window.

    References
    ----------
    .. [1] G. Tzanetakis and P. Cook, "Musical genre classification of audio signals", IEEE
       Transactions on Speech and Audio Processing 10(5), 2002.
    .. [2] T. Tolonen and M. Karjalainen, "A computationally efficient multipitch analysis model",
       IEEE Transactions on Speech and Audio Processing 8(6), 2000.
    .. [3] D. FitzGerald, "Harmonic/percussive separation using median filtering", DAFx, 2010.

    Examples
    --------
    >>> from skgenre import AudioDescriptorTransformer
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(4, duration=3.0, random_state=0)
    >>> describe = AudioDescriptorTransformer(
    ...     features=("spectral_centroid", "tempo"), duration=3.0
    ... ).set_output(transform="pandas")
    >>> list(describe.fit_transform(X).columns)
    ['spectral_centroid_mean', 'spectral_centroid_std', 'tempo']
    >>> AudioDescriptorTransformer(features="tzanetakis2002", duration=3.0).fit_transform(X).shape
    (4, 30)
    """

    _parameter_constraints: dict = {
        **BaseClipTransformer._parameter_constraints,
        "features": [str, list, tuple],
        "statistics": [list, tuple],
        "n_fft": [Interval(Integral, 2, None, closed="left")],
        "hop_length": [Interval(Integral, 1, None, closed="left")],
        "n_mels": [Interval(Integral, 1, None, closed="left")],
        "n_mfcc": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        features=_DEFAULT_FEATURES,
        statistics=("mean", "std"),
        sr=22050,
        n_fft=2048,
        hop_length=512,
        n_mels=128,
        n_mfcc=20,
        duration=30.0,
        n_segments=None,
        segment_duration=None,
        cache=None,
        on_error="raise",
        timeout=None,
        n_jobs=None,
        verbose=0,
    ):
        self.features = features
        self.statistics = statistics
        self.sr = sr
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.n_mfcc = n_mfcc
        self.duration = duration
        self.n_segments = n_segments
        self.segment_duration = segment_duration
        self.cache = cache
        self.on_error = on_error
        self.timeout = timeout
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _make_kernel(self):
        if self.features == "tzanetakis2002":
            from ._tzanetakis import describe_as_tzanetakis

            return partial(describe_as_tzanetakis, sr=self.sr)
        from ._segment_features import describe_segments

        return partial(
            describe_segments,
            features=tuple(self.features),
            statistics=tuple(self.statistics),
            sr=self.sr,
            n_fft=self.n_fft,
            hop_length=self.hop_length,
            n_mels=self.n_mels,
            n_mfcc=self.n_mfcc,
        )

    def _descriptor_names(self):
        if self.features == "tzanetakis2002":
            from ._tzanetakis import TZANETAKIS_NAMES

            return TZANETAKIS_NAMES
        names = []
        for feature in self.features:
            n_bands = _N_BANDS[feature] or self.n_mfcc
            is_single = _N_BANDS[feature] == 1
            bands = [feature] if is_single else [f"{feature}_{i}" for i in range(n_bands)]
            if feature == "tempo":
                names += bands
            else:
                names += [f"{band}_{name}" for name in self.statistics for band in bands]
        return names

    def _feature_shape(self, n_samples):
        if self.features == "tzanetakis2002":
            from ._tzanetakis import analysis_window

            is_long_enough = n_samples >= analysis_window(self.sr)
        else:
            frames = count_frames(
                int(n_samples), n_fft=self.n_fft, hop_length=self.hop_length, center=True
            )
            is_long_enough = frames >= (DELTA_FRAMES if self._has_deltas else 1)
        return len(self._descriptor_names()), int(is_long_enough)

    @property
    def _has_deltas(self):
        return not {"mfcc_delta", "mfcc_delta2"}.isdisjoint(self.features)

    @property
    def _shortest_segment(self):
        if self.features == "tzanetakis2002":
            return "one analysis window"
        return f"the {DELTA_FRAMES} frames of a delta" if self._has_deltas else "one frame"

    def _feature_params(self):
        params = super()._feature_params()
        if self.features == "tzanetakis2002":
            for name in ("statistics", "n_fft", "hop_length", "n_mels", "n_mfcc"):
                del params[name]
        return params

    def _check_settings(self):
        if self.features == "tzanetakis2002":
            if self.sr <= _LOWEST_TZANETAKIS_RATE:
                raise ValueError(
                    f"features='tzanetakis2002' need a sample rate above "
                    f"{_LOWEST_TZANETAKIS_RATE} Hz, got sr={self.sr}"
                )
        else:
            self._check_features()
        super()._check_settings()

    def _check_features(self):
        if isinstance(self.features, str):
            raise ValueError(
                "features must be 'tzanetakis2002' or a sequence of names, got the string "
                f"{self.features!r}; for a single feature pass [{self.features!r}]"
            )
        check_choice("features", self.features, _N_BANDS)
        check_statistics(self.statistics)
        if self.n_mfcc > self.n_mels:
            raise ValueError(f"n_mfcc={self.n_mfcc} is more than n_mels={self.n_mels}")
        if "tempo" in self.features and self.hop_length > TEMPO_SECONDS * self.sr:
            raise ValueError(f"tempo needs frames closer than hop_length={self.hop_length}")
        too_coarse = self.sr / self.n_fft > CONTRAST_FMIN or self.sr / 2 <= _TOP_OCTAVE
        if too_coarse and "spectral_contrast" in self.features:
            raise ValueError(
                f"spectral_contrast needs bins of at most {CONTRAST_FMIN:g} Hz and a sample rate "
                f"above {2 * _TOP_OCTAVE:g} Hz, got sr={self.sr} and n_fft={self.n_fft}"
            )
