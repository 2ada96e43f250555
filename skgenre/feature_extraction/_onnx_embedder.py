import os

import numpy as np
from sklearn.utils._param_validation import StrOptions

from .._base import installed_versions
from .._statistics import summarize_frames
from ._base_embedder import BaseEmbedder
from ._mel import MelSpectrogramTransformer

_PACKAGES = ("onnxruntime",)


class OnnxEmbedder(BaseEmbedder):
    """Compute tags or embeddings with a pretrained network, without TensorFlow or torch.

    Takes audio files or waveforms and gives the outputs of a network in an ONNX file. Two networks
    are included, both musicnn [1]_: ``"musicnn-msd"`` was trained to predict the tags that
    listeners gave to 200,000 songs of the Million Song Dataset [2]_: fifty genres, moods,
    instruments and decades. ``"musicnn-mtt"`` predicts the fifty tags of MagnaTagATune [3]_, mostly
    instruments, voices and moods, and was trained on 19,000 excerpts. A linear model on their tags
    learns genres from few songs. See :doc:`/guide/tags`.

    Clips longer than ``duration`` are cropped. Shorter ones are repeated to that length, unless
    ``segment_duration`` is given.

    Parameters
    ----------
    model : str or path-like, default="musicnn-msd"
        An included network, ``"musicnn-msd"`` or ``"musicnn-mtt"``, or the path of an ONNX file.
        You can use files from anyone: they contain no code, and are checked before they run.
    outputs : sequence of str, default=("tags",)
        Outputs of the network to concatenate. The included networks have ``"tags"`` (50
        probabilities), ``"logits"`` (the tags before the sigmoid), ``"penultimate"`` (200 values),
        ``"mean_pool"`` and ``"max_pool"`` (753 values each).
    frontend : {"auto", "musicnn", "waveform"} or MelSpectrogramTransformer, default="auto"
        The input of the network. ``"musicnn"`` is log10(1 + 10000 power) of 96 mel bands, in frames
        of 512 samples every 256 samples at 16 kHz; Essentia's Discogs networks take it, too.
        ``"waveform"`` is the waveform at the rate stored in the file as ``sample_rate``, else at
        ``sr``. A `MelSpectrogramTransformer` gives its decibels at its own rate. ``"auto"`` is the
        ``frontend`` stored in the file, else ``"musicnn"`` for networks that take 96 bands.
    statistics : sequence of str, default=("mean",)
        Statistics to compute of each value over the patches of a segment: any of
        ``"mean"``, ``"std"``, ``"var"``, ``"min"``, ``"max"``, ``"median"``, ``"skew"`` and
        ``"kurtosis"``.
    sr : float, default=22050
        Sample rate in Hz of waveforms without a rate. All input is resampled to the rate of the
        network.
    duration : float, default=30.0
        Length in seconds to which clips are cropped or repeated. With ``segment_duration``, the
        most that is used of a clip. ``None`` uses clips at their full length.
    n_segments : int, default=None
        Number of segments of equal length to cut each clip into.
    segment_duration : float, default=None
        Length in seconds of the segments to cut each clip into. A remainder shorter than half a
        segment is dropped, unless there is no other segment; a longer one is repeated to full
        length.
    batch_size : int, default=1
        Maximum number of patches that the network processes at once, unless its file fixes the
        number. On a CPU, larger batches take more memory and are no faster.
    store_model : bool, default=False
        Whether pickles contain the network's file. Otherwise they contain the name of an included
        network, or the path and SHA-256 of the file, which is then needed when the pickle is
        loaded.
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
        Number of batches to compute in parallel, in threads, and of clips to read in parallel, in
        threads unless `joblib.parallel_config` names another backend.
    verbose : int, default=0
        If above 0, show a progress bar.

    Attributes
    ----------
    n_features_in_ : int
        Number of samples of the waveforms seen in `fit`, if they came as one array.

    See Also
    --------
    Wav2VecEmbedder : Larger pretrained models, which need torch.
    AudioDescriptorTransformer : Descriptors that are not learned.
    TagDisplay : Draws the tags through a song.

    Notes
    -----
    The result has the shape

    - (n_clips, n_features) without segments. After ``set_output(transform="pandas")`` it is a
      DataFrame with column names.
    - (n_clips, n_segments, n_features, 1) with ``n_segments``: a bag of segments of one frame.
    - (n_clips,) with ``segment_duration``, or without any ``duration``: an object array of arrays
      of shape (n_segments, n_features, 1).

    The column ``tags_jazz_mean`` is the mean of the tag "jazz" over the patches of a segment.
    Values without a name are numbered: ``penultimate_7_mean``.

    Patches have the length of the network's input, 3 s with musicnn, and do not overlap. A
    remainder at the end of a segment is dropped, and a segment shorter than a patch is repeated.

    Your test songs may be among those that a pretrained network was trained on. That is likely for
    the artists of GTZAN with ``"musicnn-msd"``, and less likely with ``"musicnn-mtt"``, because
    MagnaTagATune is the music of one independent label.

    The weights of musicnn are by Jordi Pons and the Music Technology Group of the Universitat
    Pompeu Fabra, under the ISC licence. Most are stored in half precision, which changes a tag by
    less than 0.001.

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
