import numpy as np

from .._bags import take_segments
from .._stored import StoredSegments
from ._augmentation import change_level, mask, mix_up
from ._keras import keras


class SegmentBatches(keras.utils.PyDataset):
    """The segments of songs in batches of even size, put together when their step comes.

    No copy of the segments is made but for the batches at hand, of which stored segments have many,
    since reading is slow. Even batches, since a small last one would dominate the statistics of
    batch normalisation.

    Parameters
    ----------
    segments : sequence of ndarray of shape (n_bands, n_frames)
        Views of the songs.
    targets : ndarray of shape (n_segments, n_classes)
        Probabilities of the genres of each segment.
    weights : ndarray of shape (n_segments,)
        Weight of each segment.
    batch_size : int
        The most segments in a batch.
    random_state : RandomState, default=None
        Shuffles the segments anew for each epoch, and draws what augmentation needs. ``None``
        keeps their order, and takes them as they are.
    time_mask, frequency_mask, gain, mixup : float, default=0.0
        Augmentation, as the classifiers describe it.
    """

    def __init__(
        self,
        segments,
        targets,
        weights,
        *,
        batch_size,
        random_state=None,
        time_mask=0.0,
        frequency_mask=0.0,
        gain=0.0,
        mixup=0.0,
    ):
        super().__init__()
        self._segments, self._targets, self._weights = segments, targets, weights
        self._n_batches = -(-len(segments) // batch_size)
        self._random_state = random_state
        self._time_mask, self._frequency_mask = time_mask, frequency_mask
        self._gain, self._mixup = gain, mixup
        self.on_epoch_end()

    def on_epoch_end(self):
        """Shuffle for the next epoch."""
        order, rng = np.arange(len(self._segments)), self._random_state
        # views, which change with the order
        self._batches, self._at_hand = np.array_split(order, self._n_batches), {}
        if rng is None:
            return
        if not (isinstance(self._segments, StoredSegments) and self._segments.is_grouped):
            rng.shuffle(order)
            return
        n_together = self._n_batches_together
        order[:] = self._segments.shuffle_groups(rng, -(-self._n_batches // n_together))
        ends = np.cumsum([len(batch) for batch in self._batches])[n_together - 1 :: n_together]
        for window in np.split(order, ends):
            rng.shuffle(window)

    @property
    def _n_batches_together(self):
        """How many batches are read at a time: as evenly as possible, a small last one is none."""
        n_most = max(1, self._segments.n_together * self._n_batches // len(self._segments))
        return -(-self._n_batches // -(-self._n_batches // n_most))

    def let_go(self):
        """Forget the segments: TensorFlow keeps every data set that it has read."""
        self._segments, self._at_hand = [], {}

    def __len__(self):
        return self._n_batches

    def __getitem__(self, i):
        rows, rng = self._batches[i], self._random_state
        segments = self._take(i)
        targets, weights = self._targets[rows], self._weights[rows]
        if self._gain:
            change_level(segments, rng, self._gain)
        if self._frequency_mask:
            mask(segments, rng, self._frequency_mask, axis=1)
        if self._time_mask:
            mask(segments, rng, self._time_mask, axis=2)
        if self._mixup:
            segments, targets, weights = mix_up(segments, targets, weights, rng, self._mixup)
        return segments[..., np.newaxis], targets, weights

    def _take(self, i):
        if not isinstance(self._segments, StoredSegments):
            return take_segments(self._segments, self._batches[i])
        if i not in self._at_hand:
            self._at_hand = {}
            batches = self._batches[i : i + self._n_batches_together]
            segments = self._segments.read(np.concatenate(batches))
            ends = np.cumsum([len(batch) for batch in batches])
            self._at_hand = dict(enumerate(np.split(segments, ends[:-1]), start=i))
        return self._at_hand[i].copy()
