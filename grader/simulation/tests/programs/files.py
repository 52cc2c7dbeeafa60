"""Says what each call on files gives, by the names of errors: run here and natively, it says the same."""

import errno
import os
import pathlib
import shelve
import shutil
import sys
import tempfile

os.mkdir(sys.argv[1])
os.chdir(sys.argv[1])


def say(what, *arguments, **named):
    try:
        result = what(*arguments, **named)
    except OSError as error:
        result = f"{type(error).__name__} {errno.errorcode.get(error.errno)}"
    print(what.__name__, *arguments, "->", result)


def put(name, text, mode="w"):
    with open(name, mode) as file:
        file.write(text)
        return file.tell()


def get(name):
    with open(name) as file:
        return file.read()


def create(name, flag):
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY | getattr(os, flag)))


def size(name):
    return os.stat(name).st_size


def inode(name):
    return os.stat(name).st_ino == os.stat("same").st_ino, os.stat(name).st_nlink


say(put, "a", "0123456789")
say(put, "a", "more", "a")
say(put, "a", "XY", "r+")
say(get, "a")
say(size, "a")
say(os.truncate, "a", 5)
say(os.truncate, "a", 8)
say(get, "a")
say(create, "a", "O_EXCL")
say(create, "a", "O_TRUNC")
say(size, "a")
say(os.mkdir, "d")
say(os.mkdir, "d")
say(os.mkdir, "no/d")
say(put, "d", "")
say(put, "d/", "")
say(get, "no")
say(get, "a/")
say(get, "a/b")
say(get, "n" * 300)
say(os.rmdir, "a")
say(os.rmdir, "no")
say(os.rename, "a", "d/b")
say(os.rmdir, "d")
say(os.rename, "d", "d/e")
say(os.rename, "d/b", "d")
say(os.listdir, "d")
say(os.link, "d/b", "same")
say(inode, "d/b")
say(os.link, "d/b", "same")
say(os.unlink, "d/b")
say(inode, "same")
say(os.replace, "same", "other")
say(os.path.exists, "same")
say(os.remove, "d")
say(os.makedirs, "d/e/f")
say(os.rename, "d", "moved")
say(os.listdir, "moved")
say(os.chdir, "moved/e")
say(put, "../../up", "from below")
say(get, os.path.join(sys.argv[1], "up"))
say(os.chdir, sys.argv[1])
say(shutil.rmtree, "moved")
say(sorted, sorted(os.listdir()))

file = open("up", "r+")
os.unlink("up")
print(file.read(), os.fstat(file.fileno()).st_nlink)
file.seek(20)
file.write("after a gap")
file.flush()
file.seek(0)
print(repr(file.read()))
file.close()

with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "text").write_text("short-lived")
    print([names for _, _, names in os.walk(folder)])
with shelve.open("shelf") as shelf:
    shelf["key"] = {"value": 1}
with shelve.open("shelf") as shelf:
    print(dict(shelf))
descriptor = os.open(".", os.O_RDONLY)
os.fsync(descriptor)
os.close(descriptor)
