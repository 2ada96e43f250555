"""Songs in folders: links are followed, and what is left out is told."""

import errno
import os
import re
from collections import Counter, deque
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from .._names import is_remote, printable
from .._system_errors import explain
from ..audio._formats import ENDINGS
from ..audio._remote import list_folder as list_remote

UNKNOWN_ENDING = "no decoder reads the ending"
_NO_TARGET = "a symbolic link to nothing"
_SPECIAL = dict.fromkeys((errno.ENOENT, errno.ENOTDIR), _NO_TARGET)

# What stands beside music and is none: pictures, playlists, texts, checksums, tables and features,
# and what players and editors note of a song.
_NO_MUSIC_ENDINGS = """
    avif bmp gif heic ico jfif jpe jpeg jpg pdf png psd svg tif tiff webp
    asx b4s cue m3u m3u8 pls ram wax wpl xspf zpl
    ass cfg conf diz doc docx htm html ini ipynb log lrc md nfo py rst rtf sh srt sub txt url webloc
    xml yaml yml
    accurip ffp md5 par2 sfv sha1 sha256 st5 torrent
    bib csv db h5 hdf5 jams json jsonl lab npy npz parquet pickle pkl sqlite tsv xls xlsx
    asd pk pkf reapeaks sfk
"""
_NO_MUSIC = {f".{ending}" for ending in _NO_MUSIC_ENDINGS.split()}
_NO_MUSIC_NAMES = {"changes", "copying", "icon\r", "licence", "license", "makefile", "readme"}
# What systems keep on a drive: thumbnails, deleted files and the like.
_SYSTEM_FOLDERS = {
    *("#recycle", "$recycle.bin", "@eadir", "__macosx", "lost+found"),
    "system volume information",
}
_MAX_ENDINGS = 6
_MAX_REASONS = 12


@dataclass
class Contents:
    """What is in a folder, or below it.

    Attributes
    ----------
    songs : list of str
        The files with an ending that some decoder reads. They are not opened.
    left_out : dict of str to str
        Why other files and folders are no songs and not looked into, by path. Hidden files,
        playlists, covers and the like are not in it.
    n_passed_over : int
        How many hidden files, playlists, covers and the like there are.
    folders : dict of str to bool
        The folders directly in it, and whether each may be a link.
    """

    songs: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    n_passed_over: int = 0
    folders: dict[str, bool] = field(default_factory=dict)


