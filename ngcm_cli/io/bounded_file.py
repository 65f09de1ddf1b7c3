"""Files read whole, if they are files and not too large."""

import errno
import os
import pathlib
import stat

from ngcm_cli.io.progress import format_size


def read_bounded(path: str | pathlib.Path, limit: int) -> bytes:
    """Return the content of a regular file of at most so many bytes.

    Raises:
        OSError: it cannot be read, is no file (a pipe, a device), or is larger;
            `strerror` says which, whatever the system.
    """
    # Without waiting for whoever may write to a pipe.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a file")
        if status.st_size > limit:
            size, most = format_size(status.st_size), format_size(limit)
            raise OSError(errno.EFBIG, f"it has {size}, and at most {most} are read")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(status.st_size + 1)
    finally:
        os.close(descriptor)
    if len(content) != status.st_size:
        raise OSError(errno.EBUSY, "it changed while it was read")
    return content
