import os
from collections import Counter

import numpy as np
from joblib import Parallel, delayed

from .._progress import track
from ._errors import AudioError
from ._examine import Examination, examine
from ._files import check_path
from ._fingerprint import find_matches
from ._isolation import WorkerError, Workers, check_timeout

# Beyond these a file is at fault: half of it silence, one sample in ten thousand clipped, an offset
# of a fiftieth of full scale.
MAX_SILENT = 0.5
MAX_CLIPPED = 1e-4
MAX_DC = 0.02

# A length is an outlier if it is further from the median than five robust standard deviations, and
# than a tenth; both of its logarithm, for a song may be twice as long as another but not negative.
_N_DEVIATIONS = 5
_MIN_DEVIATION = np.log(1.1)


def find_faults(paths, *, min_duration=1.0, n_jobs=None, timeout=120.0, verbose=0):
    """Find what is wrong with the files of a corpus.

    Every file is decoded once, whole, in a process that may crash or hang, and compared with the
    others. Bad files of any kind are rows of the result and never an error.

    Parameters
    ----------
    paths : sequence of str or path-like
        The audio files.
    min_duration : float, default=1.0
        Shorter files are at fault, in seconds.
    n_jobs : int, default=None
        How many files are decoded at a time, each in a process of its own; ``None`` is 1 and -1
        all cores.
    timeout : float, default=120.0
        Seconds that one file may take. Three hours of MP3 take about one minute.
    verbose : int, default=0
        Show a progress bar.

    Returns
    -------
    faults : pandas.DataFrame
        A row for each file and fault, in the order of the paths; no row if nothing is wrong.

        - ``path``: the file, as it was given
        - ``fault``: one of the faults below
        - ``value``: a number that says how bad, where there is one; else NaN
        - ``detail``: for duplicates the path of the other file, as it was given; else a text

        =================== =======================================================================
        fault               meaning, and ``value``
        =================== =======================================================================
        ``unreadable``      `load_audio` refuses it; the decoder crashed or took too long
        ``truncated``       it ends before its header says
        ``empty``           it holds no samples
        ``nan``             it holds NaN or infinite samples
        ``damaged``         the decoder complained of the stream, as of a broken MP3 frame
        ``short``           shorter than ``min_duration``; seconds
        ``silent``          at least half of what `load_audio` gives is below -60 dBFS; the share
        ``clipped``         more than one sample in 10,000 continues a run of three or more at the
                            highest or lowest level of the file, near full scale; the share
        ``opposite``        its channels cancel each other in their mean; `load_audio` gives the
                            loudest in its place, whose number is the value
        ``joined``          several files stand one behind the other, or the sample rate changes in
                            it; how many, where it is read
        ``dc``              the mean of a channel is over 0.02; the mean
        ``duplicate``       the same samples as an earlier file
        ``near_duplicate``  the same recording as an earlier file, or part of it, in another
                            encoding, level or cut; the share of fingerprint bits that differ
        ``sample_rate``     another than that of most files; in Hz
        ``length``          an outlier: more than 5 robust standard deviations from the median
                            length, and more than a tenth; seconds
        =================== =======================================================================

    Raises
    ------
    ValueError
        If ``paths`` is a single path, or a parameter is out of range.

    See Also
    --------
    load_audio : Refuses the files that are unreadable, truncated, empty or hold NaN.

    Notes
    -----
    Duplicates are found by a hash of the decoded samples, near duplicates by fingerprints [1]_, of
    which an index finds the pairs worth comparing. An excerpt needs 1.5 s. Clipping that happened
    before a lossy encoding leaves no flat tops and is not seen. The faults of a well-known
    collection are described in [2]_.

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
    from .._tables import make_table  # pandas, for which a worker process has no use

    if isinstance(paths, str | bytes | os.PathLike):
        raise ValueError(f"Expected a sequence of paths, got the single path {paths!r}")
    if not min_duration > 0:
        raise ValueError(f"min_duration must be positive, got {min_duration!r}")
    check_timeout(timeout)
    paths = list(paths)
    with Workers() as workers:
        found = list(
            track(
                Parallel(n_jobs=n_jobs, backend="threading", return_as="generator")(
                    delayed(examine_isolated)(workers, path, timeout) for path in paths
                ),
                total=len(paths),
                description="find_faults",
                unit="files",
                verbose=verbose,
            )
        )
    lists = [_find_own_faults(file, min_duration) for file in found]
    _compare(found, paths, lists)
    rows = [(path, *row) for path, own in zip(paths, lists, strict=True) for row in own]
    faults = make_table(rows, ["path", "fault", "value", "detail"])
    return faults.astype({"value": float})


def examine_isolated(workers, path, timeout):
    try:
        return workers.run(examine, os.path.abspath(check_path(path)), timeout=timeout)
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
        detail = f"channel {file.heard_channel} is heard, since the mean of all is near silence"
        faults.append(("opposite", file.heard_channel, detail))
    if file.n_files > 1:
        faults.append(("joined", file.n_files, f"{file.n_files} files, one behind the other"))
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