def list_folder(folder):
    """Return the `Contents` of a folder, without those of its folders.

    Raises
    ------
    OSError
        If the folder cannot be read.
    """
    found = Contents()
    with _scan(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if _is_hidden(entry.name):
                found.n_passed_over += 1
                continue
            path = _join(folder, entry.name)
            try:
                is_folder, reason = entry.is_dir(), _why_left_out(entry)
            except OSError as error:
                is_folder, reason = False, explain(error, _SPECIAL)
            if is_folder:
                if entry.name.lower() not in _SYSTEM_FOLDERS:
                    # on Windows a junction, too, which Python 3.11 takes for a folder
                    found.folders[path] = entry.is_symlink() or os.name == "nt"
            elif _is_no_music(entry.name):
                found.n_passed_over += 1
            elif reason:
                found.left_out[path] = reason
            else:
                found.songs.append(path)
    return found


def _scan(folder):
    return nullcontext(list_remote(folder)) if is_remote(str(folder)) else os.scandir(folder)


def _join(folder, name):
    return f"{folder}/{name}" if is_remote(str(folder)) else str(Path(folder, name))


def find_songs(folder, closed=()):
    """Return the `Contents` of a folder and all folders below it, also linked ones.

    A folder to which several ways lead is looked into once, and under its own name if that is below
    the folder. Links that lead back to a folder above them are not followed.

    Parameters
    ----------
    folder : path
        Where to begin.
    closed : iterable of str
        Real paths of folders that are not to be looked into.
    """
    found = Contents()
    seen = set(closed)
    waiting = deque([(str(folder), real_path(folder))])
    while waiting:
        path, real = waiting.popleft()
        if real in seen:
            continue
        seen.add(real)
        try:
            own = list_folder(path)
        except OSError as error:
            found.left_out[path] = explain(error, _SPECIAL)
            continue
        found.songs += own.songs
        found.left_out |= own.left_out
        found.n_passed_over += own.n_passed_over
        for child, may_be_link in own.folders.items():
            inside = os.path.join(real, os.path.basename(child))
            real_child = real_path(child) if may_be_link else inside
            if real_child == inside:
                waiting.appendleft((child, real_child))
            elif not _is_above(real_child, real):
                waiting.append((child, real_child))  # links last, so that songs keep their names
    found.songs.sort(key=lambda song: Path(song).parts)
    return found


def real_path(path):
    """Return a path without links, of a remote one the path itself."""
    return str(path) if is_remote(str(path)) else os.path.realpath(path)


def _is_above(folder, other):
    """Tell whether a folder is another one or holds it; both are real paths."""
    return other == folder or other.startswith(os.path.join(folder, ""))


def existing_folder(root, advice):
    """Return a folder as a path; raise with advice if there is none or it cannot be read.

    A remote folder is returned as a string.
    """
    root = os.path.expanduser(os.fsdecode(root))
    root = root.rstrip("/") if is_remote(root) else Path(root)
    try:
        with _scan(root):
            pass
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no folder {printable(root)}. {advice}") from None
    except NotADirectoryError:
        raise NotADirectoryError(f"{printable(root)} is not a folder. {advice}") from None
    except OSError as error:
        raise type(error)(
            f"The folder {printable(root)} cannot be read: {explain(error, _SPECIAL)}"
        ) from None
    return root


def describe_left_out(root, left_out):
    """Return lines that count what was left out, by reason, with an example of each."""
    if not left_out:
        return ""
    paths_of: dict = {}
    for path, reason in left_out.items():
        paths_of.setdefault(reason, []).append(path)
    is_one = len(left_out) == 1
    counted = "1 file or folder" if is_one else f"{len(left_out)} files or folders"
    lines = [f"{counted} in {printable(root)} {'was' if is_one else 'were'} left out:"]
    reasons = sorted(paths_of.items(), key=lambda item: -len(item[1]))
    for reason, paths in reasons[:_MAX_REASONS]:
        endings = f" ({_list_endings(paths)})" if reason == UNKNOWN_ENDING else ""
        rest = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        lines.append(f"  {reason}{endings}: {printable(paths[0])}{rest}")
    if n_others := sum(len(paths) for _, paths in reasons[_MAX_REASONS:]):
        lines.append(f"  for other reasons: {n_others}")
    return "\n".join(lines)


def explain_silence(found):
    """Return in a few words why there is no song in the `Contents` of a folder."""
    reasons = Counter(found.left_out.values())
    if reasons:
        return "; ".join(reason for reason, _ in reasons.most_common(2))
    is_empty = not found.n_passed_over
    return "empty" if is_empty else "nothing but hidden files, pictures, texts and the like"


def _list_endings(paths):
    """Return the most frequent endings; names such as "Mr. Blue" have none."""
    endings = [os.path.splitext(path)[1].lower() for path in paths]
    counts = Counter(
        ending if re.fullmatch(r"\.(?=.*[a-z])[\w+-]{1,10}", ending) else "none"
        for ending in endings
    )
    named = [ending for ending, _ in counts.most_common(_MAX_ENDINGS)]
    return ", ".join(named) + (", ..." if len(counts) > _MAX_ENDINGS else "")


def _is_hidden(name):
    # .icloud: a song that is elsewhere, and a hidden file here
    return name.startswith(".") and not name.lower().endswith(".icloud")


def _is_no_music(name):
    return os.path.splitext(name)[1].lower() in _NO_MUSIC or name.lower() in _NO_MUSIC_NAMES


def _why_left_out(entry):
    """Return why what is no folder is no song either, or "" if it is one."""
    if entry.is_file():
        ending = os.path.splitext(entry.name)[1].lower()
        return "" if ending in ENDINGS else UNKNOWN_ENDING
    return _NO_TARGET if entry.is_symlink() else "a pipe, socket or device"
