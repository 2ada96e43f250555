"""Files that must not change, that change meanwhile, and processes that are killed."""

import hashlib
import json
import os
import signal
import sys
import warnings
from pathlib import Path

import pytest
from mutagen import apev2

from skgenre import tagging
from skgenre.tagging import TagChange, apply, choose, look_at, undo

RANKED = [("rock", 0.8), ("pop", 0.15), ("jazz", 0.05), ("folk", 0.0)]


@pytest.fixture
def songs(make_song, tmp_path):
    """Return the paths of three songs."""
    folder = tmp_path / "music"
    folder.mkdir()
    return [str(make_song(name, folder)) for name in ("v24.mp3", "a.flac", "d.m4a")]


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "tags.jsonl"


def plan(paths, genre="Rock"):
    return [
        change._replace(new=(genre,), status="change") if change.status == "open" else change
        for change in look_at(paths, overwrite=True)
    ]


def read(paths):
    """Return what is to come back: bytes, time of change and permissions."""
    return [
        (Path(path).read_bytes(), os.stat(path).st_mtime_ns, os.stat(path).st_mode)
        for path in paths
    ]


def write(paths, journal, genre="Rock", **options):
    return [
        (change.status, change.reason) for change in apply(plan(paths, genre), journal, **options)
    ]


def take_back(journal):
    return [(change.status, change.reason) for change in undo(journal)]


def test_only_sure_answers_are_written():
    change = TagChange("song")
    assert choose(change, RANKED, min_confidence=0.8) == TagChange(
        "song", (), ("rock",), "change", confidence=0.8
    )
    kept = choose(change, RANKED, min_confidence=0.81)
    assert (kept.status, kept.reason) == ("kept", "not sure enough: rock 80%")


@pytest.mark.parametrize(
    ("top", "renamed", "new"),
    [
        (2, {}, ("rock", "pop")),
        (9, {}, ("rock", "pop", "jazz")),
        (2, {"rock": "Rock & Roll"}, ("Rock & Roll", "pop")),
        (3, {"rock": "Pop/Rock", "pop": "Pop/Rock"}, ("Pop/Rock", "jazz")),
        (2, {"rock": ""}, ("pop",)),
        (1, {"rock": ""}, ()),
    ],
)
def test_genres_are_renamed_and_none_comes_twice(top, renamed, new):
    change = choose(TagChange("song"), RANKED, top=top, renamed=renamed)
    assert change.new == new
    assert change.status == ("change" if new else "kept")


def test_what_is_tagged_is_kept_unless_it_is_to_be_overwritten(songs, journal):
    write(songs[:1], journal)
    (change,) = look_at(songs[:1])
    assert change == TagChange(songs[0], ("Rock",), (), "kept", "it has a genre")
    (change,) = look_at(songs[:1], overwrite=True)
    assert change.status == "open"
    same = choose(change, [("Rock", 1.0)])
    assert (same.status, same.reason) == ("kept", "it has the same already")


def test_nothing_is_written_where_nothing_changes(songs, journal):
    before = read(songs)
    kept = [change._replace(status="kept") for change in look_at(songs)]
    assert list(apply(kept, journal)) == kept
    assert read(songs) == before
    assert not journal.exists()


def test_times_permissions_and_attributes(songs, journal):
    song = songs[0]
    os.utime(song, ns=(10**18, 10**18 + 1))
    os.chmod(song, 0o640)
    try:
        os.setxattr(song, "user.rating", b"5")
    except OSError:
        pytest.skip("the file system has no attributes")
    write([song], journal, keep_times=True)
    status = os.stat(song)
    assert (status.st_mtime_ns, status.st_mode & 0o777) == (10**18 + 1, 0o640)
    assert os.getxattr(song, "user.rating") == b"5"
    write([song], journal, "Pop")
    assert os.stat(song).st_mtime_ns > 10**18 + 1
    assert take_back(journal) == [("restored", "")] * 2
    assert os.stat(song).st_mtime_ns == 10**18 + 1


def test_a_link_leads_to_the_file_that_changes(songs, journal, tmp_path):
    before = read(songs)
    link = tmp_path / "link.mp3"
    link.symlink_to(songs[0])
    assert [change.status for change in look_at([str(link), songs[0]])] == ["open", "kept"]
    write([str(link)], journal)
    assert link.is_symlink()
    assert next(look_at([songs[0]])).old == ("Rock",)
    link.unlink()
    take_back(journal)
    assert read(songs) == before


