from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np
from joblib import delayed
from sklearn.utils._param_validation import Integral, Interval

from .._parallel import count_threads, own_threads, run_parallel
from ..audio import AudioError
from ._base import BaseClipTransformer
from ._cache import FeatureCache
from ._finite import as_finite, no_memory

_BATCHES_OF_A_THREAD = 4


@dataclass
class _Part:
    """Segments of a clip, or what is known of it without computing."""

    clip: int
    entry: Path | None
    segments: np.ndarray | None = None
    answer: np.ndarray | AudioError | None = None
    is_new: bool = True


class BatchedClipTransformer(BaseClipTransformer):
    """Reads clips with joblib, and runs its kernel here on the segments of several at a time.

    Subclasses also store ``batch_size``, the most segments that the kernel gets at once. All of
    them have one length.
    """

    _parameter_constraints: dict = {
        **BaseClipTransformer._parameter_constraints,
        "batch_size": [Interval(Integral, 1, None, closed="left")],
    }

    @property
    def _kernel_jobs(self):
        """How many calls of the kernel run at a time, in threads: one for nets with their own."""
        return 1

    def _segments_together(self, n_samples):
        """Return the most segments of a length that the kernel gets at once."""
        return self.batch_size

    def _extract_all(self, clips):
        cache = FeatureCache(self.cache, self)
        parts = self._in_batches(self._parts_of(clips, cache))
        for _, of_clip in groupby(parts, key=attrgetter("clip")):
            yield self._finish(list(of_clip), cache)

    def _finish(self, parts, cache):
        """Return a clip's features or error, and why they cannot be kept, from its parts."""
        errors = [part.answer for part in parts if isinstance(part.answer, AudioError)]
        if errors or not parts[0].is_new:
            return (errors[0] if errors else parts[0].answer), None
        features = self._join([part.answer for part in parts])
        return features, cache.store(parts[0].entry, features)

    def _parts_of(self, clips, cache):
        """Yield the parts of all clips in order: of long files, as they are read."""
        if self._reads_in_parts:
            found = (self._find_or_read(cache, clip, self._read) for clip in clips)
        else:
            calls = (delayed(self._find_or_read)(cache, clip, self._read_whole) for clip in clips)
            found = run_parallel(calls, n_jobs=self.n_jobs, prefer="threads")
        for i, (entry, answer, blocks) in enumerate(found):
            if answer is not None:
                yield _Part(i, entry, answer=answer, is_new=False)
                continue
            try:
                for segments in blocks:
                    yield _Part(i, entry, segments)
            except AudioError as error:
                yield _Part(i, entry, answer=error)
            except MemoryError as error:
                yield _Part(i, entry, answer=no_memory(error))

    def _find_or_read(self, cache, clip, read):
        """Return the clip's entry in the cache, and what is there, or else its segments."""
        entry = cache.find(clip)
        features = cache.load(entry)
        if features is not None:
            return entry, features, None
        try:
            return entry, None, read(clip)
        except AudioError as error:
            return entry, error, None
        except MemoryError as error:
            return entry, no_memory(error), None

    def _read_whole(self, clip):
        return list(self._read(clip))

    def _in_batches(self, parts):
        """Yield the parts with their answers."""
        kernel = self._make_kernel()
        n_enough = count_threads(self._kernel_jobs)
        if n_enough > 1:  # joblib looks every 10 ms whether all are done
            n_enough *= _BATCHES_OF_A_THREAD
        waiting, n_batches = [], Fraction(0)
        with own_threads(self._kernel_jobs) as in_threads:
            for part in parts:
                waiting.append(part)
                if part.segments is not None:
                    n_segments, n_samples = part.segments.shape
                    n_batches += Fraction(n_segments, self._segments_together(n_samples))
                if n_batches >= n_enough or (part.segments is None and n_batches == 0):
                    self._answer(kernel, waiting, in_threads)
                    yield from waiting
                    waiting, n_batches = [], Fraction(0)
            self._answer(kernel, waiting, in_threads)
        yield from waiting

    def _answer(self, kernel, parts, in_threads):
        of_length: dict = {}
        for part in parts:
            if part.segments is not None:
                of_length.setdefault(part.segments.shape[1], []).append(part)
        for n_samples, same in of_length.items():
            segments = np.concatenate([part.segments for part in same])
            n_batches = -(-len(segments) // self._segments_together(n_samples))
            batches = np.array_split(segments, n_batches)
            try:
                with np.errstate(all="ignore"):
                    answers = in_threads(delayed(kernel)(batch) for batch in batches)
                answers = np.concatenate(answers)
            except MemoryError as error:
                if len(segments) > 1:  # smaller batches may help
                    raise
                same[0].segments, same[0].answer = None, no_memory(error)
                continue
            ends = np.cumsum([len(part.segments) for part in same])
            for part, answer in zip(same, np.split(answers, ends[:-1]), strict=True):
                part.segments, part.answer = None, _finite_or_error(answer)


def _finite_or_error(answer):
    try:
        return as_finite(answer)
    except AudioError as error:
        return error
