import io
import operator
import os
import pickle
import select
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import soundfile as sf
from numpy.testing import assert_array_equal

from skgenre.audio import AudioError, _isolation, find_faults, load_audio
from skgenre.audio._isolation import WorkerError, Workers


@pytest.fixture(scope="module")
def workers():
    with Workers() as workers:
        yield workers


@pytest.fixture
def song(tmp_path):
    sf.write(tmp_path / "song.wav", np.random.RandomState(0).uniform(-0.5, 0.5, (4410, 2)), 44100)
    return tmp_path / "song.wav"


def test_results_and_errors_come_back(workers):
    assert workers.run(operator.add, 1, 2) == 3
    with pytest.raises(ZeroDivisionError):
        workers.run(operator.truediv, 1, 0)
    assert workers.run(operator.add, "a", "b", timeout=60) == "ab"


def test_a_crash_is_reported_and_the_next_call_works(workers):
    with pytest.raises(WorkerError, match=r"crashed \(signal 6\)"):
        workers.run(os.abort)
    with pytest.raises(WorkerError, match=r"crashed \(exit status 7\)"):
        workers.run(os._exit, 7)
    assert workers.run(operator.add, 1, 2) == 3


def test_a_hang_is_reported_and_the_next_call_works(workers):
    with pytest.raises(WorkerError, match=r"not decoded within 0\.05 s"):
        workers.run(time.sleep, 3600, timeout=0.05)
    assert workers.run(operator.add, 1, 2) == 3


def test_a_worker_that_died_while_idle_is_replaced(workers):
    pid = workers.run(os.getpid)
    assert workers.run(os.getpid) == pid
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert workers.run(os.getpid) != pid


def test_stray_prints_do_not_disturb_and_are_not_shown(workers, capfd):
    workers.run(print, "to standard output")
    workers.run(os.write, 1, b"to descriptor 1")
    workers.run(os.write, 2, b"to descriptor 2")
    assert workers.run(operator.add, 1, 2) == 3
    assert capfd.readouterr() == ("", "")


def test_threads_share_workers(workers):
    found = {}

    def work(i):
        found[i] = [workers.run(operator.mul, i, j) for j in range(20)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: [i * j for j in range(20)] for i in range(3)}


def test_what_cannot_be_sent_leaves_the_workers_whole(workers):
    with pytest.raises((AttributeError, pickle.PicklingError)):
        workers.run(lambda: None)
    assert workers.run(operator.add, 1, 2) == 3


class RunsInTheParent:
    def __reduce__(self):
        return os.system, ("exit 1",)


def test_what_a_worker_answers_runs_nothing(workers, monkeypatch):
    """A decoder that a hostile file took over can answer whatever it likes."""
    monkeypatch.setattr(os, "system", pytest.fail)
    answer = pickle.dumps((True, RunsInTheParent()))
    for forged in (answer, pickle.dumps((True, subprocess.Popen)), pickle.dumps((True, eval))):
        with pytest.raises(pickle.UnpicklingError, match="a worker answered with"):
            _isolation._Unpickler(io.BytesIO(forged)).load()
    array = {"a": [np.arange(3), np.float32(1)], "b": (b"x", None)}
    back = _isolation._Unpickler(io.BytesIO(pickle.dumps(array, protocol=5))).load()
    assert_array_equal(back["a"][0], [0, 1, 2])
    assert back["b"] == (b"x", None)


def test_workers_end_when_they_are_let_go():
    workers = Workers()
    workers.run(operator.add, 1, 2)
    (process,) = workers._idle
    del workers
    assert process.returncode == -signal.SIGKILL


def test_a_busy_worker_ends_with_a_killed_parent(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code = (
        "import os, signal, sys, threading, time\n"
        "from skgenre.audio._isolation import Workers\n"
        "workers = Workers()\n"
        "workers.run(os.open, sys.argv[1], os.O_WRONLY)\n"
        "threading.Thread(target=workers.run, args=(time.sleep, 3600), daemon=True).start()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(pipe)]) as parent, open(pipe) as end:
        assert parent.wait() == -signal.SIGKILL
        # the pipe is at its end when the worker, which holds it open, is gone
        assert select.select([end], [], [], 60)[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_starts_workers_of_its_own(workers):
    pid = workers.run(os.getpid)
    child = os.fork()
    if not child:
        os._exit(int(workers.run(os.getpid) == pid))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert workers.run(os.getpid) == pid


def test_load_audio_in_another_process(song, monkeypatch):
    expected = load_audio(song, sr=16000, offset=0.01, duration=0.05, mono=False)
    part = {"sr": 16000, "offset": 0.01, "duration": 0.05, "mono": False}
    assert_array_equal(load_audio(song, **part, timeout=60), expected)
    monkeypatch.chdir(song.parent)
    assert_array_equal(load_audio("song.wav", **part, timeout=60), expected)
    with open("text.wav", "w") as file:
        file.write("not audio")
    with pytest.raises(AudioError, match=r"^text\.wav: not readable"):
        load_audio("text.wav", timeout=60)
    with pytest.raises(ValueError, match="timeout"):
        load_audio(song, timeout=0)


def test_a_crash_or_hang_of_the_decoder_names_the_file(song, monkeypatch):
    def crash(function, name, timeout):
        return _isolation._shared.run(os.abort, timeout=timeout)

    def hang(function, name, timeout):
        return _isolation._shared.run(time.sleep, 3600, timeout=timeout)

    monkeypatch.setattr("skgenre.audio._load.run_isolated", crash)
    with pytest.raises(AudioError, match=r"song\.wav: the decoder crashed \(signal 6\)"):
        load_audio(song, timeout=60)
    monkeypatch.setattr("skgenre.audio._load.run_isolated", hang)
    with pytest.raises(AudioError, match=r"song\.wav: not decoded within 0\.05 s"):
        load_audio(song, timeout=0.05)


def test_what_is_not_a_file_is_refused_before_it_is_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    for path in [tmp_path / "pipe.wav", "/dev/zero"]:
        with pytest.raises(AudioError, match="not an audio file"):
            load_audio(path)


def test_modules_in_the_current_folder_are_not_ours(song, tmp_path, monkeypatch):
    (tmp_path / "soxr.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_isolation, "_shared", Workers())
    assert len(load_audio(song, timeout=60))


def test_closing_ends_busy_workers(workers):
    errors = []

    def wait():
        try:
            workers.run(time.sleep, 60)
        except WorkerError as error:
            errors.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while not workers._busy:
        thread.join(0.01)
    workers.close()
    thread.join(10)
    assert len(errors) == 1


def test_two_dots_behind_a_link_lead_where_the_system_says(song_files, tmp_path, monkeypatch):
    (tmp_path / "music" / "rock").mkdir(parents=True)
    shutil.copy(song_files[0][0], tmp_path / "music" / "song.flac")
    os.symlink(tmp_path / "music" / "rock", tmp_path / "link")
    monkeypatch.chdir(tmp_path)
    expected = load_audio("link/../song.flac")
    assert_array_equal(load_audio("link/../song.flac", timeout=60), expected)
    assert "unreadable" not in find_faults(["link/../song.flac"])["fault"].tolist()