@pytest.mark.parametrize(
    "kind", ["hard link", "read-only", "folder", "pipe", "empty", "none", "loop"]
)
def test_files_that_stay_as_they_are(songs, journal, kind, tmp_path):
    song = Path(songs[0])
    reason = {
        "hard link": "2 names",
        "read-only": "it is read-only",
        "folder": "its folder is read-only",
        "pipe": "it is no file",
        "empty": "it is empty",
        "none": "no such file",
        "loop": "it is no file",
    }[kind]
    if kind == "hard link":
        os.link(song, tmp_path / "other.mp3")
    elif kind == "read-only":
        song.chmod(0o444)
    elif kind == "folder":
        song.parent.chmod(0o555)
    else:
        song.unlink()
    if kind == "pipe":
        os.mkfifo(song)
    elif kind == "empty":
        song.touch()
    elif kind == "loop":
        song.symlink_to(song.name)
    (change,) = look_at([str(song)])
    (done,) = apply([change._replace(new=("Rock",), status="change")], journal)
    song.parent.chmod(0o755)
    for found in (change, done):
        assert found.status == "failed"
        assert reason in found.reason
    assert {path.name for path in song.parent.iterdir()} <= {"v24.mp3", "a.flac", "d.m4a"}


@pytest.mark.parametrize(
    "name", ["new\nline.mp3", "Motörhead \U0001f918.mp3", "bytes \udcff.mp3", "'\".mp3"]
)
def test_any_name(songs, journal, name):
    song = os.path.join(os.path.dirname(songs[0]), name)
    os.rename(songs[0], song)
    before = read([song])
    assert write([song], journal) == [("written", "")]
    assert take_back(journal) == [("restored", "")]
    assert read([song]) == before


def test_an_address_is_not_tagged():
    [change] = look_at(["https://example.org/song.mp3"])
    assert change.reason == "an address; only files on this machine are tagged"


def test_a_file_that_somebody_else_changes_meanwhile(songs, journal):
    changes = plan(songs)
    write(songs[:1], journal.with_name("other.jsonl"), "Pop")
    done = next(apply(changes[:1], journal))
    assert (done.status, done.reason) == ("failed", "another program has changed it meanwhile")
    assert next(look_at(songs[:1])).old == ("Pop",)


def test_a_file_that_was_changed_since_is_not_taken_back(songs, journal):
    before = read(songs)
    write(songs, journal)
    Path(songs[1]).write_bytes(b"edited")
    os.unlink(songs[2])
    assert take_back(journal) == [
        ("failed", "no such file"),
        ("failed", "it was changed since, and is left as it is"),
        ("restored", ""),
    ]
    assert Path(songs[1]).read_bytes() == b"edited"
    assert read(songs[:1]) == before[:1]
    assert take_back(journal)[-1] == ("kept", "it is as it was")


def test_a_journal_of_several_runs_takes_all_back(songs, journal):
    before = read(songs)
    for genre in ("Rock", "Pop", "A much longer genre, for which there is no room" * 40):
        assert write(songs, journal, genre) == [("written", "")] * 3
    assert take_back(journal) == [("restored", "")] * 9
    assert read(songs) == before


def test_a_cut_journal_takes_back_what_it_has(songs, journal):
    before = read(songs)
    write(songs, journal)
    after = read(songs)
    whole = journal.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    # a title, the folder, and a line for each song
    for n_lines, end in enumerate(ends):
        for cut in {end, min(end + 20, len(whole))}:
            journal.write_bytes(whole[:cut])
            n_songs = max(0, n_lines - 1)
            assert take_back(journal) == [("restored", "")] * n_songs
            assert read(songs) == [*before[:n_songs], *after[n_songs:]]
            write(songs[:n_songs], journal, keep_times=True)
            for song, (_, mtime, _) in zip(songs[:n_songs], after, strict=False):
                os.utime(song, ns=(mtime, mtime))


def test_lines_are_added_behind_a_cut_one(songs, journal):
    before = read(songs)
    write(songs, journal)
    with journal.open("ab") as file:
        file.write(b'{"path": "/music/a')
    write(songs, journal, "Pop")
    assert take_back(journal) == [("restored", "")] * 6
    assert read(songs) == before


def test_a_damaged_journal(songs, journal):
    write(songs, journal)
    after = read(songs)
    lines = journal.read_bytes().splitlines(keepends=True)
    entry = json.loads(lines[2])
    entry["delta"] = [[0, 10]]
    lines[2] = json.dumps(entry).encode() + b"\n"
    lines[3] = b"???\n"
    journal.write_bytes(b"".join(lines))
    found = take_back(journal)
    assert found == [
        ("failed", "its line 4 is damaged"),
        ("restored", ""),
        ("failed", "the journal is damaged"),
    ]
    assert read(songs[:2]) == after[:2]


