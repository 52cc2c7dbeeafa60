"""Does to paths and descriptors, in each state that they can be in, whatever can be done to them, and tells what came of it."""

import errno
import itertools
import os
import shutil
import stat
import sys


def told(act):
    try:
        return str(act())
    except OSError as error:
        return errno.errorcode.get(error.errno, repr(error))
    except (ValueError, TypeError) as error:
        return type(error).__name__


def write(path, text="text"):
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Path:
    """`it`, among files that it may meet: `file`, `full` and `empty`, which are folders."""

    STATES = "missing file empty_file empty_folder full_folder in_missing in_file with_slash_file with_slash_folder with_dots long too_deep"
    DEEDS = (
        "opens_r opens_w opens_a opens_x opens_rplus opens_folder opens_excl opens_trunc lists stats lstats makes removes_folder unlinks "
        "renames_to_missing renames_to_file renames_to_empty renames_to_full renames_into_itself takes_file takes_empty takes_full links "
        "symlinks reads_link truncates truncates_below extends touches accesses exists is_folder removes_tree copies walks"
    )

    def __init__(self, root):
        os.mkdir(root)
        os.chdir(root)
        write("file")
        os.mkdir("empty")
        os.mkdir("full")
        write("full/inner")
        self.it = "it"

    def missing(self):
        pass

    def file(self):
        write("it", "content")

    def empty_file(self):
        write("it", "")

    def empty_folder(self):
        os.mkdir("it")

    def full_folder(self):
        os.mkdir("it")
        write("it/inner")

    def in_missing(self):
        self.it = "nowhere/it"

    def in_file(self):
        self.it = "file/it"

    def with_slash_file(self):
        write("it")
        self.it = "it/"

    def with_slash_folder(self):
        os.mkdir("it")
        self.it = "it/"

    def with_dots(self):
        write("it")
        self.it = "empty/../full/../it"

    def long(self):
        self.it = "x" * 300

    def too_deep(self):
        self.it = "d/" * 3000

    def opens(self, *how):
        with open(self.it, *how) as file:
            return file.read() if "r" in how[0] else file.write("new")

    def opens_r(self):
        return self.opens("r")

    def opens_w(self):
        return self.opens("w")

    def opens_a(self):
        return self.opens("a")

    def opens_x(self):
        return self.opens("x")

    def opens_rplus(self):
        return self.opens("r+")

    def by(self, flags):
        descriptor = os.open(self.it, flags, 0o644)
        os.close(descriptor)

    def opens_folder(self):
        return self.by(os.O_RDONLY | os.O_DIRECTORY)

    def opens_excl(self):
        return self.by(os.O_RDWR | os.O_CREAT | os.O_EXCL)

    def opens_trunc(self):
        return self.by(os.O_WRONLY | os.O_TRUNC)

    def lists(self):
        return sorted(os.listdir(self.it))

    def stats(self):
        found = os.stat(self.it)
        return oct(found.st_mode)[:3], found.st_size if found.st_mode & 0o100000 else 0

    def lstats(self):
        found = os.lstat(self.it)
        return oct(found.st_mode)[:4]

    def makes(self):
        return os.mkdir(self.it)

    def removes_folder(self):
        return os.rmdir(self.it)

    def unlinks(self):
        return os.unlink(self.it)

    def renames_to_missing(self):
        return os.rename(self.it, "new")

    def renames_to_file(self):
        return os.rename(self.it, "file")

    def renames_to_empty(self):
        return os.rename(self.it, "empty")

    def renames_to_full(self):
        return os.rename(self.it, "full")

    def renames_into_itself(self):
        return os.rename(self.it, self.it + "/inside")

    def takes_file(self):
        return os.replace("file", self.it)

    def takes_empty(self):
        return os.replace("empty", self.it)

    def takes_full(self):
        return os.replace("full", self.it)

    def links(self):
        return os.link("file", self.it)

    def symlinks(self):
        return os.symlink("file", self.it)

    def reads_link(self):
        return os.readlink(self.it)

    def truncates(self):
        return os.truncate(self.it, 2)

    def truncates_below(self):
        return os.truncate(self.it, -1)

    def extends(self):
        os.truncate(self.it, 9)
        return read(self.it)

    def touches(self):
        return os.utime(self.it, (1, 2))

    def accesses(self):
        return os.access(self.it, os.R_OK), os.access(self.it, os.W_OK)

    def exists(self):
        return os.path.exists(self.it), os.path.lexists(self.it), os.path.isfile(self.it)

    def is_folder(self):
        return os.path.isdir(self.it), os.path.islink(self.it)

    def removes_tree(self):
        return shutil.rmtree(self.it)

    def copies(self):
        shutil.copy("file", self.it)
        return read(self.it)

    def walks(self):
        return sorted((top, sorted(folders), sorted(files)) for top, folders, files in os.walk(self.it))


