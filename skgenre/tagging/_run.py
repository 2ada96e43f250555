"""Genres into tags: what would change, changing it, and taking it back."""

import os
import time
from typing import NamedTuple

from .._names import is_remote, printable
from .._system_errors import explain
from ._delta import apply_delta, hash_file, make_delta
from ._journal import Journal, read_journal
from ._pieces import UnfitError
from ._replace import check_replaceable, open_aside, remove_left_behind, take_place

FIELDS = ("genre", "grouping", "mood", "comment")
# for the tags of a file, which take milliseconds
_SECONDS = 30.0


class TagChange(NamedTuple):
    """A change to the tags of one file.

    Parameters
    ----------
    path : str
        The path of the file.
    old : tuple of str
        The current values of the field.
    new : tuple of str
        The new values of the field.
    status : str
        ``"open"`` before the new values are known, ``"change"`` once they are, and ``"written"`` or
        ``"restored"`` afterwards. ``"kept"`` if there is nothing to do, and ``"failed"`` if the
        file cannot be changed.
    reason : str
        Why the file is kept or has failed.
    confidence : float or None
        Probability of the first genre.

    See Also
    --------
    look_at : Creates one for each file.

    Examples
    --------
    >>> from skgenre.tagging import TagChange
    >>> TagChange("song.mp3", old=("Rock",)).status
    'open'
    """

    path: str
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    status: str = "open"
    reason: str = ""
    confidence: float | None = None


def look_at(paths, *, field="genre", overwrite=False):
    """Read the tags of files, and yield a `TagChange` for each.

    Parameters
    ----------
    paths : iterable of str
        The audio files.
    field : str, default="genre"
        The field to read: ``"genre"``, ``"grouping"``, ``"mood"`` or ``"comment"``.
    overwrite : bool, default=False
        Whether to change files that have values in the field.

    Yields
    ------
    change : TagChange
        Its status is ``"open"``, or ``"kept"`` or ``"failed"`` if the file will stay as it is.

    See Also
    --------
    choose : Chooses the new values of an open change.

    Examples
    --------
    >>> from skgenre.tagging import look_at
    >>> [change] = look_at(["no such song.mp3"])
    >>> change.status, change.reason
    ('failed', 'no such file')
    """
    names: dict[str, str] = {}
    for path in paths:
        row = TagChange(path)
        try:
            if is_remote(path):
                raise UnfitError("an address; only files on this machine are tagged")
            real = os.path.realpath(path)
            first = names.setdefault(real, path)
            if first is not path:
                yield row._replace(status="kept", reason=f"the same file as {printable(first)}")
                continue
            check_replaceable(real)
            row = row._replace(old=_read_isolated(real, field))
        except (OSError, UnfitError) as error:
            yield _fail(row, error)
            continue
        if row.old and not overwrite:
            row = row._replace(status="kept", reason=f"it has a {field}")
        yield row


def choose(change, ranked, *, top=1, min_confidence=0.0, renamed=None):
    """Choose the new values of a file from predicted genres.

    Parameters
    ----------
    change : TagChange
        An open change, from `look_at`.
    ranked : sequence of (str, float)
        The genres and their probabilities, the most probable first.
    top : int, default=1
        Maximum number of genres to write.
    min_confidence : float, default=0.0
        Keep the file unchanged if the first genre is less probable than this.
    renamed : dict of str to str or None, default=None
        Names to write for genres. A genre with an empty name, or None, is not written.

    Returns
    -------
    change : TagChange
        The change with its new values. Its status is ``"change"``, or ``"kept"`` if there is
        nothing to write.

    See Also
    --------
    apply : Writes the change.

    Examples
    --------
    >>> from skgenre.tagging import TagChange, choose
    >>> ranked = [("hiphop", 0.7), ("pop", 0.2), ("rock", 0.1)]
    >>> choose(TagChange("song.mp3"), ranked, top=2, renamed={"hiphop": "Hip-Hop"}).new
    ('Hip-Hop', 'pop')
    """
    best, confidence = ranked[0]
    change = change._replace(confidence=confidence)
    if confidence < min_confidence:
        reason = f"not sure enough: {printable(best)} {confidence:.0%}"
        return change._replace(status="kept", reason=reason)
    renamed = renamed or {}
    named = [renamed.get(genre, genre) for genre, likely in ranked[:top] if likely > 0]
    new = tuple(dict.fromkeys(filter(None, named)))
    if not new:
        reason = f"{printable(best)} is left out by the map"
        return change._replace(status="kept", reason=reason)
    change = change._replace(new=new)
    if new == change.old:
        return change._replace(status="kept", reason="it has the same already")
    return change._replace(status="change")


def apply(changes, journal, *, field="genre", keep_times=False):
    """Write changes to files, and yield what became of each.

    A file always has either all of its new values or is unchanged, even if the process is killed.
    Sound and other tags stay the same. See :doc:`/guide/command-line` for the command that does
    this.

    Parameters
    ----------
    changes : iterable of TagChange
        The changes, from `choose`. Only those with the status ``"change"`` are written.
    journal : path
        File to record each change in before it is made, so that `undo` can reverse it. An existing
        journal is extended.
    field : str, default="genre"
        The field to write: ``"genre"``, ``"grouping"``, ``"mood"`` or ``"comment"``.
    keep_times : bool, default=False
        Whether to keep the modification times of files.

    Yields
    ------
    change : TagChange
        The change, now ``"written"`` or ``"failed"`` if there was something to write.

    Raises
    ------
    OSError
        If the journal cannot be written.
    ValueError
        If ``journal`` is a file of another kind.

    See Also
    --------
    undo : Reverses the changes.

    Examples
    --------
    >>> import os, tempfile, numpy as np, soundfile as sf
    >>> from skgenre.tagging import apply, choose, look_at, undo
    >>> folder = tempfile.mkdtemp()
    >>> song, journal = os.path.join(folder, "song.flac"), os.path.join(folder, "journal")
    >>> sf.write(song, np.zeros(22050), 22050)
    >>> changes = [choose(change, [("jazz", 0.9)]) for change in look_at([song])]
    >>> [change.status for change in apply(changes, journal)]
    ['written']
    >>> [change.old for change in look_at([song])]
    [('jazz',)]
    >>> [change.status for change in undo(journal)]
    ['restored']
    """
    book = None
    try:
        for change in changes:
            if change.status == "change":
                book = book or Journal(journal)
                try:
                    _write(change, book, field, keep_times)
                    change = change._replace(status="written")
                except (OSError, UnfitError) as error:
                    change = _fail(change, error)
            yield change
    finally:
        if book is not None:
            book.close()