@pytest.mark.parametrize("text", ["", "hello", "[]", '{"path": 1}\n', "\xff\xfe", "[" * 100000])
def test_what_is_no_journal(songs, tmp_path, text):
    other = tmp_path / "notes.txt"
    other.write_text(text)
    if text:
        with pytest.raises(ValueError, match="no journal"):
            list(undo(other))
        with pytest.raises(ValueError, match="no journal"):
            list(apply(plan(songs), other))
        assert other.read_text() == text
    else:
        assert list(undo(other)) == []


def test_no_space_left(songs, journal, monkeypatch):
    import resource

    before = read(songs)
    changes = plan(songs)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        done = list(apply(changes, journal))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert {change.status for change in done} == {"failed"}
    assert {change.reason for change in done} == {"File too large"}
    assert read(songs) == before
    assert len(os.listdir(os.path.dirname(songs[0]))) == 3
    assert write(songs, journal) == [("written", "")] * 3


def test_a_journal_that_cannot_be_written_changes_nothing(songs, tmp_path):
    before = read(songs)
    with pytest.raises(OSError, match="No such file"):
        list(apply(plan(songs), tmp_path / "nowhere" / "tags.jsonl"))
    assert read(songs) == before


def test_killed_at_any_moment_nothing_is_lost(songs, journal):
    before, changes = read(songs), plan(songs)
    hashes = [{hashlib.sha256(data).hexdigest()} for data, _, _ in before]
    write(songs, journal)
    for known, (data, _, _) in zip(hashes, read(songs), strict=True):
        known.add(hashlib.sha256(data).hexdigest())
    take_back(journal)
    is_killed, n_events = True, 0
    while is_killed:
        journal.unlink()
        n_events += 3
        is_killed = kill_at(n_events, lambda: list(apply(changes, journal)))
        for song, known in zip(songs, hashes, strict=True):
            assert hashlib.sha256(Path(song).read_bytes()).hexdigest() in known
        journal.touch()
        assert {status for status, _ in take_back(journal)} <= {"restored", "kept"}
        assert read(songs) == before
        assert len(os.listdir(os.path.dirname(songs[0]))) == len(songs)
    assert n_events > 60


def kill_at(n_events, do):
    """Do something in a process that is killed when it has asked the system for so much."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks where threads run
        child = os.fork()
    if not child:
        left = n_events

        def count(event, arguments):
            nonlocal left
            left -= event == "open" or event.startswith(("os.", "shutil.", "fcntl."))
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        do()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_tags_that_never_end_are_given_up(songs, monkeypatch):
    song = Path(songs[0])
    text = b"\3" + b"a\0" * 10**6
    size = bytes(len(text) >> shift & 127 for shift in (21, 14, 7, 0))
    frame = b"TPE1" + size + b"\0\0" + text
    size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
    song.write_bytes(b"ID3\4\0\0" + size + frame + song.read_bytes())
    monkeypatch.setattr("skgenre.tagging._run._SECONDS", 1.0)
    (change, other) = look_at(songs[:2])
    assert (change.status, change.reason) == (
        "failed",
        "its tags cannot be read (not decoded within 1 s)",
    )
    assert other.status == "open"


@pytest.mark.parametrize("name", ["h.tta", "v24.mp3", "b.ogg", "c.opus", "d.m4a", "j.wav"])
def test_a_journal_is_small(make_song, journal, name):
    """Of a long song no more is kept than of a short one."""
    song = make_song(name)
    tags = apev2.APEv2()
    tags["Title"] = "also behind the sound"
    if name in ("h.tta", "v24.mp3"):
        tags.save(song)
    assert write([str(song)], journal) == [("written", "")]
    assert journal.stat().st_size < 12_000


def test_what_another_process_left_is_removed_but_not_what_it_uses(songs, journal):
    from skgenre.tagging._replace import open_aside

    folder = Path(songs[0]).parent
    left = folder / ".skgenre-tag-0123.mp3"
    left.touch()
    with open_aside(songs[1]) as used:
        write(songs[:1], journal)
        assert not left.exists()
        assert Path(used.name).exists()
    left.touch()
    take_back(journal)
    assert not left.exists()


def test_public_names():
    assert all(hasattr(tagging, name) for name in tagging.__all__)
