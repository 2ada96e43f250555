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
    """Compute a table of audio descriptors, as used in the literature on music genres.

    Takes audio files or waveforms and computes statistics over time of librosa's spectral, timbral,
    harmonic and rhythmic features, with the same numbers as librosa, or the thirty features of
    Tzanetakis and Cook [1]_. All features share one short-time Fourier transform, which makes them
    much faster than computing each by itself.

    Clips longer than ``duration`` are cropped. Shorter ones are repeated to that length, unless
    ``segment_duration`` is given.

    Parameters
    ----------
    features : sequence of str or "tzanetakis2002"
        Features to compute, in this order; see the notes. The default is all except
        ``"tempogram"``, whose 384 lags would outnumber the others. ``"tzanetakis2002"`` is the set
        of [1]_, which ignores ``statistics``, ``n_fft``, ``hop_length``, ``n_mels`` and ``n_mfcc``.
    statistics : sequence of str, default=("mean", "std")
        Statistics to compute of each feature over the frames of a segment: any of
        ``"mean"``, ``"std"``, ``"var"``, ``"min"``, ``"max"``, ``"median"``, ``"skew"`` and
        ``"kurtosis"``.
    sr : float, default=22050
        Sample rate in Hz at which features are computed. Files, and samples with a rate of their
        own, are resampled to it. Waveforms without a rate are assumed to have it.
    n_fft : int, default=2048
        Length of a frame, in samples.
    hop_length : int, default=512
        Distance between the starts of successive frames, in samples. Frame ``t`` is centred on
        sample ``t * hop_length``.
    n_mels : int, default=128
        Number of mel bands for MFCC, onset strength and tempogram.
    n_mfcc : int, default=20
        Number of cepstral coefficients, at most ``n_mels``.
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
    MFCCSegmenter : Cepstral coefficients of each frame, without statistics.
    SegmentSummarizer : Statistics of spectrograms or bags of segments.
    OnnxEmbedder : Features that a pretrained network has learned.

    Notes
    -----
    The result has the shape

    - (n_clips, n_descriptors) without segments. After ``set_output(transform="pandas")`` it is a
      DataFrame with column names.
    - (n_clips, n_segments, n_descriptors, 1) with ``n_segments``: a bag of segments of one frame.
    - (n_clips,) with ``segment_duration``, or without any ``duration``: an object array of arrays
      of shape (n_segments, n_descriptors, 1).

    The column ``chroma_stft_3_mean`` is the mean of the fourth value of ``chroma_stft``. Features
    are computed by these functions of librosa, with their defaults except for the parameters above:

    - ``"chroma_stft"``, ``"rms"``, ``"spectral_centroid"``, ``"spectral_bandwidth"``,
      ``"spectral_contrast"``, ``"spectral_rolloff"``, ``"spectral_flatness"``,
      ``"zero_crossing_rate"`` and ``"mfcc"``: the function of that name in `librosa.feature`.
    - ``"mfcc_delta"``, ``"mfcc_delta2"``: `librosa.feature.delta` of the MFCCs, of order 1 and 2.
      They need segments of at least nine frames.
    - ``"tonnetz"``: `librosa.feature.tonnetz` of ``chroma_stft``, not of a constant-Q transform.
    - ``"harmonic_rms"``, ``"percussive_rms"``: `librosa.feature.rms` of the two parts into which
      `librosa.decompose.hpss` separates the spectrogram [2]_.
    - ``"onset_strength"``: `librosa.onset.onset_strength`.
    - ``"tempogram"``: `librosa.feature.tempogram` of the onset strength, with 384 lags.
    - ``"tempo"``: `librosa.feature.tempo`, one number in beats per minute, without statistics.

    The set ``"tzanetakis2002"`` has 19 features of timbral texture, 6 of the beat histogram and 5
    of the pitch histogram. :doc:`/guide/extraction` lists the choices that the paper leaves open.

    References
    ----------
    .. [1] G. Tzanetakis and P. Cook, "Musical genre classification of audio signals", IEEE
       Transactions on Speech and Audio Processing 10(5), 2002.
    .. [2] D. FitzGerald, "Harmonic/percussive separation using median filtering", DAFx, 2010.

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
