"""Songs that are judged while they are read, for the waveforms of many songs fill the memory."""

import numpy as np

from .._bags import aggregate_proba
from .._base import installed_versions
from ..feature_extraction._waveform_segments import WaveformSegments, as_bands


class Listener(WaveformSegments):
    """Turns clips into what a model file that hears the waveform says of their segments.

    Gives an array (n_segments, n_genres) for each clip, NaN where it could not be read. Its cache
    keeps these answers.
    """

    @classmethod
    def of(cls, transformer, model):
        """Return one that cuts clips as a transformer does."""
        listener = cls(**transformer.get_params())
        listener._model = model
        return listener

    def judge(self, X):
        """Return of each clip the probabilities of its segments, and its own."""
        prior, aggregate = self._model.prior, self._model.info.aggregate
        answers = []
        for proba in self.transform(X):
            if np.isnan(proba).any():
                answers.append((np.tile(prior, (len(proba), 1)), prior))
            elif aggregate == "song":
                answers.append((proba, proba[0]))
            else:
                counts = np.array([len(proba)])
                answers.append((proba, aggregate_proba(proba, counts, aggregate)[0]))
        return answers

    @property
    def _progress_label(self):
        return "OnnxGenreClassifier"

    @property
    def _judges_songs(self):
        return self._model.info.aggregate == "song"

    @property
    def _reads_in_parts(self):
        return not self._judges_songs and super()._reads_in_parts

    def _make_kernel(self):
        return self._judge_segments

    def _judge_segments(self, segments):
        proba, _ = self._model.judge([as_bands(segments)])
        return proba

    def _feature_shape(self, n_samples):
        return len(self._model.info.genres), 1

    def _feature_params(self):
        return {
            **super()._feature_params(),
            "model": self._model.digest,
            "versions": installed_versions(["onnxruntime"]),
        }

    def _join(self, parts):
        return np.concatenate(parts)

    def _as_row(self, result, dtype):
        return np.require(super()._as_row(result, dtype), requirements="W")

    def _unreadable_row(self):
        n_segments = 1 if self._judges_songs else self.n_segments or 1
        return np.full((n_segments, len(self._model.info.genres)), np.nan, dtype=np.float32)

    def _allocate(self, n_clips):
        return np.empty(n_clips, dtype=object)
