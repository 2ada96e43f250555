from ._fine_tuning import BaseFineTunedClassifier


class Wav2VecClassifier(BaseFineTunedClassifier):
    """Fine-tune a pretrained audio model to classify songs.

    Takes audio files or waveforms and cuts them into segments. A head of dense layers predicts the
    genre of a segment from the hidden states of the model [1]_. All songs have equal weight in
    training, and a song gets the mean of its segments' probabilities. It works with the audio
    encoders of transformers, such as wav2vec 2.0, XLS-R [2]_, HuBERT, WavLM, AST, CLAP, Whisper,
    EnCodec and MERT. See :doc:`/guide/wav2vec` for all of them, for memory and for speed. Needs the
    extra ``wav2vec``: ``pip install "skgenre[wav2vec]"``.

    Parameters
    ----------
    checkpoint : str or path-like, default="facebook/wav2vec2-xls-r-300m"
        Name of a repository on the Hugging Face hub, or a local folder, which needs no network.
    sr : float, default=16000
        Sample rate in Hz of waveforms without a rate. The model gets all input at its own rate.
    segment_duration : float, default=5.0
        Length in seconds of the segments to cut each song into, at most the longest input of the
        model. A remainder shorter than half a segment is dropped, unless there is no other segment;
        a longer one is repeated to full length.
    n_segments : int, default=None
        Maximum number of segments per song, evenly spread over it. ``None`` uses all.
    layers : int, "projection", sequence of int, or "all", default=-1
        Layers to average with learned weights. 0 is the input of the first transformer layer, and
        -1 the output of the model. ``"projection"`` is CLAP's embedding in the space that it shares
        with texts. CLAP's layers cannot be averaged.
    pooling : {"mean", "max", "attention"}, default="mean"
        How to combine the frames of a segment: their mean, their maximum, or a mean with learned
        weights.
    hidden_layer_sizes : sequence of int, default=(256,)
        Sizes of the hidden layers of the head.
    dropout : float, default=0.1
        Dropout rate before each layer of the head.
    epochs : int, default=6
        Number of passes over the training songs.
    batch_size : int, default=8
        Maximum number of segments that the model processes at once.
    gradient_accumulation_steps : int, default=1
        Number of batches per training step. Four batches of 2 train like one of 8, in less memory.
    learning_rate : float, default=1e-4
        Peak learning rate of the AdamW optimizer.
    warmup_fraction : float, default=0.1
        Fraction of the steps in which the learning rate rises linearly, before it falls to zero.
    freeze_feature_encoder : bool, default=True
        Do not train the convolutions before the transformer, if the model has them.
    freeze_base : bool, default=False
        Train the head only.
    gradient_checkpointing : bool, default=False
        Save memory by computing activations twice, which takes about a third longer. Not available
        for CLAP and codecs.
    precision : {"auto", "float32", "bfloat16", "float16"}, default="auto"
        Precision of matrix products. ``"auto"`` uses bfloat16 on CPUs and GPUs that support it,
        float16 on other CUDA GPUs, and else float32. If a second of noise shows that the model is
        inaccurate in the lower precision, it uses float32 and warns.
    device : str, default="auto"
        Device to compute on, in torch's notation, such as ``"cuda:1"``. ``"auto"`` uses a GPU if
        there is one.
    aggregate : {"mean", "product", "vote"}, default="mean"
        How the probabilities of a song's segments are combined: their mean, their normalised
        geometric mean, or the share of segments that each genre wins.
    validation_fraction : float, default=None
        Fraction of songs to hold out for measuring loss and accuracy after each epoch, stratified
        by genre. With ``groups``, whole groups are held out, as close to the fraction as possible.
        ``None`` means 0.1 with ``early_stopping`` and no validation without it.
    early_stopping : bool, default=False
        Stop when the validation loss has not improved for ``patience`` epochs. With validation, the
        weights of the best epoch are always restored.
    patience : int, default=2
        Number of epochs to wait for an improvement.
    class_weight : {"balanced"}, dict of label to float, or None, default=None
        Weight of each genre in the loss. ``"balanced"`` lets rare genres count as much as others.
    checkpoint_dir : path, default=None
        Folder to save the training in after each epoch, so that you can stop it and call `fit`
        again to continue. Needs an int ``random_state``. The file is removed when it is done.
    store_base_weights : bool, default=True
        Whether pickles contain all weights. Otherwise they contain only the weights that changed,
        and need the checkpoint when they are loaded.
    revision : str, default=None
        Branch, tag or commit of the repository. ``None`` means its main branch.
    trust_remote_code : bool, default=False
        Allow the checkpoint to run code of its own, which can do anything that you can.
    on_error : {"raise", "nan"}, default="raise"
        What to do if songs cannot be read. ``"raise"`` raises an error that names all of them;
        ``"nan"`` warns, skips them in training and predicts the class prior for them.
    timeout : float, default=None
        Longest time in seconds to read a file, in a separate process. A file that hangs or crashes
        the decoder then counts as unreadable. ``None`` reads in the current process.
    n_jobs : int, default=None
        Number of songs to read in parallel, in threads unless `joblib.parallel_config` names
        another backend. Without ``n_segments``, songs are read one by one.
    random_state : int, RandomState instance or None, default=None
        Seed for weights, shuffling, dropout and held-out songs. Pass an int for reproducible fits.
    verbose : int, default=0
        If above 0, show progress bars with the loss.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The genres.
    class_prior_ : ndarray of shape (n_classes,)
        Share of each genre among the readable training songs, which is also the prediction for
        songs that could not be read.
    history_ : dict of list of float
        ``"loss"``, ``"accuracy"`` and ``"seconds"`` of each epoch, ``"val_loss"`` and
        ``"val_accuracy"`` if songs are held out, and ``"step_loss"`` and ``"step_learning_rate"``
        of each step.
    input_shape_ : tuple of int
        1 and the number of samples of a segment at the model's rate.
    model_ : torch.nn.Module
        The trained network.
    n_features_in_ : int
        Number of samples of the waveforms seen in `fit`, if they came as one array.

    See Also
    --------
    Wav2VecEmbedder : Uses such a model without training it.
    KerasCNNClassifier : Trains a network on spectrograms from scratch.

    Notes
    -----
    The training songs are held in memory as waveforms: 1.9 GB for 1000 clips of 30 s at 16 kHz.
    Gradients are clipped to a norm of 1, and weights decay by 0.01.

    References
    ----------
    .. [1] A. Baevski, H. Zhou, A. Mohamed and M. Auli, "wav2vec 2.0: A framework for
       self-supervised learning of speech representations", NeurIPS 2020.
    .. [2] A. Babu et al., "XLS-R: Self-supervised cross-lingual speech representation learning at
       scale", Interspeech 2022.

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

    >>> from skgenre import Wav2VecClassifier
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(8, duration=1.0, sr=16000, random_state=0)
    >>> clf = Wav2VecClassifier(checkpoint=folder, segment_duration=0.5, epochs=1, random_state=0)
    >>> clf.fit(X, y).predict_proba(X).shape
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
