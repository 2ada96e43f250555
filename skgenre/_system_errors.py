"""What the system says when a file cannot be used, in a few words."""

import errno

_REASONS = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "it is on a read-only file system",
    errno.ENOSPC: "no space left on the device",
    errno.EDQUOT: "no space left in the quota",
    errno.ELOOP: "a symbolic link that leads back to itself",
    errno.ENAMETOOLONG: "the path is too long",
    errno.EISDIR: "a folder, not a file",
}


def explain(error, special=None):
    """Return why the system refused something.

    Parameters
    ----------
    error : OSError
    special : dict of int to str, default=None
        What some error numbers mean here.
    """
    usual = _REASONS.get(error.errno, error.strerror or str(error))
    return (special or {}).get(error.errno, usual)
