from ._fine_tuning import BaseFineTunedClassifier


class Wav2VecClassifier(BaseFineTunedClassifier):
    """Classify songs by fine-tuning a pretrained model of audio.

    Songs go in as files or waveforms. They are cut in segments; a head of dense layers tells the
    genre of a segment from the pooled output of the model's transformer [1]_. Each song weighs the
    same in training, however many segments it has, and is judged by the mean of its segments'
    probabilities. Any encoder of audio that transformers knows will do: wav2vec 2.0 and XLS-R [2]_,
    HuBERT, WavLM, data2vec, Wav2Vec2-BERT and -Conformer, SEW, UniSpeech, the audio spectrogram
    transformer, the audio side of CLAP, the encoders of Whisper, Moonshine and Speech2Text, those
    of the codecs EnCodec and DAC, and models that bring their own code, such as MERT.

    Needs the extra ``wav2vec``: ``pip install "skgenre[wav2vec]"``.

    Parameters
    ----------
    checkpoint : str or path-like, default="facebook/wav2vec2-xls-r-300m"
        A local folder, for which the network is not used, or the name of a repository on the
        Hugging Face hub.
    sr : float, default=16000
        Sample rate in Hz that waveforms are taken to have; they are resampled to the model's where
        it has another. Files, and samples that come with a rate of their own, are resampled from
        that to the model's.
    segment_duration : float, default=5.0
        Cut each song in segments of this length, in seconds, from its start, or of the longest
        input of the model where that is shorter. A last part shorter than half a segment is dropped
        unless it is the only one; otherwise it is repeated to full length.
    n_segments : int, default=None
        The most segments to take of a song, evenly spread over it. ``None`` takes all.
    layers : int, "projection", sequence of int, or "all", default=-1
        Layers to take, averaged by weights that are learnt: 0 is the input of the first transformer
        layer, -1 the model's output, after its final normalisation where it has one. Those of CLAP
        have different widths and are taken alone, or ``"projection"``, its embedding in the space
        that it shares with texts.
    pooling : {"mean", "max", "attention"}, default="mean"
        How the frames of a segment become one vector: their mean, their maximum, or their mean by
        weights that a learnt layer gives them.
    hidden_layer_sizes : sequence of int, default=(256,)
        Dense layers of the head, before its last one.
    dropout : float, default=0.1
        Share of the inputs of the head's layers dropped in training.
    epochs : int, default=6
        Passes over the training songs.
    batch_size : int, default=8
        Segments that the model sees at a time, at most.
    gradient_accumulation_steps : int, default=1
        Batches whose gradients make one step of training. A ``batch_size`` of 2 with 4 of them
        trains as one of 8 does, in less memory.
    learning_rate : float, default=1e-4
        Highest learning rate of AdamW.
    warmup_fraction : float, default=0.1
        Share of all steps in which the learning rate rises to that, before it falls to zero, both
        along a line.
    freeze_feature_encoder : bool, default=True
        Leave the convolutions before the transformer as they are, where the model has any. Codecs,
        which consist of convolutions, are trained.
    freeze_base : bool, default=False
        Train the head only.
    gradient_checkpointing : bool, default=False
        Compute the activations of the transformer twice and keep fewer of them: less memory, about
        a third more time. transformers does not have it for CLAP and the codecs.
    precision : {"auto", "float32", "bfloat16", "float16"}, default="auto"
        What matrix products are computed in; weights stay float32. ``"auto"`` is bfloat16 on CPUs
        and GPUs that have it, float16 on other CUDA GPUs, and else float32; also where a second of
        noise shows that the model goes wrong in the lower precision.
    device : str, default="auto"
        Where to compute, as torch names it, such as ``"cuda:1"``. ``"auto"`` is a GPU if there is
        one.
    aggregate : {"mean", "product", "vote"}, default="mean"
        How the probabilities of a song's segments become the song's: their mean, their normalised
        geometric mean, or the share of segments that each genre wins.
    validation_fraction : float, default=None
        Share of songs held out to measure loss and accuracy after each epoch, stratified by genre,
        and by whole groups where `fit` gets ``groups``: then it is the nearest share that they
        allow, and a genre of a single group stays in training. ``None`` holds none out unless
        ``early_stopping`` is set, and then 0.1.
    early_stopping : bool, default=False
        Stop when the validation loss has not improved for ``patience`` epochs. The weights of the
        best epoch are taken in any case.
    patience : int, default=2
        See ``early_stopping``.
    class_weight : {"balanced"}, dict of label to float, or None, default=None
        Weight of each genre in the loss.
    checkpoint_dir : path, default=None
        Folder in which the training is saved after each epoch. A fit that was stopped goes on from
        there when it is called again with the same songs, parameters and versions, and ends as if
        it had not been stopped. The file, of up to four times the size of the model, is removed
        when the fit is finished. Needs an int as ``random_state``.
    store_base_weights : bool, default=True
        Whether a pickle holds all weights. If not, it holds those that training changed, and name
        and commit of the checkpoint, which must be there when it is loaded. Saves much with
        ``freeze_base``.
    revision : str, default=None
        Branch, tag or commit of the repository. ``None`` is its main branch.
    trust_remote_code : bool, default=False
        Run the code that a checkpoint brings along. It can do whatever you can.
    on_error : {"raise", "nan"}, default="raise"
        What to do with songs that cannot be read: raise an error that names all of them, or warn
        once in each call, leave them out of training and answer them by the class prior.
    timeout : float, default=None
        Seconds that a separate process may take to read a file. A file that hangs or crashes the
        decoder is then one that cannot be read. ``None`` reads in this process.
    n_jobs : int, default=None
        How many songs are read at a time, in threads unless `joblib.parallel_config` names another
        backend. With ``n_segments=None``, songs are read one after the other, part by part.
    random_state : int, RandomState instance or None, default=None
        Seeds the head, shuffling, dropout, SpecAugment and the songs held out. An int makes refits
        identical.
    verbose : int, default=0
        Show progress bars, with the loss and the time left.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The genres.
    class_prior_ : ndarray of shape (n_classes,)
        Share of each genre among the readable training songs; the answer for unreadable ones.
    history_ : dict of list of float
        ``"loss"`` and ``"accuracy"`` of the segments in each epoch, and ``"val_loss"`` and
        ``"val_accuracy"`` where songs are held out; the ``"seconds"`` that it took;
        ``"step_loss"`` and ``"step_learning_rate"`` of each step.
    input_shape_ : tuple of int
        1 and the number of samples of a segment, at the model's rate.
    model_ : torch.nn.Module
        The trained net.
    n_features_in_ : int
        Number of samples of the waveforms seen in `fit`, where they came as one array.

    See Also
    --------
    Wav2VecEmbedder : The same models as they are, without training.
    KerasCNNClassifier : Nets that learn from spectrograms, from nothing.

    Notes
    -----
    The training songs are held in memory as waveforms: 1.9 GB for 1000 clips of 30 s at 16 kHz.
    Prediction reads a few at a time.

    All segments have one length, so nothing is padded, and the answer for a song does not depend on
    the others. Models that mask stretches of time in training (SpecAugment) do so unless a segment
    is too short for it.

    Gradients are clipped to a norm of 1. Weights decay by 0.01.

    References
    ----------
    .. [1] A. Baevski, H. Zhou, A. Mohamed and M. Auli, "wav2vec 2.0: A framework for
       self-supervised learning of speech representations", NeurIPS 2020.
    .. [2] A. Babu et al., "XLS-R: Self-supervised cross-lingual speech representation learning at
       scale", Interspeech 2022.

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

    >>> from skgenre import Wav2VecClassifier
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(8, duration=1.0, sr=16000, random_state=0)
    >>> clf = Wav2VecClassifier(
    ...     checkpoint=folder, segment_duration=0.5, epochs=1, random_state=0
    ... ).fit(X, y)
    >>> clf.predict_proba(X).shape
    (8, 8)
    """

    def __init__(
        self,
        *,
        checkpoint="facebook/wav2vec2-xls-r-300m",
        sr=16000,
        segment_duration=5.0,
        n_segments=None,
        layers=-1,
        pooling="mean",
        hidden_layer_sizes=(256,),
        dropout=0.1,
        epochs=6,
        batch_size=8,
        gradient_accumulation_steps=1,
        learning_rate=1e-4,
        warmup_fraction=0.1,
        freeze_feature_encoder=True,
        freeze_base=False,
        gradient_checkpointing=False,
        precision="auto",
        device="auto",
        aggregate="mean",
        validation_fraction=None,
        early_stopping=False,
        patience=2,
        class_weight=None,
        checkpoint_dir=None,
        store_base_weights=True,
        revision=None,
        trust_remote_code=False,
        on_error="raise",
        timeout=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.checkpoint = checkpoint
        self.sr = sr
        self.segment_duration = segment_duration
        self.n_segments = n_segments
        self.layers = layers
        self.pooling = pooling
        self.hidden_layer_sizes = hidden_layer_sizes
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.learning_rate = learning_rate
        self.warmup_fraction = warmup_fraction
        self.freeze_feature_encoder = freeze_feature_encoder
        self.freeze_base = freeze_base
        self.gradient_checkpointing = gradient_checkpointing
        self.precision = precision
        self.device = device
        self.aggregate = aggregate
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.patience = patience
        self.class_weight = class_weight
        self.checkpoint_dir = checkpoint_dir
        self.store_base_weights = store_base_weights
        self.revision = revision
        self.trust_remote_code = trust_remote_code
        self.on_error = on_error
        self.timeout = timeout
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
