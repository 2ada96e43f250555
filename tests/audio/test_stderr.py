import os
import threading

import pytest
import soundfile as sf

from skgenre.audio import AudioError, load_audio
from skgenre.audio._decode import decode, open_audio, select
from skgenre.audio._stderr import decoder_messages

COMPLAINT = b"[src/libmpg123/layer3.c:do_layer3():1773] error: dequantization failed!\n"


def test_the_decoder_does_complain(damaged_mp3, capfd):
    sf.read(damaged_mp3)
    assert "libmpg123" in capfd.readouterr().err


def test_a_damaged_mp3_is_read_in_silence(damaged_mp3, capfd):
    assert len(load_audio(damaged_mp3)) == 44100
    assert capfd.readouterr() == ("", "")


def test_the_complaints_are_kept_with_the_stream(damaged_mp3):
    with open_audio(damaged_mp3) as file:
        list(decode(file, *select(file)))
        assert "libmpg123" in file.messages[0]


def test_what_others_write_is_passed_on(capfd):
    with decoder_messages() as messages:
        os.write(2, b"Warning: the disk is full\n" + COMPLAINT + b"Note: a note\n")
        os.write(2, b"Note: Trying to resync...\nhalf a line")
    assert capfd.readouterr().err == "Warning: the disk is full\nNote: a note\nhalf a line"
    assert messages == [COMPLAINT.decode().strip(), "Note: Trying to resync..."]


def test_lines_are_passed_on_while_others_still_decode(capfd):
    with decoder_messages() as outer:
        with decoder_messages():
            os.write(2, b"a line\n" + COMPLAINT + b"half")
        assert capfd.readouterr().err == "a line\n"
        os.write(2, b" a line\n")
    assert capfd.readouterr().err == "half a line\n"
    assert len(outer) == 1


def test_threads_decode_at_once_and_lose_nothing_of_each_other(damaged_mp3, capfd):
    def work(i):
        for j in range(5):
            load_audio(damaged_mp3)
            os.write(2, f"{i} {j}\n".encode())

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with decoder_messages():
        pass  # passes on what was being written when the last decoding ended
    lines = capfd.readouterr().err.splitlines()
    assert sorted(lines) == sorted(f"{i} {j}" for i in range(4) for j in range(5))


def test_standard_error_is_back_after_an_error(tmp_path, capfd):
    (tmp_path / "song.mp3").write_bytes(b"\xff\xfb" + b"not audio" * 100)
    before = os.fstat(2).st_ino
    with pytest.raises(AudioError):
        load_audio(tmp_path / "song.mp3")
    assert os.fstat(2).st_ino == before
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_writes_to_the_real_standard_error(capfd):
    with decoder_messages():
        child = os.fork()
        if not child:
            os.write(2, b"from the child\n")
            os._exit(0)
        os.waitpid(child, 0)
        assert capfd.readouterr().err == "from the child\n"


@pytest.mark.parametrize(
    "data",
    [b"<!DOCTYPE html><html>Not found</html>" * 99, b"\0" * 100_000, b"\xff\xd8\xff\xe0" * 9999],
    ids=["text", "zeros", "picture"],
)
def test_what_only_calls_itself_mp3_is_refused_in_silence(data, tmp_path, capfd):
    (tmp_path / "song.mp3").write_bytes(data)
    with pytest.raises(AudioError, match="not readable as audio") as caught:
        load_audio(tmp_path / "song.mp3")
    assert "does not exist" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_mp3_is_read_where_nothing_can_be_written(damaged_mp3, monkeypatch):
    def refuse(**_):
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr("skgenre.audio._stderr.tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("skgenre.audio._stderr._diversion._file", None)
    n_files = len(os.listdir("/dev/fd"))
    load_audio(damaged_mp3)
    assert len(os.listdir("/dev/fd")) == n_files
