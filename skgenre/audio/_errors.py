from .._names import printable, without_secrets

TRUNCATED = "truncated: it holds less than its header says"
JOINED = "a second file follows the first one; split them"
NO_MEMORY = "there is not enough memory to read it; pass a duration"


class AudioError(ValueError):
    """One or more audio files could not be read.

    Parameters
    ----------
    failures : dict of str to str
        The reason for each file, keyed by the path as you gave it. A waveform, which has no path,
        is keyed by its position, such as ``"clip 3"``.

    Attributes
    ----------
    failures : dict of str to str
        The reasons, as passed in.

    See Also
    --------
    load_audio : Raises it for a single file.
    find_faults : Lists unreadable files in a table and raises nothing.

    Examples
    --------
    >>> from skgenre.audio import load_audio
    >>> try:
    ...     load_audio("no such song.wav")
    ... except ValueError as error:
    ...     print(error)
    no such song.wav: no such file
    """

    def __init__(self, failures):
        super().__init__(failures)
        self.failures = failures

    def __str__(self):
        if len(self.failures) == 1:
            return list_failures(self.failures)
        return f"{len(self.failures)} clips could not be read:\n  {list_failures(self.failures)}"


class OutOfReachError(AudioError):
    """A file that the network or a server did not give, as it may do another time."""


class UnknownFormatError(Exception):
    """A file that a decoder does not know, with what it said."""


def list_failures(failures):
    """Return a line for each file and reason, indented from the second on."""
    return "\n  ".join(
        f"{without_secrets(printable(name))}: {printable(reason)}"
        for name, reason in failures.items()
    )
