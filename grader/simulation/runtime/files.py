"""Files as Linux has them, where the C library on WASI does otherwise.

Those that are opened to append and to read: it moves the position of such a descriptor to the end whenever it is asked where it is
(wasi-libc's `file_seek`), so that a log that was opened by `open(path, "a+")` seemed to be empty. Such a file is opened without O_APPEND
here, and each write goes to the end first. Nobody else writes between the two.

And `pread` from what cannot be read, on which it breaks down.
"""

import builtins
import functools
import io
import os

MODES = set("abt+")


def install():
    builtins.open = io.open = open
    os.pread = reading(os.pread)


def open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
    binary = "b" in mode
    plain = isinstance(file, int) or opener is not None or buffering == 0
    odd = set(mode) - MODES or len(mode) != len(set(mode)) or (binary and ("t" in mode or (encoding, errors, newline) != (None,) * 3))
    if "a" not in mode or "+" not in mode or plain or odd:
        return builtin(file, mode, buffering, encoding, errors, newline, closefd, opener)
    buffer = io.BufferedRandom(Appending(file), buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE)
    if binary:
        return buffer
    text = io.TextIOWrapper(buffer, encoding, errors, newline, buffering == 1)
    text.mode = mode
    return text


builtin = io.open


def reading(call):
    @functools.wraps(call)
    def function(descriptor, *arguments):
        # Fails where it does, and does nothing else.
        os.read(descriptor, 0)
        return call(descriptor, *arguments)

    return function


class Appending(io.FileIO):
    mode = "ab+"

    def __init__(self, path):
        super().__init__(path, "rb+", opener=lambda path, flags: os.open(path, flags | os.O_CREAT, 0o666))
        self.seek(0, os.SEEK_END)

    def write(self, data):
        self.seek(0, os.SEEK_END)
        return super().write(data)
