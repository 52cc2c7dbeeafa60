"""A sandbox of the submission's and what a case does there: programs, files, facts. The case begins with one; `exam.node`
makes further ones, with the same files and limits of their own, on the same network."""

from .errors import Failure
from .evidence import count, short
from .programs import Input, Output, Program

FILE_BYTES_MAX = 8 << 20


class Process:
    """One process of the submission, as the kernel sees it; ids are those that the programs themselves see."""

    def __init__(self, facts):
        self.pid = facts["pid"]
        # 1 is the sandbox's own, which inherits orphans.
        self.parent = facts["parent"]
        # A letter of proc(5): R running, S sleeping, T stopped, Z ended and not waited for.
        self.state = facts["state"]
        self.threads = facts["threads"]
        # How many descriptors are open; a process that has ended has none.
        self.descriptors = facts["descriptors"]

    def __repr__(self):
        return f"process {self.pid} ({self.state}, {count(len(self.threads), 'thread')})"


class Place:
    def __init__(self, link, node, programs):
        self._link = link
        self._node = node
        self._programs = programs
        # Every program started here, in order.
        self.started = []
        # Whether code of the student's has been there.
        self._busy = False

    def start(self, name, *extra, stdin=False, stdout=False, stderr=False, ready=True):
        """Starts a program of exercise.toml and waits until it listens on all its addresses, unless `ready` is false.

        The streams asked for are pipes of the case; what it writes to the others is kept for the student to read.
        """
        facts = self._programs[name]
        self._busy = True
        words = [str(word) for word in extra]
        streams = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        answer, _, descriptors = self._ask("start", program=name, extra=words, **streams)
        pipes = {stream: descriptors.pop(0) for stream, wanted in streams.items() if wanted}
        process = answer["process"]
        program = Program(self, name, process, facts["listen"])
        program.stdin = Input(program, pipes["stdin"]) if stdin else None
        program.stdout = Output(program, pipes["stdout"], "output") if stdout else None
        program.stderr = Output(program, pipes["stderr"], "error output") if stderr else None
        self.started.append(program)
        if facts["listen"] and ready:
            program.ready()
        return program

    def usage(self):
        """CPU milliseconds and peak memory in bytes so far."""
        answer, _, _ = self._ask("usage")
        return answer["usage"]

    def memory_reset(self):
        """From now on `usage()` tells the memory peak since here."""
        self._ask("reset-peak")

    def processes(self):
        """Every process there is, those that have ended and were not waited for included."""
        answer, _, _ = self._ask("processes")
        return [Process(facts) for facts in answer["processes"]]

    # The work folder

    def write_file(self, name, content):
        """Writes a file, and the folders that it lies in. A text is written as UTF-8."""
        self._ask_about(name, "write", content.encode() if isinstance(content, str) else content)

    def patch_file(self, name, offset, data):
        """Overwrites bytes of a file in place: what has mapped it sees them, and its length stays. (`write_file` empties it first.)"""
        answer, _, _ = self._ask_about(name, "patch", data, offset=offset)
        if not answer["found"]:
            blame = Failure if self._busy else RuntimeError
            raise blame(f"{short(name)} in the program's work folder must be a file with bytes {offset} to {offset + len(data) - 1}")

    def read_file(self, name, limit=FILE_BYTES_MAX):
        """A regular file of the work folder, or None."""
        answer, content, _ = self._ask_about(name, "read", limit=limit)
        return content if answer["found"] else None

    def remove_file(self, name):
        """Removes a file; whether there was one."""
        answer, _, _ = self._ask_about(name, "remove")
        return answer["found"]

    def link(self, name, target):
        """A symbolic link `name` that points to `target`, whatever that is."""
        self._ask_about(name, "link", target=target)

    def files(self, folder=None):
        """Names of all that lies in the work folder, or below one of its folders, and is no folder itself; sorted."""
        answer, _, _ = self._ask_about(folder, "list") if folder else self._ask("list")
        return answer["files"]

    def kind(self, name):
        """What lies there: "file", "folder", "link", "socket", "fifo" or None."""
        answer, _, _ = self._ask_about(name, "kind")
        return answer.get("kind")

    def _ask_about(self, name, do, tail=b"", **arguments):
        answered = self._ask("files", tail, name=name, do=do, **arguments)
        if "refused" in answered[0]:
            # Before any program was there, nobody but the suite can have brought this about.
            blame = Failure if self._busy else RuntimeError
            raise blame(f"{short(name)} in the program's work folder: {answered[0]['refused']}")
        return answered

    def _ask(self, what, tail=b"", **arguments):
        return self._link.ask(what, tail, node=self._node, **arguments)


class Node(Place):
    """A further sandbox. Everything in it is killed by `kill`, and at the end of the case."""

    def __init__(self, link, name, number, programs):
        super().__init__(link, number, programs)
        self.name = name

    def kill(self):
        """Ends all of its programs at once, as a machine that loses power does; its files stay."""
        for program in self.started:
            if program.alive():
                program.kill()
