"""What encoders of audio in transformers have in common."""

from .._lengths import fit_length
from ._torch import transformers

# The layer that is a model's embedding of all it has heard, in the space it shares with texts.
PROJECTION = "projection"
# Samples of a frame of most extractors of spectrograms, and from one to the next: 25 ms and 10 ms
# at 16 kHz.
FRAME, HOP = 400, 160


class Family:
    """Encoders whose layers are the states of one transformer over the frames of a segment.

    Parameters
    ----------
    config : transformers.PreTrainedConfig
        Of the model.
    extractor : callable
        transformers' feature extractor: waveforms to what the model takes.
    """

    # modules that are convolutions before the transformer
    convolutional: tuple[str, ...] = ("feature_extractor",)
    # modules of fixed values, which are never trained
    fixed: tuple[str, ...] = ()
    # what the names of the encoder's weights begin with in the model that is loaded
    prefix = ""
    recomputes_activations = True

    def __init__(self, config, extractor):
        self.config, self.extractor = config, extractor

    @property
    def has_projection(self):
        """Whether the model has an embedding in the space that it shares with texts."""
        return False

    @property
    def model_class(self):
        """The class that loads a checkpoint."""
        return transformers.AutoModel

    def build(self, **options):
        """Return the encoder with random weights."""
        return self.encoder_of(transformers.AutoModel.from_config(self.config, **options))

    def encoder_of(self, model):
        """Return the encoder of audio of a model."""
        return model

    @property
    def n_layers(self):
        """Number of layers after the first, which is 0."""
        return self.config.num_hidden_layers

    def width(self, layer):
        """Return the number of values in each frame of a layer."""
        is_adapted = self._has_adapter and layer == self.n_layers
        return self.config.output_hidden_size if is_adapted else self.config.hidden_size

    @property
    def _has_adapter(self):
        """Whether the output has passed through further convolutions, and has fewer frames."""
        return getattr(self.config, "add_adapter", False)

    def have_same_frames(self, layers):
        """Return whether layers have as many frames as each other."""
        is_mixed = self.n_layers in layers and len(set(layers)) > 1
        return not (self._has_adapter and is_mixed)

    @property
    def convolutions(self):
        """Kernel and stride of each convolution over the waveform, where there are any."""
        names = ("conv_kernel", "conv_stride")
        return list(zip(*(getattr(self.config, name, ()) for name in names), strict=True))

    @property
    def shortest(self):
        """Number of samples that give one frame."""
        return self._samples_of(1) if self.convolutions else FRAME

    def _samples_of(self, n_frames):
        n_samples = n_frames
        for kernel, stride in reversed(self.convolutions):
            n_samples = (n_samples - 1) * stride + kernel
        return n_samples

    @property
    def longest(self):
        """Number of samples beyond which the extractor would cut, or None."""
        n_frames = getattr(self.extractor, "max_length", None)
        return None if n_frames is None else (n_frames - 1) * HOP + FRAME

    def count_frames(self, n_samples):
        """Return how many frames SpecAugment masks in so many samples; None if that is unknown."""
        if not self.convolutions:
            return None
        n_samples = max(n_samples, self.shortest)
        for kernel, stride in self.convolutions:
            n_samples = (n_samples - kernel) // stride + 1
        return n_samples

    @property
    def _extractor_options(self):
        return {}

    def prepare(self, segments):
        """Turn segments, (n_segments, n_samples), into tensors that the model takes.

        Segments of one length need neither padding nor an attention mask, and so the answer for one
        does not depend on the others.
        """
        if segments.shape[1] < self.shortest:
            segments = fit_length(segments, self.shortest)
        inputs = self.extractor(
            list(segments),
            sampling_rate=self.extractor.sampling_rate,
            return_tensors="pt",
            **self._extractor_options,
        )
        mask = inputs.get("attention_mask")
        if mask is not None and bool(mask.all()):
            del inputs["attention_mask"]
        return dict(inputs)

    def hidden_states(self, model, inputs, layers):
        """Return the frames of layers, a list of tensors (n_segments, n_frames, width).

        Layer 0 is the input of the first transformer layer, and the last one the model's output,
        after the final normalisation where there is one.
        """
        is_inner = not set(layers) <= {self.n_layers, PROJECTION}
        outputs = model(**inputs, output_hidden_states=True) if is_inner else model(**inputs)
        n_frames = self._count_heard(inputs)
        return [self._frames(outputs, layer)[:, :n_frames] for layer in layers]

    def _frames(self, outputs, layer):
        is_last = layer == self.n_layers
        return outputs.last_hidden_state if is_last else outputs.hidden_states[layer]

    def _count_heard(self, inputs):
        """Return how many frames are of the segments and not of padding; None if all are."""
        return None

    def suit_training(self, model, layers, n_samples):
        """Turn off what training on segments of a length, or by these layers, could not stand."""
        n_frames = self.count_frames(n_samples)
        if n_frames is not None and n_frames <= getattr(model.config, "mask_time_length", 0):
            # SpecAugment's masks would be longer than the segment
            model.config.mask_time_prob = 0.0
        if layers != [self.n_layers]:
            # a layer that is dropped in a step has no output to take
            model.config.layerdrop = 0.0


class UnknownFamily(Family):
    """Encoders that we have not seen: they are tried before they are used."""

    @property
    def shortest(self):
        """Number of samples that give one frame; of spectrograms, half a second is enough."""
        return super().shortest if self.convolutions else self.extractor.sampling_rate // 2
