"""Map-reduce, with workers or a coordinator of the examiner's where one side alone is looked at.

The examiner's workers read no input and run no job: to a coordinator, the files of a map task are names. They write only what a
reduce task is said to have made. The order of things comes from the messages. Where a job has to stand still meanwhile, there is
a gate in its map or reduce; the one silence (`reduce-waits`) is proved by the kernel.

No case uses a port twice: the coordinator ends its connections first, and its port then stays in TIME_WAIT. Only the case that
is about them compares values and order: elsewhere it is enough that the right keys came out.
"""

import json
import posixpath
import zlib
from collections import Counter

IN, OUT = "in", "out"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
FOREIGN = ["naïve", "über", "Ωmega", "žluťoučký", "日本"]
FAILURES_MAX = 3

COUNT_WORDS = """
def map(name, text):
    yield "in " + name, 1
    for word in text.split():
        yield word, 1

def reduce(key, values):
    return sum(values)
"""

# Values are lists and a result is a text: nothing here is a number.
INDEX_WORDS = """
def map(name, text):
    return [(word, [name, place]) for place, word in enumerate(text.split())]

def reduce(key, values):
    return " ".join(sorted(f"{name}:{place}" for name, place in values))
"""

GATE_IN_MAP = """
import gate

def map(name, text):
    gate.enter(name)
    return [(word, 1) for word in text.split()]

def reduce(key, values):
    return sum(values)
"""

GATE_IN_REDUCE = """
import gate

def map(name, text):
    return [(word, 1) for word in text.split()]

def reduce(key, values):
    gate.enter(key)
    return sum(values)
"""

# A module may be imported again and forget; a file does not.
FAIL_TWICE = """
def map(name, text):
    with open("attempts", "a+") as attempts:
        attempts.write("x")
        attempts.seek(0)
        if len(attempts.read()) < 3:
            raise ValueError("not yet")
    return [(word, 1) for word in text.split()]

def reduce(key, values):
    return sum(values)
"""

NAME_EMPTY_FILES = """
def map(name, text):
    if not text:
        yield "nothing", 1
    for word in text.split():
        yield word, 1

def reduce(key, values):
    return sum(values)
"""


def word_count(exam):
    job = Job(exam, COUNT_WORDS, inputs=4, reducers=3)
    exam.start("worker", *job.address)
    job.ends()
    want = Counter(job.words())
    want.update("in " + name for name in job.texts)
    lines = [line for part in range(3) for line in job.part_lines(part)]
    same(exam, lines, [f"{word}\t{count}" for word, count in want.items()], "lines", "all parts together")
    for part in range(3):
        keys = job.part_keys(part)
        for key, following in zip(keys, keys[1:]):
            assert key < following, f"part-{part:05} must be sorted by key, but {following!r} comes after {key!r}"


def partition_stable(exam):
    texts = write_inputs(exam, 1)
    [(name, text)] = texts.items()
    reducers = exam.random.randint(5, 9)
    worker = Tested(exam, pieces=False)
    files = worker.maps(write_job(exam, INDEX_WORDS), name, reducers)
    seen = set()
    for number, file in enumerate(files):
        for key, _ in pairs(exam, file):
            seen.add(key)
            right = zlib.crc32(key.encode()) % reducers
            assert number == right, (
                f"with {reducers} reduce tasks the key {key!r} belongs to partition {right}, but stands in the file for partition {number}"
            )
    same(exam, seen, set(text.split()), "keys", "the files of a map task")


def judge_workers(exam):
    job = Job(exam, COUNT_WORDS, inputs=3, reducers=2)
    first, second = two_at_work(job)
    first.say("done", "ready", files=first.makes())
    first.takes_map()
    for worker in (second, first):
        worker.say_in_pieces("done", files=worker.makes())
        worker.say_in_pieces("ready")
    workers = both_reduce(first, second)
    want = [token(exam) + "\t1\n", token(exam) + "\t2\n"]
    # The higher number first: a part's number is its partition's, not its turn.
    for part in (1, 0):
        workers[part].reduces(want[part])
    for worker in (first, second):
        worker.hears("bye")
    job.ends()
    for part in (0, 1):
        exam.equal(readable(job.part(part)), want[part], f"part-{part:05}, after a worker has done the reduce task of partition {part}")