def undo(journal):
    """Reverse the changes in a journal, and yield what became of each file.

    Files are restored bit for bit. A file that was changed again since then stays as it is.

    Parameters
    ----------
    journal : path
        The journal that `apply` wrote.

    Yields
    ------
    change : TagChange
        Its status is ``"restored"``, ``"kept"`` if the file is unchanged, or ``"failed"``.

    Raises
    ------
    OSError
        If the journal cannot be read.
    ValueError
        If ``journal`` is a file of another kind.

    See Also
    --------
    apply : Makes the changes.

    Examples
    --------
    >>> import os, tempfile, numpy as np, soundfile as sf
    >>> from skgenre.tagging import TagChange, apply, undo
    >>> folder = tempfile.mkdtemp()
    >>> song, journal = os.path.join(folder, "song.flac"), os.path.join(folder, "journal")
    >>> sf.write(song, np.zeros(22050), 22050)
    >>> list(apply([TagChange(song, new=("jazz",), status="change")], journal))[0].status
    'written'
    >>> [change.status for change in undo(journal)]
    ['restored']
    """
    folders, entries, damaged = read_journal(journal)
    for folder in folders:
        remove_left_behind(folder)
    for number in damaged:
        yield TagChange(os.fspath(journal), status="failed", reason=f"its line {number} is damaged")
    for entry in reversed(entries):
        change = TagChange(entry["path"], tuple(entry.get("new", ())), tuple(entry.get("old", ())))
        try:
            is_restored = _restore(entry)
        except (OSError, UnfitError) as error:
            yield _fail(change, error)
            continue
        if is_restored:
            yield change._replace(status="restored")
        else:
            yield change._replace(status="kept", reason="it is as it was")


def _read_isolated(path, field):
    """Return the values of a field; some tags, made for it, can keep mutagen busy for hours."""
    from ..audio._isolation import WorkerError, run_isolated
    from ._formats import try_read_values

    try:
        values, reason = run_isolated(try_read_values, path, field, timeout=_SECONDS)
    except WorkerError as error:
        raise UnfitError(f"its tags cannot be read ({error})") from None
    if reason is not None:
        raise UnfitError(reason)
    return values


def _write(change, book, field, keep_times):
    from ._formats import read_values, write_values

    path = os.path.realpath(change.path)
    status = check_replaceable(path)
    if read_values(path, field) != change.old:
        raise UnfitError("another program has changed it meanwhile")
    folder = os.path.dirname(path)
    if book.enter(folder):
        remove_left_behind(folder)
    with open(path, "rb") as old, open_aside(path) as new:
        write_values(path, new, field, change.new)
        _check_same(old, new, field, change.new)
        entry = {
            "path": path,
            "field": field,
            "old": change.old,
            "new": change.new,
            "size": status.st_size,
            "mtime_ns": status.st_mtime_ns,
            "before": hash_file(old),
            "after": hash_file(new),
            "delta": make_delta(old, new),
        }
        times = (status.st_atime_ns, status.st_mtime_ns if keep_times else time.time_ns())
        take_place(new, path, status, times=times, before=lambda: book.add(**entry))


def _check_same(old, new, field, values):
    """Refuse a new file if anything in it differs but the field."""
    from ..audio._errors import UnknownFormatError
    from ..audio._ffmpeg import hash_packets
    from ._formats import read_others, read_values

    written = read_values(new.name, field)
    if written != values:
        raise UnfitError(
            f"its tags cannot hold {_list(values)}: it would be read as {_list(written)}"
        )
    if read_others(new.name, field) != read_others(old.name, field):
        raise UnfitError("its other tags would not stay as they are")
    try:
        is_same = hash_packets(new) == hash_packets(old)
    except UnknownFormatError as error:
        raise UnfitError(f"its sound cannot be compared ({error})") from None
    if not is_same:
        raise UnfitError("its sound would not stay as it is")


def _restore(entry):
    """Take a file back, and tell whether there was anything to do."""
    path = entry["path"]
    status = check_replaceable(path)
    with open(path, "rb") as now:
        found = hash_file(now)
        if found == entry["before"]:
            return False
        if found != entry["after"]:
            raise UnfitError("it was changed since, and is left as it is")
        with open_aside(path) as old:
            try:
                apply_delta(entry["delta"], now, old)
            except (ValueError, TypeError):
                raise UnfitError("the journal is damaged") from None
            old.flush()
            if hash_file(old) != entry["before"]:
                raise UnfitError("the journal is damaged")
            take_place(old, path, status, times=(status.st_atime_ns, entry["mtime_ns"]))
    return True


def _fail(change, error):
    reason = explain(error) if isinstance(error, OSError) else str(error)
    return change._replace(status="failed", reason=reason)


def _list(values):
    return ", ".join(map(printable, values)) or "nothing"
