import os
from collections import Counter

import numpy as np
from joblib import Parallel, delayed

from .._progress import track
from ._errors import AudioError
from ._examine import Examination, examine
from ._files import as_seen_from_anywhere, check_path, is_seen_by_others
from ._fingerprint import find_matches
from ._isolation import WorkerError, Workers, check_timeout

# Beyond these a file is at fault: half of it silence, one sample in ten thousand clipped, an offset
# of a fiftieth of full scale, less than a second.
MAX_SILENT = 0.5
MAX_CLIPPED = 1e-4
MAX_DC = 0.02
MIN_DURATION = 1.0

# A length is an outlier if it is further from the median than five robust standard deviations, and
# than a tenth; both of its logarithm, for a song may be twice as long as another but not negative.
_N_DEVIATIONS = 5
_MIN_DEVIATION = np.log(1.1)


def find_faults(paths, *, min_duration=MIN_DURATION, n_jobs=None, timeout=120.0, verbose=0):
    """Find unreadable, damaged, silent, duplicate and otherwise faulty audio files.

    Each file is decoded once, from start to end, in a separate process, so a file that crashes or
    hangs the decoder becomes a row of the result. Faulty files never raise an error.

    Parameters
    ----------
    paths : sequence of str or path-like
        The audio files.
    min_duration : float, default=1.0
        Report files shorter than this, in seconds.
    n_jobs : int, default=None
        Number of files to decode in parallel, each in its own process. ``None`` means 1 and ``-1``
        means all cores.
    timeout : float, default=120.0
        Longest time to spend on one file, in seconds. Three hours of MP3 take about one minute.
    verbose : int, default=0
        If above 0, show a progress bar.

    Returns
    -------
    faults : pandas.DataFrame
        One row for each fault of each file, in the order of ``paths``; empty if all files are fine.
        It has these columns:

        - ``path``: the file, as you gave it.
        - ``fault``: the name of the fault, from the table in the notes.
        - ``value``: how bad it is, where the table in the notes says so; otherwise NaN.
        - ``detail``: the path of the other file for duplicates, otherwise a short explanation.

    Raises
    ------
    ValueError
        If ``paths`` is a single path, or ``min_duration`` or ``timeout`` is out of range.

    See Also
    --------
    load_audio : Refuses files that are unreadable, truncated, empty or hold NaN.
    skgenre.model_selection.check_leakage : Looks for copies across a train/test split.

    Notes
    -----
    The faults are:

    =================== ===========================================================================
    fault               meaning, and what ``value`` holds
    =================== ===========================================================================
    ``unreadable``      `load_audio` refuses the file, or the decoder crashed or timed out
    ``truncated``       the file ends before its header says it does
    ``empty``           the file holds no samples
    ``nan``             the file holds NaN or infinite samples
    ``damaged``         the decoder reported errors, such as a broken MP3 frame
    ``short``           the file is shorter than ``min_duration``; its length in seconds
    ``silent``          at least half of the audio is below -60 dBFS; the fraction that is
    ``clipped``         more than 1 sample in 10,000 belongs to a run of 3 or more samples at the
                        file's highest or lowest level, near full scale; the fraction that does
    ``opposite``        the channels cancel out when averaged, so `load_audio` returns the
                        loudest one; the number of that channel
    ``joined``          several files were joined end to end, or the sample rate changes midway;
                        how many parts there are, if they can be read
    ``dc``              the mean of a channel is more than 0.02 from zero; the mean
    ``duplicate``       the samples are identical to those of an earlier file
    ``near_duplicate``  the recording, or an excerpt of it, is also in an earlier file with
                        another encoding, level or cut; the fraction of fingerprint bits that
                        differ
    ``sample_rate``     the sample rate differs from that of most files; the rate in Hz
    ``length``          the length is more than 5 robust standard deviations, and more than 10 %,
                        away from the median; the length in seconds
    =================== ===========================================================================

    Duplicates are found by hashing the decoded samples. Near duplicates are found with audio
    fingerprints [1]_ in an index, and need at least 1.5 s in common. Clipping that happened before
    lossy encoding no longer shows as flat peaks and is not detected. Reference [2]_ describes such
    faults in GTZAN.

    References
    ----------
    .. [1] J. Haitsma and T. Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002.
    .. [2] B. L. Sturm, "An Analysis of the GTZAN Music Genre Dataset", MIRUM 2012.

    Examples
    --------
    >>> import numpy as np, soundfile as sf, tempfile, os
    >>> from skgenre.audio import find_faults
    >>> folder = tempfile.mkdtemp()
    >>> noise = np.random.RandomState(0).uniform(-0.5, 0.5, 3 * 22050)
    >>> paths = [os.path.join(folder, name) for name in ("good.wav", "short.wav", "gone.wav")]
    >>> sf.write(paths[0], noise, 22050)
    >>> sf.write(paths[1], noise[:1000], 22050)
    >>> find_faults(paths)[["fault", "detail"]]
            fault        detail
    0       short        0.05 s
    1  unreadable  no such file
    """
    if isinstance(paths, str | bytes | os.PathLike):
        raise ValueError(f"Expected a sequence of paths, got the single path {paths!r}")
    if not min_duration > 0:
        raise ValueError(f"min_duration must be positive, got {min_duration!r}")
    check_timeout(timeout)
    paths = list(paths)
    found = list(
        track(
            examine_files(paths, n_jobs=n_jobs, timeout=timeout),
            total=len(paths),
            description="find_faults",
            unit="files",
            verbose=verbose,
        )
    )
    return name_faults(paths, found, min_duration=min_duration)