def judge_coordinator(exam):
    [(name, text)] = write_inputs(exam, 1).items()
    job = write_job(exam, INDEX_WORDS)
    worker = Tested(exam)
    files = worker.maps(job, name, 3)
    want = [canonical([word, [name, place]]) for place, word in enumerate(text.split())]
    same(exam, [line for file in files for _, line in pairs(exam, file)], want, "lines", "the files of a map task")

    key, other = sorted([token(exam), token(exam)])
    given = {"one": [[other, ["a", 1]], [key, ["b", 2]]], "two": [[key, ["c", 3]], [key, ["a", 4]]], "three": []}
    for number, lines in given.items():
        exam.write_file(f"{OUT}/{number}", "".join(json.dumps(pair) + "\n" for pair in lines).encode())
    made = worker.reduces(job, [f"{OUT}/{number}" for number in given])
    want = f"{key}\ta:4 b:2 c:3\n{other}\ta:1\n"
    exam.equal(readable(content(exam, made)), want, f"the result of a reduce task with the keys {key} and {other}")

    worker.hears("ready")
    worker.say(op="bye")
    ended = worker.program.wait()
    assert ended.code == 0, f"the coordinator said bye; the worker must end with exit code 0, but ended with {ended}"


def worker_lost(exam):
    job = Job(exam, COUNT_WORDS, inputs=2, reducers=1)
    first, second = two_at_work(job)
    waiting = job.worker()
    waiting.say("ready")
    waiting.peer.drained()
    waiting.peer.reset()
    exam.quiet()
    with exam.during("a worker was lost while it waited for a task, then another one after half of its done"):
        first.say_half("done", files=first.makes(for_good=False))
        first.leaves()
        third = job.worker()
        third.say("ready")
        third.takes_map()
    second.say("done", files=second.makes())
    third.say("done", "ready", files=third.makes())
    third.takes_reduce()
    with exam.during("the worker that had the reduce task reset its connection, and the only other one left"):
        second.leaves()
        third.peer.reset()
        last = job.worker()
        last.say("ready")
        last.takes_reduce()
        want = token(exam) + "\t7\n"
        last.reduces(want)
        last.hears("bye")
        job.ends()
    exam.equal(readable(job.part(0)), want, "part-00000, made by the worker that did the reduce task in the end")


def done_twice(exam):
    job = Job(exam, COUNT_WORDS, inputs=3, reducers=2)
    first, second = two_at_work(job)
    again = first.message("done", files=first.makes(for_good=False))
    first.say("done", "ready", files=first.makes())
    first.takes_map()
    first.peer.send(again)
    first.peer.drained()
    second.say("done", "ready", files=second.makes())
    with exam.during("a worker said done twice for its first task, the second time with a new one in hand, and was then lost"):
        first.leaves()
        second.takes_map()
    second.say("done", "ready", files=second.makes())
    third = job.worker()
    third.say("ready")
    workers = both_reduce(second, third)
    want = [token(exam) + "\t1\n", token(exam) + "\t2\n"]
    with exam.during("a worker said done twice for a reduce task, while another one was at work"):
        workers[0].reduces(want[0], times=2)
        workers[0].peer.drained()
        workers[1].reduces(want[1])
        for worker in workers:
            worker.hears("bye")
        job.ends()
    for part in (0, 1):
        exam.equal(readable(job.part(part)), want[part], f"part-{part:05}, after a worker has done the reduce task of partition {part}")


def reduce_waits(exam):
    job = Job(exam, COUNT_WORDS, inputs=2, reducers=2)
    first, second = two_at_work(job)
    idle = job.worker()
    idle.say("ready")
    first.say("done", "ready", files=first.makes())
    for worker in (idle, first):
        worker.peer.drained()
        with exam.during("one of two map tasks is done and the other still at work; a worker that says ready is to hear nothing"):
            worker.peer.quiet()
    second.say("done", files=second.makes())
    with exam.during("the last map task is done, and two workers wait"):
        both_reduce(idle, first)


def all_work(exam):
    gate = write_gate(exam)
    job = Job(exam, GATE_IN_MAP, inputs=3, reducers=1)
    for _ in range(3):
        exam.start("worker", *job.address)
    with exam.during("there are three map tasks and three workers, and all three are to be inside map() at the same time"):
        gate.inside(3)
    gate.open()


