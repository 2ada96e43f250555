import numpy as np
from sklearn.base import TransformerMixin

from .._base import VersionedEstimator


class BagTransformer(TransformerMixin, VersionedEstimator):
    """A transformer of tables, spectrograms or bags, in which NaN marks an unreadable song."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _more_tags(self):
        return {"allow_nan": True, "preserves_dtype": [np.float32]}
