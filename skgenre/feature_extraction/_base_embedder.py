from abc import abstractmethod

from .._statistics import check_statistics
from ._base_descriptors import BaseDescriptorTransformer
from ._batched import BatchedClipTransformer


class BaseEmbedder(BaseDescriptorTransformer, BatchedClipTransformer):
    """Clips to statistics over time of the values that a pretrained net gives.

    Subclasses also store ``statistics``, and name the values in ``_value_names()``.
    """

    _parameter_constraints: dict = {
        **BatchedClipTransformer._parameter_constraints,
        "statistics": [list, tuple],
    }

    @abstractmethod
    def _value_names(self):
        """Return the names of the values."""

    @property
    @abstractmethod
    def _n_values(self):
        """Number of values."""

    def _descriptor_names(self):
        values = self._value_names()
        return [f"{value}_{name}" for name in self.statistics for value in values]

    def _feature_shape(self, n_samples):
        return len(self.statistics) * self._n_values, int(n_samples >= 1)

    @property
    def _shortest_segment(self):
        return "one sample"

    def _check_settings(self):
        check_statistics(self.statistics)
        super()._check_settings()