def poison_task(exam):
    job = Job(exam, FAIL_TWICE, inputs=1, reducers=1)
    exam.start("worker", *job.address)
    with exam.during("map() raises ValueError in its first two calls, and the third one is good"):
        job.ends()
        job.has_keys(job.words())

    job = Job(exam, COUNT_WORDS, inputs=2, reducers=1, second=True)
    poison = f"{job.folder}/{exam.random.choice(sorted(job.texts))}"
    worker = job.worker()
    worker.say("ready")
    failures = Counter()
    while failures[poison] < FAILURES_MAX:
        with exam.during(f"until now, failures of one map task: {failures[poison]}, of the other: {failures.total() - failures[poison]}"):
            worker.takes_map()
        failures[worker.input] += 1
        if worker.input != poison and failures[worker.input] == FAILURES_MAX:
            worker.say("done", "ready", files=worker.makes())
        else:
            worker.fails(*["ready"] * (failures[poison] < FAILURES_MAX))
    with exam.during("a map task has failed for the third time"):
        worker.hears("bye")
        job.ends(2)


def empty_input(exam):
    exam.write_file(f"{IN}/empty.txt", b"")
    job = Job(exam, NAME_EMPTY_FILES, inputs=1, reducers=20)
    exam.start("worker", *job.address)
    with exam.during("there are two inputs, an empty file and another one, and 20 reduce tasks"):
        job.ends()
        job.has_keys(["nothing", *job.words()])

    exam.write_file("in2/gone", b"")
    exam.remove_file("in2/gone")
    job = Job(exam, COUNT_WORDS, inputs=0, reducers=2, second=True)
    exam.start("worker", *job.address)
    with exam.during("the folder of inputs is empty, and there are two reduce tasks"):
        job.ends()
        job.has_keys([])


def no_partial_output(exam):
    gate = write_gate(exam)
    old = token(exam).encode() + b"\t1\n"
    exam.write_file(f"{OUT}/part-00000", old)
    exam.write_file("old-part", old)
    exam.link(f"{OUT}/part-00001", "../old-part")
    job = Job(exam, GATE_IN_REDUCE, inputs=3, reducers=2)
    exam.start("worker", *job.address)
    gate.inside(1)
    with exam.during("the first reduce task is at work, and OUT holds the parts of an earlier job"):
        exam.equal(exam.read_file(f"{OUT}/part-00000"), old, "an old part stays whole until a new one takes its place")
        exam.equal(exam.read_file("old-part"), old, "an old part stays whole until a new one takes its place")
    gate.open()
    job.ends()
    words = "the name part-00001 was a symbolic link, which renaming replaces; but the file behind it was opened and written"
    exam.equal(exam.read_file("old-part"), old, words)
    job.has_keys(job.words())


class Job:
    """A job, its coordinator, and what the examiner's workers have heard and made of it."""

    def __init__(self, exam, code, inputs, reducers, second=False):
        self.exam = exam
        program, self.folder, self.out = ("second_coordinator", "in2", "out2") if second else ("coordinator", IN, OUT)
        self.texts = write_inputs(exam, inputs, self.folder)
        self.module = write_job(exam, code)
        self.reducers = reducers
        options = ["--job", self.module, "--inputs", self.folder, "--out", self.out, "--reducers", reducers]
        self.program = exam.start(program, *options)
        self.address = self.program.address
        # By input, the files of the map tasks that are done, in the order of their partitions.
        self.made = {}
        # By worker of ours, the inputs of the map tasks that are at work.
        self.at_work = {}
        # What each task number stands for.
        self.tasks = {}

    def words(self):
        return [word for text in self.texts.values() for word in text.split()]

    def worker(self):
        return Worker(self)

    def ends(self, code=0):
        ended = self.program.wait()
        assert ended.code == code, f"the coordinator must end with exit code {code}, but ended with {ended}"

    def part(self, number):
        found = self.exam.read_file(f"{self.out}/part-{number:05}")
        assert found is not None, f"the coordinator has ended, but there is no file {self.out}/part-{number:05}"
        return found

    def part_lines(self, number):
        try:
            text = self.part(number).decode()
        except UnicodeDecodeError as error:
            self.exam.fail(f"part-{number:05} is not UTF-8: {error}")
        assert not text or text.endswith("\n"), f"part-{number:05} must end with a newline, but ends with {text[-20:]!r}"
        return text.split("\n")[:-1]

    def part_keys(self, number):
        return [line.split("\t")[0] for line in self.part_lines(number)]

    def has_keys(self, want):
        keys = {key for number in range(self.reducers) for key in self.part_keys(number)}
        same(self.exam, keys, set(want), "keys", "all parts together")
        there = [name for name in self.exam.files(self.out) if posixpath.basename(name).startswith("part-")]
        assert len(there) == self.reducers, f"there must be {self.reducers} parts, but OUT holds {len(there)}: {there}"


