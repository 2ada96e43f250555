"""Files on disk are read as they were written, or not at all."""

import os
import pickle
import stat

import numpy as np
import pytest

from skgenre._checked_files import (
    DamagedFileError,
    make_private_folder,
    read_checked,
    write_checked,
    write_whole,
)

BODY = np.arange(20, dtype=np.float32).tobytes()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    write_checked(path, "song", BODY, shape=[4, 5])
    return path


def test_what_was_written_is_read(file):
    header, body = read_checked(file, "song")
    assert header["shape"] == [4, 5]
    assert body == BODY
    assert os.listdir(file.parent) == ["file"]


def test_an_error_names_the_file_alone(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"'\S+/none/file'\Z"):
        write_whole(tmp_path / "none" / "file", b"")


def test_every_flipped_bit_is_seen(file):
    data = file.read_bytes()
    for place in range(len(data)):
        for bit in (1, 64):
            damaged = bytearray(data)
            damaged[place] ^= bit
            file.write_bytes(damaged)
            with pytest.raises(DamagedFileError):
                read_checked(file, "song")


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data + b"\0",
        lambda data: bytes(len(data)),
        lambda data: pickle.dumps(data),
        lambda data: b"[" * 3000 + b"\n" + data,
        lambda data: b'["key"]\n' + data,
        lambda data: data.replace(b'"checksum"', b'"checksun"'),
    ],
)
def test_what_was_not_written_is_refused(file, change):
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(DamagedFileError):
        read_checked(file, "song")


def test_a_file_of_something_else_is_refused(file):
    with pytest.raises(DamagedFileError):
        read_checked(file, "other song")


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(file):
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(DamagedFileError):
        read_checked(file, "song")


def test_what_cannot_be_renamed_leaves_nothing_behind(file):
    file.unlink()
    file.mkdir()
    with pytest.raises(IsADirectoryError):
        write_checked(file, "song", BODY)
    assert os.listdir(file.parent) == ["file"]


def test_folders_are_their_owners_alone(tmp_path):
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path / "a" / "b")
    make_private_folder(tmp_path / "a" / "b")
    modes = [stat.S_IMODE(folder.stat().st_mode) for folder in (tmp_path, *tmp_path.rglob("*"))]
    assert modes == [0o755, 0o700, 0o700]
