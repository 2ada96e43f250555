from functools import partial

from .._base import installed_versions
from .._pretrained._estimator import PretrainedMixin
from ._base_embedder import BaseEmbedder

# What makes the numbers, beside what makes the waveforms.
_PACKAGES = ("torch", "transformers")


class Wav2VecEmbedder(PretrainedMixin, BaseEmbedder):
    """Turn clips into what a pretrained model of audio, as it is, makes of them.

    A stateless transformer from audio files or waveforms to statistics over time of the hidden
    states of chosen layers. Any encoder of audio that transformers knows will do: wav2vec 2.0
    [1]_ and XLS-R [2]_, HuBERT, WavLM, data2vec, Wav2Vec2-BERT and -Conformer, SEW, UniSpeech, the
    audio spectrogram transformer, the audio side of CLAP [3]_, the encoders of Whisper [4]_,
    Moonshine and Speech2Text, those of the codecs EnCodec [5]_ and DAC, and models that bring their
    own code, such as MERT.

    A clip longer than ``duration`` is cropped at its end. A shorter one is repeated from its start
    until it is long enough or, where ``segment_duration`` is given, taken as it is.

    Needs the extra ``wav2vec``: ``pip install "skgenre[wav2vec]"``.

    Parameters
    ----------
    checkpoint : str or path-like, default="facebook/wav2vec2-xls-r-300m"
        A local folder, for which the network is not used, or the name of a repository on the
        Hugging Face hub.
    layers : int, "projection", sequence of them, or "all", default=-1
        Layers to take, one after the other: 0 is the input of the first transformer layer, -1 the
        model's output, after its final normalisation where it has one. ``"projection"`` is CLAP's
        embedding in the space that it shares with texts, of length 1, and one for each segment; it
        is not among ``"all"``. Codecs have a single layer, what their encoder gives before it is
        quantised. The middle layers of a model that was trained on speech often tell more of music.
    statistics : sequence of str, default=("mean", "std")
        What to take of each value over the frames of a segment, of ``"mean"``, ``"std"``,
        ``"var"``, ``"min"``, ``"max"``, ``"median"``, ``"skew"`` and ``"kurtosis"``.
    sr : float, default=16000
        Sample rate in Hz that waveforms are taken to have; they are resampled to the model's where
        it has another. Files, and samples that come with a rate of their own, are resampled from
        that to the model's.
    duration : float, default=30.0
        Length to which clips are cropped or repeated, in seconds; with ``segment_duration``, the
        most that is taken of a clip. ``None`` takes each as it is.
    n_segments : int, default=None
        Cut each clip in this many segments of equal length.
    segment_duration : float, default=None
        Cut each clip in segments of this length, in seconds, from its start. A last part shorter
        than half a segment is dropped unless it is the only one; otherwise it is repeated to full
        length.
    batch_size : int, default=8
        The most segments, or parts of them, that the model sees at a time, of one clip or of
        several.
    precision : {"auto", "float32", "bfloat16", "float16"}, default="auto"
        What matrix products are computed in. ``"auto"`` is bfloat16 on CPUs and GPUs that have it,
        float16 on other CUDA GPUs, and else float32; also where a second of noise shows that the
        model goes wrong in the lower precision.
    device : str, default="auto"
        Where to compute, as torch names it, such as ``"cuda:1"``. ``"auto"`` is a GPU if there is
        one.
    revision : str, default=None
        Branch, tag or commit of the repository. ``None`` is its main branch.
    trust_remote_code : bool, default=False
        Run the code that a checkpoint brings along. It can do whatever you can.
    cache : path or joblib.Memory, default=None
        Folder to keep the features of files in. An entry is used again while the file's path, size
        and time of last change, the checkpoint's too, the parameters and the versions of the
        libraries are the same. Waveforms are not kept.
    on_error : {"raise", "nan"}, default="raise"
        What to do with clips that cannot be read: raise an error that names all of them, or give
        them rows of NaN and warn once in each call.
    timeout : float, default=None
        Seconds that a separate process may take to read a file. A file that hangs or crashes the
        decoder is then one that cannot be read. ``None`` reads in this process.
    n_jobs : int, default=None
        How many clips are read at a time, in threads unless `joblib.parallel_config` names another
        backend; clips of any length, for bags of all their segments, one by one. The model runs in
        this process, with torch's threads.
    verbose : int, default=0
        Show a progress bar.

    Attributes
    ----------
    n_features_in_ : int
        Number of samples of the waveforms seen in `fit`, where they came as one array.

    See Also
    --------
    Wav2VecClassifier : Fine-tunes such a model.
    AudioDescriptorTransformer : Descriptors that were not learnt.

    Notes
    -----
    The result has the shape

    - (n_clips, n_features) without segments, and a pandas frame of named columns after
      ``set_output(transform="pandas")``,
    - (n_clips, n_segments, n_features, 1) with ``n_segments``: a bag of segments of one frame,
    - (n_clips,), of dtype object and each element of shape (n_segments, n_features, 1), with
      ``segment_duration``. With neither that nor a ``duration``, the clip is its only segment.

    Column ``layer24_7_mean`` is the mean of the eighth value of layer 24, and ``projection_7_mean``
    that of the projection.

    Only segments of one length share a batch. So nothing is padded, and models with group
    normalisation, which would see the padding, give the same as for each segment alone. Segments
    too short for one frame are repeated.

    Models of spectrograms have a longest input, which is 10 s for most, and 30 s for Whisper.
    Longer segments are cut in the fewest parts of equal length that the model can hear, and the
    statistics are over the frames of all parts, so that the whole segment counts. Shorter ones are
    padded as the model has learnt it: for Whisper with silence, whose frames are left out; for CLAP
    with as many whole copies of the segment as fit, and then silence; for the audio spectrogram
    transformer with zeros, whose patches count.

    The model that was used last stays in memory for the next call.

    References
    ----------
    .. [1] A. Baevski, H. Zhou, A. Mohamed and M. Auli, "wav2vec 2.0: A framework for
       self-supervised learning of speech representations", NeurIPS 2020.
    .. [2] A. Babu et al., "XLS-R: Self-supervised cross-lingual speech representation learning at
       scale", Interspeech 2022.
    .. [3] Y. Wu et al., "Large-scale contrastive language-audio pretraining with feature fusion
       and keyword-to-caption augmentation", ICASSP 2023.
    .. [4] A. Radford et al., "Robust speech recognition via large-scale weak supervision",
       ICML 2023.
    .. [5] A. Défossez, J. Copet, G. Synnaeve and Y. Adi, "High fidelity neural audio compression",
       TMLR 2023.

    Examples
    --------
    A small model of random weights stands for a pretrained one:

    >>> import tempfile
    >>> from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model
    >>> folder = tempfile.mkdtemp()
    >>> config = Wav2Vec2Config(
    ...     hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
    ...     conv_dim=(8, 8), conv_kernel=(10, 8), conv_stride=(5, 4), num_feat_extract_layers=2,
    ... )
    >>> Wav2Vec2Model(config).save_pretrained(folder)
    >>> _ = Wav2Vec2FeatureExtractor().save_pretrained(folder)

    >>> from skgenre import Wav2VecEmbedder
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(4, duration=2.0, sr=16000, random_state=0)
    >>> Wav2VecEmbedder(checkpoint=folder, duration=2.0).fit_transform(X).shape
    (4, 32)
    >>> embedder = Wav2VecEmbedder(checkpoint=folder, layers=[0, 1], duration=2.0, n_segments=2)
    >>> embedder.fit_transform(X).shape
    (4, 2, 64, 1)
    """

    _stamped_packages = (*BaseEmbedder._stamped_packages, *_PACKAGES)

    _parameter_constraints: dict = {
        **BaseEmbedder._parameter_constraints,
        **PretrainedMixin._pretrained_constraints,
    }

    def __init__(
        self,
        *,
        checkpoint="facebook/wav2vec2-xls-r-300m",
        layers=-1,
        statistics=("mean", "std"),
        sr=16000,
        duration=30.0,
        n_segments=None,
        segment_duration=None,
        batch_size=8,
        precision="auto",
        device="auto",
        revision=None,
        trust_remote_code=False,
        cache=None,
        on_error="raise",
        timeout=None,
        n_jobs=None,
        verbose=0,
    ):
        self.checkpoint = checkpoint
        self.layers = layers
        self.statistics = statistics
        self.sr = sr
        self.duration = duration
        self.n_segments = n_segments
        self.segment_duration = segment_duration
        self.batch_size = batch_size
        self.precision = precision
        self.device = device
        self.revision = revision
        self.trust_remote_code = trust_remote_code
        self.cache = cache
        self.on_error = on_error
        self.timeout = timeout
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _make_kernel(self):
        from .._pretrained._embedding import embed_segments

        checkpoint = self._open_checkpoint()
        return partial(
            embed_segments,
            checkpoint=checkpoint,
            layers=checkpoint.find_layers(self.layers),
            statistics=tuple(self.statistics),
            device=self._find_device(),
            precision=self.precision,
            batch_size=self.batch_size,
        )

    @property
    def _working_sr(self):
        return self._open_checkpoint().sr

    def _feature_params(self):
        checkpoint = self._open_checkpoint()
        params = super()._feature_params()
        for name in ("checkpoint", "revision", "trust_remote_code", "batch_size", "device"):
            del params[name]
        return {
            **params,
            "checkpoint": checkpoint.identity(),
            "layers": checkpoint.find_layers(self.layers),
            "precision": self._kept_precision(),
            "versions": installed_versions(_PACKAGES),
        }

    def _value_names(self):
        checkpoint = self._open_checkpoint()
        return [
            f"{layer if layer == 'projection' else f'layer{layer}'}_{i}"
            for layer in checkpoint.find_layers(self.layers)
            for i in range(checkpoint.family.width(layer))
        ]

    @property
    def _n_values(self):
        checkpoint = self._open_checkpoint()
        return sum(map(checkpoint.family.width, checkpoint.find_layers(self.layers)))

    def _check_settings(self):
        super()._check_settings()
        layers = self._open_checkpoint().find_layers(self.layers)
        if len(set(layers)) < len(layers):
            raise ValueError(f"layers={self.layers!r} names a layer twice")