class Worker:
    """A worker of the examiner's. It takes one task at a time and reports what it is told to."""

    def __init__(self, job):
        self.job = job
        self.exam = job.exam
        self.peer = job.exam.connect(job.address)
        self.task = self.input = None

    def message(self, op, **fields):
        if op == "ready":
            return b'{"op": "ready"}\n'
        return json.dumps({"op": op, "task": self.task, **fields}).encode() + b"\n"

    def say(self, *ops, **fields):
        """All in one segment."""
        self.peer.send(b"".join(self.message(op, **fields) for op in ops))

    def say_in_pieces(self, op, **fields):
        self.peer.pieces(cut(self.exam, self.message(op, **fields)))

    def say_half(self, op, **fields):
        message = self.message(op, **fields)
        self.peer.send(message[: self.exam.random.randrange(1, len(message) - 2)])
        self.peer.drained()

    def fails(self, *more):
        self.say("failed", *more, error="it is poisoned")
        self.job.at_work.pop(self, None)

    def leaves(self):
        self.peer.end()
        self.peer.close()
        self.job.at_work.pop(self, None)

    def hears(self, op):
        with self.exam.during(f"the coordinator must say {op} to this worker now"):
            return read_message(self.exam, self.peer, op)

    def takes_map(self):
        """A map task for an input that is not done, and that no other worker of ours has."""
        message = self.hears("map")
        others = set(self.job.made).union(self.job.at_work.values())
        wanted = sorted({f"{self.job.folder}/{name}" for name in self.job.texts} - others)
        self.input = normal(message.get("input"))
        assert self.input in wanted, (
            f"{wanted} can be given to a worker now, the other inputs are done or at work; but the coordinator said {shown(message)}"
        )
        self.has(message, reducers=self.job.reducers)
        self.numbered(message, self.input)
        self.job.at_work[self] = self.input

    def takes_reduce(self):
        """A reduce task; returns the partition whose files it names."""
        message = self.hears("reduce")
        self.has(message)
        files = message.get("files")
        names = isinstance(files, list) and all(isinstance(file, str) for file in files)
        assert names, f"files must be a list of names in {shown(message)}"
        wanted = [sorted(names) for names in zip(*self.job.made.values())]
        assert sorted(map(normal, files)) in wanted, (
            f"a reduce task names one file of every map task, all of one partition, so one of the lists {wanted}; "
            f"but the coordinator said {shown(message)}"
        )
        partition = wanted.index(sorted(map(normal, files)))
        self.numbered(message, f"partition {partition}")
        return partition

    def has(self, message, **fields):
        for name, value in {"job": self.job.module, "out": self.job.out, **fields}.items():
            got = normal(message.get(name)) if name == "out" else message.get(name)
            self.exam.equal(got, value, f"the field {name} in {shown(message)}")

    def numbered(self, message, what):
        self.task = message.get("task")
        assert type(self.task) is int, f"task must be an integer in {shown(message)}"
        known = self.job.tasks.setdefault(self.task, what)
        assert known == what, f"two tasks have the number {self.task}: that of {known} and that of {what}"

    def makes(self, for_good=True):
        """Names of files that a worker might have made in this map task, new ones each time."""
        names = [f"{self.job.out}/{token(self.exam)}" for _ in range(self.job.reducers)]
        if for_good:
            self.job.made[self.input] = names
            self.job.at_work.pop(self, None)
        return names

    def reduces(self, result, times=1):
        name = f"{self.job.out}/{token(self.exam)}"
        self.exam.write_file(name, result)
        self.say(*["done"] * times, files=[name])


class Tested:
    """The student's worker, whose coordinator is the examiner."""

    def __init__(self, exam, pieces=True):
        self.exam = exam
        self.pieces = pieces
        listener = exam.listen()
        self.program = exam.start("worker", *listener.address)
        self.peer = listener.accept()
        # So that there is OUT: making it is the coordinator's part.
        exam.write_file(f"{OUT}/.keep", b"")

    def say(self, **message):
        line = json.dumps(message).encode() + b"\n"
        self.peer.pieces(cut(self.exam, line) if self.pieces else [line])

    def hears(self, op):
        with self.exam.during(f"the worker must say {op} now"):
            return read_message(self.exam, self.peer, op)

    def maps(self, job, name, reducers):
        return self.does(reducers, op="map", job=job, input=f"{IN}/{name}", reducers=reducers, out=OUT)

    def reduces(self, job, files):
        return self.does(1, op="reduce", job=job, files=files, out=OUT)[0]

    def does(self, made, **message):
        """Gives it a task; returns the names of the files that it has made."""
        self.hears("ready")
        task = self.exam.random.randrange(1000, 10**6)
        self.say(task=task, **message)
        done = self.hears("done")
        self.exam.equal(done.get("task"), task, f"the field task in {shown(done)}")
        files = done.get("files")
        assert isinstance(files, list) and len(files) == made, f"files must be a list of {made} in {shown(done)}"
        for file in files:
            fine = isinstance(file, str) and file.isascii() and file.isprintable() and posixpath.dirname(normal(file)) == OUT
            assert fine, f"files must name files in the folder {OUT}, such as {OUT}/x1, but the worker said {shown(done)}"
        assert len({*map(normal, files)}) == made, f"the same name stands twice in {shown(done)}"
        return files


