import os

import numpy as np
from sklearn.utils._param_validation import StrOptions

from .._base import installed_versions
from .._statistics import summarize_frames
from ._base_embedder import BaseEmbedder
from ._mel import MelSpectrogramTransformer

_PACKAGES = ("onnxruntime",)


class OnnxEmbedder(BaseEmbedder):
    """Turn clips into what a pretrained net, as it is, makes of them, without TensorFlow or torch.

    A stateless transformer from audio files or waveforms to the outputs of a net in an ONNX file.
    musicnn [1]_ comes with the package, as two nets of the same form. ``"musicnn-msd"`` was trained
    to give the tags that listeners gave to 200,000 songs of the Million Song Dataset [2]_: fifty
    genres, moods, instruments and decades. ``"musicnn-mtt"`` learned the fifty tags of
    MagnaTagATune [3]_, mostly instruments, voices and moods, from its 19,000 excerpts for training.
    So they know what music sounds like before they have heard yours, and a linear model on their
    tags learns genres from few songs.

    A clip longer than ``duration`` is cropped at its end. A shorter one is repeated from its start
    until it is long enough or, where ``segment_duration`` is given, taken as it is.

    Parameters
    ----------
    model : str or path-like, default="musicnn-msd"
        A bundled net, ``"musicnn-msd"`` or ``"musicnn-mtt"``, or the path of an ONNX file. The file
        is never trusted: no code is in it, and no other file is opened for it.
    outputs : sequence of str, default=("tags",)
        Outputs of the net to take, one after the other. The bundled nets have ``"tags"`` (50
        probabilities), ``"logits"`` (the same before the sigmoid), ``"penultimate"`` (200 values),
        ``"mean_pool"`` and ``"max_pool"`` (753 each).
    frontend : {"auto", "musicnn", "waveform"} or MelSpectrogramTransformer, default="auto"
        What the net hears. ``"musicnn"`` is log10(1 + 10000 power) of 96 mel bands, in frames of
        512 samples every 256 at 16 kHz, which the Discogs nets of Essentia take too. ``"waveform"``
        is the waveform at the rate that the file names as ``sample_rate``, else at ``sr``. A
        `MelSpectrogramTransformer` gives its decibels at its own rate. ``"auto"`` is what the file
        names as ``frontend``, or else ``"musicnn"`` where the net takes 96 bands.
    statistics : sequence of str, default=("mean",)
        What to take of each value over the patches of a segment, of ``"mean"``, ``"std"``,
        ``"var"``, ``"min"``, ``"max"``, ``"median"``, ``"skew"`` and ``"kurtosis"``.
    sr : float, default=22050
        Sample rate in Hz that waveforms are taken to have; they are resampled to the net's where
        it has another. Files are resampled from their own rate to the net's.
    duration : float, default=30.0
        Length to which clips are cropped or repeated, in seconds; with ``segment_duration``, the
        most that is taken of a clip. ``None`` takes each as it is.
    n_segments : int, default=None
        Cut each clip in this many segments of equal length.
    segment_duration : float, default=None
        Cut each clip in segments of this length, in seconds, from its start. A last part shorter
        than half a segment is dropped unless it is the only one; otherwise it is repeated to full
        length.
    batch_size : int, default=1
        The most patches that the net sees at a time, unless its file fixes their number. On a CPU,
        musicnn takes as long for each with more of them, and more memory.
    store_model : bool, default=False
        Keep the net's file in pickles. Otherwise a pickle holds the name of a bundled net, or the
        path of a file and its SHA-256, and needs that file.
    cache : path or joblib.Memory, default=None
        Folder to keep the features of files in. An entry is used again while the file's path, size
        and time of last change, the net, the parameters and the versions of the libraries are the
        same. Waveforms are not kept.
    on_error : {"raise", "nan"}, default="raise"
        What to do with clips that cannot be read: raise an error that names all of them, or give
        them rows of NaN and warn once in each call.
    timeout : float, default=None
        Seconds that a separate process may take to read a file. A file that hangs or crashes the
        decoder is then one that cannot be read. ``None`` reads in this process.
    n_jobs : int, default=None
        How many batches the net computes at a time, each in a thread of this process, and how many
        clips are read at a time, in threads unless `joblib.parallel_config` names another backend.
    verbose : int, default=0
        Show a progress bar.

    Attributes
    ----------
    n_features_in_ : int
        Number of samples of the waveforms seen in `fit`, where they came as one array.

    See Also
    --------
    Wav2VecEmbedder : Pretrained models of transformers, which need torch.
    AudioDescriptorTransformer : Descriptors that were not learnt.

    Notes
    -----
    The result has the shape

    - (n_clips, n_features) without segments, and a pandas frame of named columns after
      ``set_output(transform="pandas")``,
    - (n_clips, n_segments, n_features, 1) with ``n_segments``: a bag of segments of one frame,
    - (n_clips,), of dtype object and each element of shape (n_segments, n_features, 1), with
      ``segment_duration``. With neither that nor a ``duration``, the clip is its only segment.

    Column ``tags_jazz_mean`` is the mean of the tag "jazz" over the patches of a segment. Outputs
    whose values have no names are numbered: ``penultimate_7_mean``.

    Patches have the length that the net's input says, 3 s with musicnn. They lie side by side, and
    what is left at the end of a segment is dropped. A segment shorter than a patch is repeated.

    As with every pretrained net in the literature, songs that you test on may be among those that
    it was trained on. Of ``"musicnn-msd"``, that is likely of the artists of GTZAN; less so of
    ``"musicnn-mtt"``, since MagnaTagATune is the music of one independent label.

    The weights of musicnn are by Jordi Pons and the Music Technology Group of the Universitat
    Pompeu Fabra, under the ISC licence. Those behind the first layer are kept in half precision,
    which moves a tag by less than 0.001.

    References
    ----------
    .. [1] J. Pons and X. Serra, "musicnn: Pre-trained convolutional neural networks for music
       audio tagging", ISMIR 2019, late-breaking demo.
    .. [2] T. Bertin-Mahieux, D. P. W. Ellis, B. Whitman and P. Lamere, "The Million Song Dataset",
       ISMIR 2011.
    .. [3] E. Law, K. West, M. Mandel, M. Bay and J. S. Downie, "Evaluation of algorithms using
       games: the case of music tagging", ISMIR 2009.

    Examples
    --------
    >>> from skgenre import OnnxEmbedder
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(4, duration=3.0, random_state=0)
    >>> embedder = OnnxEmbedder(duration=3.0).set_output(transform="pandas")
    >>> tags = embedder.fit_transform(X)
    >>> tags.shape
    (4, 50)
    >>> list(tags.columns[:2])
    ['tags_rock_mean', 'tags_pop_mean']
    """

    _stamped_packages = (*BaseEmbedder._stamped_packages, *_PACKAGES)

    _parameter_constraints: dict = {
        **BaseEmbedder._parameter_constraints,
        "model": [str, os.PathLike],
        "outputs": [list, tuple],
        "frontend": [StrOptions({"auto", "musicnn", "waveform"}), MelSpectrogramTransformer],
        "store_model": ["boolean"],
    }

    def __init__(
        self,
        model="musicnn-msd",
        *,
        outputs=("tags",),
        frontend="auto",
        statistics=("mean",),
        sr=22050,
        duration=30.0,
        n_segments=None,
        segment_duration=None,
        batch_size=1,
        store_model=False,
        cache=None,
        on_error="raise",
        timeout=None,
        n_jobs=None,
        verbose=0,
    ):
        self.model = model
        self.outputs = outputs
        self.frontend = frontend
        self.statistics = statistics
        self.sr = sr
        self.duration = duration
        self.n_segments = n_segments
        self.segment_duration = segment_duration
        self.batch_size = batch_size
        self.store_model = store_model
        self.cache = cache
        self.on_error = on_error
        self.timeout = timeout
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _open_net(self):
        from .._onnx._net import Net, open_net

        pickled = vars(self).get("_pickled_net", {})
        if pickled.get("model") != os.fspath(self.model):
            return open_net(self.model)
        if isinstance(pickled["net"], Net):
            return pickled["net"]
        net = open_net(self.model)
        if net.digest != pickled["net"]:
            raise ValueError(
                f"{net.name} is not the net that the pickle was made with; its SHA-256 is "
                f"{net.digest}, not {pickled['net']}. store_model=True keeps the net in the pickle"
            )
        return net

    def _make_frontend(self):
        from ._frontends import make_frontend

        return make_frontend(self._open_net(), self.frontend, self.sr)

    def _make_kernel(self):
        net, frontend, outputs = self._open_net(), self._make_frontend(), tuple(self.outputs)
        statistics, batch_size = tuple(self.statistics), self.batch_size

        def embed(segments):
            with np.errstate(all="ignore"):
                patches = frontend(segments)
                n_segments, n_patches, *shape = patches.shape
                answers = net.compute(patches.reshape(-1, *shape), outputs, batch_size)
                answers = answers.reshape(n_segments, n_patches, -1)
                return summarize_frames(answers, statistics)

        return embed

    @property
    def _working_sr(self):
        return self._make_frontend().sr

    @property
    def _kernel_jobs(self):
        return self.n_jobs

    def _segments_together(self, n_samples):
        batch_size = self._open_net().batch_size or self.batch_size
        return max(1, batch_size // self._make_frontend().count_patches(n_samples))

    def _feature_params(self):
        params = super()._feature_params()
        for name in ("batch_size", "store_model"):
            del params[name]
        frontend = self.frontend
        return {
            **params,
            "model": self._open_net().digest,
            "frontend": frontend if isinstance(frontend, str) else frontend._feature_params(),
            "versions": installed_versions(_PACKAGES),
        }

    def _value_names(self):
        net = self._open_net()
        return [f"{output}_{name}" for output in self.outputs for name in net.names_of(output)]

    @property
    def _n_values(self):
        net = self._open_net()
        return sum(net.widths[name] for name in self.outputs)

    def _check_settings(self):
        if isinstance(self.frontend, MelSpectrogramTransformer):
            self.frontend._validate_params()
            self.frontend._check_settings()
        self._open_net().check_outputs(self.outputs)
        super()._check_settings()

    def __getstate__(self):
        from .._onnx._net import BUNDLED

        state = super().__getstate__()
        state.pop("_pickled_net", None)
        if self.store_model or self.model not in BUNDLED:
            net = self._open_net()
            kept = net.data if self.store_model else net.digest
            state["_pickled_net"] = {"model": os.fspath(self.model), "net": kept}
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        pickled = vars(self).get("_pickled_net")
        if pickled is not None and isinstance(pickled["net"], bytes):
            from .._onnx._net import Net

            pickled["net"] = Net(os.fspath(self.model), pickled["net"])