def examine_files(paths, *, n_jobs, timeout):
    """Yield the `Examination` of each file, as soon as it and those before it are known."""
    with Workers() as workers:
        yield from Parallel(n_jobs=n_jobs, backend="threading", return_as="generator")(
            delayed(examine_isolated)(workers, path, timeout) for path in paths
        )


def name_faults(paths, found, *, min_duration=MIN_DURATION):
    """Return the table of `find_faults`, from the `Examination` of each file."""
    from .._tables import make_table  # pandas, for which a worker process has no use

    lists = [_find_own_faults(file, min_duration) for file in found]
    _compare(found, paths, lists)
    rows = [(path, *row) for path, own in zip(paths, lists, strict=True) for row in own]
    faults = make_table(rows, ["path", "fault", "value", "detail"])
    return faults.astype({"value": float})


def examine_isolated(workers, path, timeout):
    try:
        if not is_seen_by_others(path):
            return examine(path)
        return workers.run(examine, as_seen_from_anywhere(check_path(path)), timeout=timeout)
    except AudioError:
        return examine(path)
    except WorkerError as error:
        return Examination(error=("unreadable", str(error)))
    except MemoryError:
        return Examination(error=("unreadable", "not enough memory to decode it"))


def _find_own_faults(file, min_duration):
    """Return (fault, value, detail) for each fault that a file has by itself."""
    faults = []
    if file.error:
        fault, reason = file.error
        faults.append((fault, np.nan, reason))
    if file.complaint:
        faults.append(("damaged", np.nan, file.complaint))
    if file.error:
        return faults
    if file.duration < min_duration:
        faults.append(("short", file.duration, f"{file.duration:.2f} s"))
    if file.silent >= MAX_SILENT:
        faults.append(("silent", file.silent, f"{file.silent:.0%} below -60 dBFS"))
    if file.clipped > MAX_CLIPPED:
        faults.append(("clipped", file.clipped, f"{file.clipped:.2%} of the samples"))
    if file.heard_channel is not None:
        detail = (
            f"the mean of all channels is near silence, so channel {file.heard_channel} is used"
        )
        faults.append(("opposite", file.heard_channel, detail))
    if file.n_files > 1:
        faults.append(("joined", file.n_files, f"{file.n_files} files, joined end to end"))
    if abs(file.dc) > MAX_DC:
        faults.append(("dc", file.dc, f"a mean of {file.dc:.3f}"))
    return faults


def _compare(found, paths, lists):
    """Add the faults that files have beside others to their lists."""
    readable = [i for i, file in enumerate(found) if not file.error]
    if not readable:
        return
    originals = _find_duplicates(found, readable)
    unique = [i for i in readable if originals[i] == i]
    matches: dict = {}
    for (first, second), match in find_matches([found[i].fingerprint for i in unique]).items():
        matches.setdefault(unique[second], (unique[first], *match))
    rate, n_of_rate = Counter(found[i].sample_rate for i in readable).most_common(1)[0]
    lengths = np.log([found[i].duration for i in readable])
    deviations = np.abs(lengths - np.median(lengths))
    limit = max(_N_DEVIATIONS * 1.4826 * np.median(deviations), _MIN_DEVIATION)
    for i, deviation in zip(readable, deviations, strict=True):
        file = found[i]
        if originals[i] != i:
            lists[i].append(("duplicate", np.nan, paths[originals[i]]))
        elif i in matches:
            other, error_rate, _ = matches[i]
            lists[i].append(("near_duplicate", error_rate, paths[other]))
        if file.sample_rate != rate and 2 * n_of_rate > len(readable):
            detail = f"{file.sample_rate} Hz, most have {rate} Hz"
            lists[i].append(("sample_rate", file.sample_rate, detail))
        if deviation > limit:
            lists[i].append(("length", file.duration, f"{file.duration:.2f} s"))


def _find_duplicates(found, readable):
    """Return for each readable file the first one with the same samples."""
    first: dict = {}
    return {i: first.setdefault(found[i].digest, i) for i in readable}
