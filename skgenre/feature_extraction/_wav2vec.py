from functools import partial

from .._base import installed_versions
from .._pretrained._estimator import PretrainedMixin
from ._base_embedder import BaseEmbedder

# What makes the numbers, beside what makes the waveforms.
_PACKAGES = ("torch", "transformers")


class Wav2VecEmbedder(PretrainedMixin, BaseEmbedder):
    """Compute embeddings with a pretrained audio model from the Hugging Face hub.

    Takes audio files or waveforms and gives statistics over time of the hidden states of a model,
    which is not trained further. It works with the audio encoders of transformers, such as wav2vec
    2.0 [1]_, XLS-R [2]_, HuBERT, WavLM, AST, CLAP [3]_, Whisper [4]_, EnCodec [5]_ and MERT. See
    :doc:`/guide/wav2vec` for all of them. Needs the extra ``wav2vec``:
    ``pip install "skgenre[wav2vec]"``.

    Clips longer than ``duration`` are cropped. Shorter ones are repeated to that length, unless
    ``segment_duration`` is given.

    Parameters
    ----------
    checkpoint : str or path-like, default="facebook/wav2vec2-xls-r-300m"
        Name of a repository on the Hugging Face hub, or a local folder, which needs no network.
    layers : int, "projection", sequence of them, or "all", default=-1
        Layers to concatenate. 0 is the input of the first transformer layer, and -1 the output of
        the model. ``"projection"`` is CLAP's embedding in the space that it shares with texts, one
        unit vector per segment; ``"all"`` does not include it. Codecs have one layer, the output of
        their encoder. In models trained on speech, middle layers often say more about music.
    statistics : sequence of str, default=("mean", "std")
        Statistics to compute of each value over the frames of a segment: any of
        ``"mean"``, ``"std"``, ``"var"``, ``"min"``, ``"max"``, ``"median"``, ``"skew"`` and
        ``"kurtosis"``.
    sr : float, default=16000
        Sample rate in Hz of waveforms without a rate. The model gets all input at its own rate.
    duration : float, default=30.0
        Length in seconds to which clips are cropped or repeated. With ``segment_duration``, the
        most that is used of a clip. ``None`` uses clips at their full length.
    n_segments : int, default=None
        Number of segments of equal length to cut each clip into.
    segment_duration : float, default=None
        Length in seconds of the segments to cut each clip into. A remainder shorter than half a
        segment is dropped, unless there is no other segment; a longer one is repeated to full
        length.
    batch_size : int, default=8
        Maximum number of segments, or parts of segments, that the model processes at once.
    precision : {"auto", "float32", "bfloat16", "float16"}, default="auto"
        Precision of matrix products. ``"auto"`` uses bfloat16 on CPUs and GPUs that support it,
        float16 on other CUDA GPUs, and else float32. If a second of noise shows that the model is
        inaccurate in the lower precision, it uses float32 and warns.
    device : str, default="auto"
        Device to compute on, in torch's notation, such as ``"cuda:1"``. ``"auto"`` uses a GPU if
        there is one.
    revision : str, default=None
        Branch, tag or commit of the repository. ``None`` means its main branch.
    trust_remote_code : bool, default=False
        Allow the checkpoint to run code of its own, which can do anything that you can.
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
        Number of clips to read in parallel, in threads unless `joblib.parallel_config` names
        another backend. The model itself runs in this process, with torch's threads.
    verbose : int, default=0
        If above 0, show a progress bar.

    Attributes
    ----------
    n_features_in_ : int
        Number of samples of the waveforms seen in `fit`, if they came as one array.

    See Also
    --------
    Wav2VecClassifier : Fine-tunes such a model.
    OnnxEmbedder : Smaller pretrained networks, without torch.

    Notes
    -----
    The result has the shape

    - (n_clips, n_features) without segments. After ``set_output(transform="pandas")`` it is a
      DataFrame with column names, such as ``layer24_7_mean`` for the eighth value of layer 24.
    - (n_clips, n_segments, n_features, 1) with ``n_segments``: a bag of segments of one frame.
    - (n_clips,) with ``segment_duration``, or without any ``duration``: an object array of arrays
      of shape (n_segments, n_features, 1).

    Segments longer than the longest input of the model are processed in parts. The result for a
    clip does not depend on other clips, because only segments of equal length share a batch. The
    last model stays in memory for the next call.

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
    A small model with random weights stands in for a pretrained one:

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
    >>> Wav2VecEmbedder(checkpoint=folder, layers=[0, 1], duration=2.0).fit_transform(X).shape
    (4, 64)
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
