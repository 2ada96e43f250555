import os
from numbers import Integral
from typing import Any

from sklearn.utils._param_validation import StrOptions

from .._forks import refuse_if_lost


class PretrainedMixin:
    """Finds the checkpoint and the device that an estimator's parameters name.

    Subclasses store ``checkpoint``, ``layers``, ``precision``, ``device``, ``revision`` and
    ``trust_remote_code``. torch and transformers are imported when these are asked for.
    """

    checkpoint: Any
    device: Any
    precision: Any
    revision: Any
    trust_remote_code: Any

    _pretrained_constraints: dict = {
        "checkpoint": [str, os.PathLike],
        "layers": ["array-like", Integral, StrOptions({"all", "projection"})],
        "precision": [StrOptions({"auto", "float32", "bfloat16", "float16"})],
        "device": [str],
        "revision": [str, None],
        "trust_remote_code": ["boolean"],
    }

    def _open_checkpoint(self):
        from ._checkpoint import open_checkpoint

        return open_checkpoint(
            self.checkpoint, revision=self.revision, trust_remote_code=self.trust_remote_code
        )

    def _find_device(self):
        from ._torch import find_device

        refuse_if_lost("torch")
        return find_device(self.device)

    def _kept_precision(self):
        """Return what tells the precision of results that are kept.

        Those of ``"auto"`` stand apart, since it may turn out to be float32 for a model.
        """
        from ._torch import find_precision

        precision = find_precision(self.precision, self._find_device())
        is_open = self.precision == "auto" and precision != "float32"
        return f"auto, {precision}" if is_open else precision