def two_at_work(job):
    """Two workers that have a map task each."""
    first, second = job.worker(), job.worker()
    first.say_in_pieces("ready")
    first.takes_map()
    second.say("ready")
    with job.exam.during("one worker has a map task, and a second one is ready"):
        second.takes_map()
    return first, second


def both_reduce(*workers):
    """Two workers take a reduce task each; returns them by partition."""
    found = {worker.takes_reduce(): worker for worker in workers}
    assert len(found) == 2, f"two workers have been given reduce tasks with the files of the same partition, {min(found)}"
    return [found[0], found[1]]


def write_inputs(exam, number, folder=IN):
    """So many files of words, some of them in several files; returns their texts by name."""
    common = [token(exam) for _ in range(6)] + FOREIGN
    texts = {}
    for _ in range(number):
        words = exam.random.choices(common, k=10) + [token(exam) for _ in range(4)]
        exam.random.shuffle(words)
        texts[f"{token(exam)}.txt"] = " ".join(words[:7]) + "\n" + "  ".join(words[7:]) + "\n"
    for name, text in texts.items():
        exam.write_file(f"{folder}/{name}", text.encode())
    return texts


def write_job(exam, code):
    """The job as a module with a name that nobody can know beforehand."""
    module = f"job_{token(exam)}"
    exam.write_file(f"{module}.py", code.encode())
    return module


def write_gate(exam):
    gate = exam.gate()
    exam.write_file("gate.py", gate.code.encode())
    return gate


def token(exam):
    return "".join(exam.random.choices(LETTERS, k=8))


def cut(exam, data):
    """Three pieces."""
    first, second = sorted(exam.random.sample(range(1, len(data)), 2))
    return [data[:first], data[first:second], data[second:]]


def read_message(exam, peer, op):
    line = peer.read_line()
    if not line.endswith(b"\n"):
        exam.fail("the connection ended before a whole line had come" + (f", after {line[-80:]!r}" if line else ""))
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        exam.fail(f"this line is not JSON: {line[:80]!r} ({error})")
    if not isinstance(message, dict) or not flat(message):
        exam.fail(f"a message is a JSON object with numbers, texts and lists of texts, but this came: {line[:80]!r}")
    if message.get("op") != op:
        exam.fail(f"it said {shown(message)}")
    return message


def flat(value, levels=5):
    """What is nested more deeply than a message could not even be shown."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(flat(item, levels - 1) for item in inner)


def pairs(exam, file):
    """(key, line) of an intermediate file, the line in one way of writing JSON."""
    found = []
    for line in content(exam, file).splitlines():
        try:
            key, value = json.loads(line)
            key.encode()
            found.append((key, canonical([key, value])))
        except (ValueError, TypeError, AttributeError, RecursionError):
            exam.fail(f"a line of a map task's file must be a JSON list [key, value] with a text as its key, but one is {line[:80]!r}")
    return found


def canonical(value):
    return json.dumps(value, ensure_ascii=False)


def same(exam, got, want, things, where):
    """The same things, in any order."""
    got, want = Counter(got), Counter(want)
    missing, more = list((want - got).elements()), list((got - want).elements())
    if missing or more:
        words = [f"{len(some)} {what}, such as {some[0]!r}" for some, what in ((missing, "missing"), (more, "too many")) if some]
        exam.fail(f"of the {want.total()} {things} that are to stand in {where}: {'; '.join(words)}")


def readable(data):
    return data.decode("utf-8", "backslashreplace")


def content(exam, file):
    found = exam.read_file(normal(file))
    assert found is not None, f"the worker said that it has made {file}, but there is no such file"
    return found


def normal(path):
    return posixpath.normpath(path) if isinstance(path, str) else path


def shown(message):
    text = json.dumps(message, ensure_ascii=False)
    return text if len(text) <= 300 else text[:297] + "..."