class Descriptor:
    STATES = "read_only write_only both appends folder closed unlinked at_end beyond"
    DEEDS = (
        "reads reads_much reads_none reads_whole writes writes_none writes_much seeks_below seeks_end seeks_oddly tells preads preads_below pwrites pwrites_below truncates "
        "truncates_below extends syncs syncs_data stats closes dups is_terminal lists"
    )

    def __init__(self, root):
        os.mkdir(root)
        os.chdir(root)
        write("it", "content")

    def open(self, flags):
        self.it = os.open("it", flags)

    def read_only(self):
        self.open(os.O_RDONLY)

    def write_only(self):
        self.open(os.O_WRONLY)

    def both(self):
        self.open(os.O_RDWR)

    def appends(self):
        self.open(os.O_RDWR | os.O_APPEND)

    def folder(self):
        os.mkdir("f")
        self.it = os.open("f", os.O_RDONLY)

    def closed(self):
        self.both()
        os.close(self.it)

    def unlinked(self):
        self.both()
        os.unlink("it")

    def at_end(self):
        self.both()
        os.lseek(self.it, 0, os.SEEK_END)

    def beyond(self):
        self.both()
        os.lseek(self.it, 20, os.SEEK_SET)

    def reads(self):
        return os.read(self.it, 4)

    def reads_much(self):
        return os.read(self.it, 10_000_000)

    def reads_none(self):
        return os.read(self.it, 0)

    def reads_whole(self):
        os.ftruncate(self.it, 300_000)
        os.lseek(self.it, 0, os.SEEK_SET)
        return len(os.read(self.it, 400_000))

    def writes(self):
        return os.write(self.it, b"new")

    def writes_much(self):
        return os.write(self.it, bytes(300_000))

    def writes_none(self):
        return os.write(self.it, b"")

    def seeks_below(self):
        return os.lseek(self.it, -100, os.SEEK_CUR)

    def seeks_end(self):
        # Where a folder ends is for each file system to say.
        return None if stat.S_ISDIR(os.fstat(self.it).st_mode) else os.lseek(self.it, -2, os.SEEK_END)

    def seeks_oddly(self):
        return os.lseek(self.it, 0, 77)

    def tells(self):
        return os.lseek(self.it, 0, os.SEEK_CUR)

    def preads(self):
        return os.pread(self.it, 3, 2)

    def preads_below(self):
        return os.pread(self.it, 3, -2)

    def pwrites(self):
        return os.pwrite(self.it, b"xy", 2)

    def pwrites_below(self):
        return os.pwrite(self.it, b"xy", -2)

    def truncates(self):
        return os.ftruncate(self.it, 3)

    def truncates_below(self):
        return os.ftruncate(self.it, -3)

    def extends(self):
        return os.ftruncate(self.it, 30)

    def syncs(self):
        return os.fsync(self.it)

    def syncs_data(self):
        return os.fdatasync(self.it)

    def stats(self):
        found = os.fstat(self.it)
        return found.st_size if found.st_mode & 0o100000 else oct(found.st_mode)[:4]

    def closes(self):
        return os.close(self.it)

    def dups(self):
        return os.close(os.dup(self.it))

    def is_terminal(self):
        return os.isatty(self.it)

    def lists(self):
        return os.listdir(self.it)


def main(kind, depth, top):
    """A line for each way to do so many things to it, in each state."""
    kind = {"path": Path, "descriptor": Descriptor}[kind]
    ways = itertools.product(kind.STATES.split(), *[kind.DEEDS.split()] * int(depth))
    for number, (state, *deeds) in enumerate(ways):
        root = f"{top}/{number}"
        scene = kind(root)
        getattr(scene, state)()
        found = [f"{deed}: {told(getattr(scene, deed))}".replace(root, "ROOT") for deed in deeds]
        # What ends this program is in the line that is not there.
        print(state, *found, sep=", ", flush=True)
        os.chdir(top)
        told(lambda: shutil.rmtree(root))
        told(lambda: os.close(scene.it))


main(*sys.argv[1:])
