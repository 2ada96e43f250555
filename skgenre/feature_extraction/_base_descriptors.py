from abc import abstractmethod

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_feature_names_in

from ._base import BaseClipTransformer


class BaseDescriptorTransformer(BaseClipTransformer):
    """Clips to vectors: what a kernel gives for a segment is one frame, and without segments a row.

    Subclasses name the columns in ``_descriptor_names()``.
    """

    @abstractmethod
    def _descriptor_names(self):
        """Return the names of the columns."""

    @available_if(lambda self: not self._has_segments)
    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns of the table.

        Not available if the result is a bag of segments.

        Parameters
        ----------
        input_features : array-like of str of shape (n_samples,), default=None
            Checked against the columns seen in `fit`, and otherwise ignored.

        Returns
        -------
        names : ndarray of str of shape (n_descriptors,)
            The names of feature and statistic, joined by underscores.
        """
        _check_feature_names_in(self, input_features, generate_names=False)
        return np.asarray(self._descriptor_names(), dtype=object)

    def _row_shape(self):
        shape = super()._row_shape()
        return shape if self._has_segments else shape[:-1]

    def _join(self, parts):
        features = super()._join(parts)
        return features if self._has_segments else features[..., 0]
