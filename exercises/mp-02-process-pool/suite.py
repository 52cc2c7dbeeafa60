"""A pool of processes, most of whose tasks stand at a gate of the suite's.

Who is at the gate is at work: each says its label, the id of its process and how often `init` was called there. A task leaves the gate
when the case lets it, and some die then, while others are still inside: whatever must happen after a death must happen without them.
Which processes there are is asked of the kernel. No schedule is explored and nothing is measured: how a pool watches its workers (by
threads, a selector or a clock) and how it starts them (fork, spawn) is its own affair.

Deaths are in two cases only. The first leaves workers enough for what it asks afterwards, so that a pool that never replaces one is
found by the second alone.
"""

from practicum import Raised
from practicum.evidence import count
from practicum.remote import an_object

BIG = 100_000
JOBS = "drivers/jobs.py"


def apply(exam):
    lab = Lab(exam, 2)
    number, text = exam.random.randrange(10**6), word(exam)
    with exam.during(f"apply_async(square, {number})"):
        result = lab.send("square", number)
        exam.equal(result.get(), number**2, "get()")
        exam.equal(result.get(), number**2, "get(), called a second time")
        exam.equal([result.ready(), result.ok()], [True, True], "ready() and ok() after get()")
    for given in ((number, text, None), ()):
        exam.equal(lab.send("together", *given).get(), given, f"get() of a task that returns its {len(given)} arguments")
    assert lab.send("where").get() != lab.here, "a task ran in the pool's process, not in a worker"

    blobs = [exam.random.randbytes(BIG) for _ in range(4)]
    with exam.during(f"four tasks with {BIG} bytes as argument and as result, for two workers"):
        results = [lab.send("backwards", blob) for blob in blobs]
        for blob, result in zip(blobs, results):
            exam.equal(result.get(), blob[::-1], "get()")

    with exam.during("a task that has begun and not finished"):
        result = lab.send("held", text)
        lab.inside(1)
        exam.equal(result.ready(), False, "ready()")
        exam.raises("ValueError", result.ok)
        exam.raises("TimeoutError", result.get, timeout=0)
        exam.raises("TimeoutError", result.get, timeout=0.01)
        lab.gate.open()
        exam.equal(result.get(), text, "get() once it has finished, after others that timed out")


def map_order(exam):
    lab = Lab(exam, 2)
    numbers = exam.random.sample(range(10**6), 7)
    squares = [number**2 for number in numbers]
    square = lab.job("square")
    exam.equal(lab.pool.map(square, numbers), squares, f"map(square, {numbers})")
    for chunk in (1, 3, 7, 20):
        exam.equal(lab.pool.map(square, numbers, chunk=chunk), squares, f"map(square, {numbers}, chunk={chunk})")
        items = lab.jobs.counting(numbers)
        exam.equal(lab.pool.map(square, items, chunk=chunk), squares, f"the same, chunk={chunk}, items from a generator")
    exam.equal(lab.pool.map(square, []), [], "map(square, [])")

    items = words(exam, 6)
    with exam.during("six items in chunks of 3, two workers"):
        mapping = exam.background(lab.pool.map, lab.job("held"), items, chunk=3)
        exam.equal(sorted(lab.inside(2)), sorted([items[0], items[3]]), f"which of {items} are at work at first: one of each chunk")
        for following in items[4:]:
            lab.let_go(items[items.index(following) - 1])
            exam.equal(sorted(lab.inside(2)), sorted([items[0], following]), f"which of {items} are at work, while the first one waits")
        lab.gate.open()
        exam.equal(mapping.result(), items, "the results, when the second chunk was ahead of the first")


def remote_error(exam):
    lab = Lab(exam, 2)
    code, text = exam.random.randrange(100, 1000), word(exam)
    for kind, said in (("ValueError", text), ("KeyError", repr(text)), ("Rejected", f"{text} (code {code})")):
        with exam.during(f"a task raised {kind}"):
            result = lab.send("reject", kind, code, text)
            raised = exam.raises(kind, result.get)
            exam.equal(raised.text, said, "str() of what get() raised")
            shown = f"Python's report of what get() raised must show the worker's traceback, with the line in {lab.deep}() that raised it"
            assert lab.deep in raised.traceback, shown
            exam.equal([result.ready(), result.ok()], [True, False], "ready() and ok() after get()")
            exam.raises(kind, result.get)
    even = [2 * exam.random.randrange(1000) for _ in range(5)]
    with exam.during("map, and the function raised Rejected for one of five items"):
        items = [*even[:3], even[0] + 1, even[4]]
        exam.raises("Rejected", lab.pool.map, lab.jobs.RejectOdd(code, text), items, chunk=2)
    exam.equal(lab.send("square", code).get(), code**2, "get() of a task after others that raised")


def worker_dies(exam):
    lab = Lab(exam, 3)
    labels = words(exam, 5)
    ends = ["exit", "kill", "return"]
    exam.random.shuffle(ends)
    dying = {label: end for label, end in zip(labels, ends) if end != "return"}
    results = {label: lab.send("held", label, dying.get(label, "return")) for label in labels}
    with exam.during("three workers, five tasks"):
        lab.inside(3)
    for label, end in dying.items():
        with exam.during(f"three workers, five tasks; {DEATHS[end]} while others were at work"):
            lab.let_go(label)
            exam.raises("WorkerDied", results[label].get)
            exam.equal([results[label].ready(), results[label].ok()], [True, False], "ready() and ok() after that")
    lab.gate.open()
    for label in labels:
        if label not in dying:
            with exam.during("three workers, five tasks, and two of the workers died"):
                exam.equal(results[label].get(), label, "get() of a task that was with another worker, or with none yet")

    # Two pools never start workers at the same time.
    exam.quiet()
    lab.open_pool(3)
    for name, args, how in (("die", ["exit"], DEATHS["exit"]), ("last", [], "a worker died when it was pickling the result of its task")):
        with exam.during(how):
            exam.raises("WorkerDied", lab.send(name, *args).get)


def bad_pickle_error(exam):
    lab = Lab(exam, 1)
    code, text = exam.random.randrange(100, 1000), word(exam)
    worker = lab.send("where").get()
    with exam.during("a task raised Grudge, an exception that can be pickled, but not unpickled"):
        raised = fails_alone(exam, lambda: lab.send("reject", "Grudge", code, text).get())
        names_the_error(raised, "Grudge", f"{text} (code {code})")
        lives_on(exam, lab, worker)
    with exam.during("a task raised Locked, an exception that cannot be pickled"):
        raised = fails_alone(exam, lambda: lab.send("reject", "Locked", code, text).get())
        names_the_error(raised, "Locked", f"{text} (code {code})")
    with exam.during("a task returned an object that can be pickled, but not unpickled"):
        fails_alone(exam, lambda: lab.send("sealed", text).get())
        lives_on(exam, lab, worker)
    with exam.during("a task was given an object that can be pickled, but not unpickled"):
        fails_alone(exam, lambda: lab.send("together", lab.jobs.Sealed(text)).get())
        lives_on(exam, lab, worker)


def unpicklable_result(exam):
    lab = Lab(exam, 1)
    code, text = exam.random.randrange(100, 1000), word(exam)
    worker = lab.send("where").get()
    for kind in exam.random.sample(["lock", "generator", "lambda"], 3):
        with exam.during(f"a task returned a {kind}, which cannot be pickled"):
            fails_alone(exam, lambda: lab.send("odd", kind).get())
            lives_on(exam, lab, worker)
    with exam.during("a task raised Locked, an exception that cannot be pickled"):
        fails_alone(exam, lambda: lab.send("reject", "Locked", code, text).get())
        lives_on(exam, lab, worker)
    with exam.during("a lambda was handed in, which cannot be pickled"):
        fails_alone(exam, lambda: handed_in(lab.pool.apply_async(lab.jobs.odd("lambda"))).get())
        lives_on(exam, lab, worker)


def n_inside(exam):
    n = exam.random.randint(3, 4)
    lab = Lab(exam, n)
    labels = words(exam, 2 * n)
    with exam.during(f"{n} workers, {2 * n} tasks, none of which finishes by itself"):
        results = {label: lab.send("held", label) for label in labels}
        at_work, waiting = labels[:n], labels[n:]
        lab.in_workers_of_their_own(lab.inside(n))
        are_at_work(exam, lab, at_work, f"at first, of {labels}")
        # Whoever is free is so again: tasks that are dealt out beforehand do not come to it twice.
        freed = exam.random.choice(at_work)
        for following in waiting[:2]:
            lab.let_go(freed)
            at_work = [*(set(at_work) - {freed}), following]
            lab.inside(n)
            are_at_work(exam, lab, at_work, f"after {freed} has finished, of {labels}")
            freed = following
        lab.gate.open()
        for label in labels:
            exam.equal(results[label].get(), label, "get()")


def init_once(exam):
    n = exam.random.randint(2, 4)
    lab = Lab(exam, n, init="init")
    workers = set()
    for _ in range(2):
        visits, results = lab.fill(n)
        calls = [visit.inits for visit in visits.values()]
        exam.equal(calls, [1] * n, f"how often init had been called in each of {n} workers at its task")
        workers |= {visit.pid for visit in visits.values()}
        lab.finish(results)
    calls = (exam.read_file("inits") or b"").decode("ascii", "replace").split()
    exam.equal(len(calls), n, f"calls of init altogether, in a pool of {n} workers that had two tasks each")
    exam.equal(sorted(calls), sorted(map(str, workers)), "the processes that called init: they must be the workers")


def terminate(exam):
    lab = Lab(exam, 2)
    labels = words(exam, 5)
    results = [lab.send("held", labels[0]), lab.send("stubborn", labels[1]), *[lab.send("held", label) for label in labels[2:4]]]
    with exam.during("two workers, four tasks"):
        visits = lab.inside(2)
    waiting = exam.background(results[2].get)
    exam.quiet()
    lab.now()
    before = len(lab.gate.entered)
    with exam.during("terminate() with two tasks at work, one of them deaf to SIGTERM, and two that wait"):
        lab.pool.terminate()
        for result in (*results[:2], results[3]):
            exam.raises("WorkerDied", result.get)
        waiting.raises("WorkerDied")
        exam.raises("ValueError", lab.pool.apply_async, lab.job("where"))
        lab.gone(visits)

    lab.open_pool(2)
    with exam.during("a with block was left while a task was at work"):
        leaving = exam.background(lab.jobs.leave, lab.pool, labels[4], "leaving")
        lab.inside(2)
        lab.let_go("leaving")
        left = leaving.result()
        if not (isinstance(left, list) and len(left) == 2):
            exam.fail("the block was not left in the ordinary way")
        exam.equal(left[0], True, "whether `as` gave the pool itself")
        exam.raises("WorkerDied", handed_in(left[1]).get)
    lab.gate.open()
    exam.quiet()
    late = [entry for entry in lab.gate.entered[before:] if not entry.startswith((labels[4], "leaving"))]
    assert not late, "a task began after terminate()"


def usable_after_death(exam):
    n = 3
    lab = Lab(exam, n, init="init")
    visits, results = lab.fill(n)
    lab.finish(results)
    exam.quiet()
    with exam.during(f"all {n} workers were killed while they had no task"):
        lab.kill(visits)
        exam.quiet()
        visits, results = lab.fill(n)
    with exam.during(f"all {n} workers were killed at their tasks"):
        lab.kill(visits)
        for result in results.values():
            exam.raises("WorkerDied", result.get)
        # By now no dead one is at the gate any more.
        exam.quiet()
        visits, results = lab.fill(n)
        exam.equal([visit.inits for visit in visits.values()], [1] * n, "how often init was called in each worker that came in their place")
        lab.finish(results)
    with exam.during("eight tasks in a row killed their workers"):
        for _ in range(8):
            exam.raises("WorkerDied", lab.send("die", "kill").get)
        visits, results = lab.fill(n)
        lab.finish(results)
    exam.quiet()
    zombies = [process for process in exam.processes() if process.state == "Z"]
    assert not zombies, f"{count(len(zombies), 'worker')} died, and nobody has waited for them: they are zombies"


def done(exam):
    lab = Lab(exam, 2)
    numbers = exam.random.sample(range(10**6), 5)
    note = lab.job("note")
    lab.send("square", numbers[0], done=note)
    exam.quiet()
    noted(exam, lab, [True, numbers[0] ** 2], "a task with `done` has returned, and nobody has called get()")
    lab.send("reject", "ValueError", 1, word(exam), done=note)
    exam.quiet()
    noted(exam, lab, [False, None], "a task with `done` has raised")
    with exam.during("both workers' last tasks had a `done` that raised"):
        stumbled = [lab.send("square", number, done=lab.job("stumble")) for number in numbers[1:3]]
        exam.equal([result.get() for result in stumbled], [number**2 for number in numbers[1:3]], "get() of these tasks")
        exam.equal(lab.send("square", numbers[3]).get(), numbers[3] ** 2, "get() of the next task")
    lab.send("square", numbers[0], done=lab.jobs.follow(lab.pool, numbers[4]))
    exam.quiet()
    noted(exam, lab, [True, numbers[4] ** 2], "the `done` of a task has handed in a further task with a `done`")


def close_join(exam):
    lab = Lab(exam, 2)
    labels = words(exam, 4)
    results = [lab.send("held", label) for label in labels]
    with exam.during("join() of a pool that is not closed"):
        exam.raises("ValueError", lab.pool.join)
    with exam.during("four tasks for two workers, then close()"):
        lab.pool.close()
        lab.pool.close()
        exam.raises("ValueError", lab.pool.apply_async, lab.job("where"))
        exam.raises("ValueError", lab.pool.map, lab.job("square"), [1])
        visits = lab.inside(2)
        joining = exam.background(lab.pool.join)
        exam.quiet()
        assert not joining.done(), "join() has returned while tasks were at work"
        lab.gate.open()
        joining.result()
        exam.equal([result.ready() for result in results], [True] * 4, "ready() of the four tasks after join()")
        exam.equal([result.get() for result in results], labels, "get() of the four tasks after join()")
        lab.gone(visits)
        lab.pool.join()


DEATHS = {"exit": "a worker called os._exit(0) in its task", "kill": "a worker was killed by SIGKILL in its task"}


class Visit:
    """What a task at the gate has said of itself and of its process."""

    def __init__(self, exam, said):
        words = said.split(" ")
        if len(words) != 3 or not all(word.isascii() and word.isdigit() for word in words[1:]):
            exam.fail("something else than the tasks came to the gate")
        self.said = said
        self.label = words[0]
        self.pid, self.inits = int(words[1][:9]), int(words[2][:9])


class Lab:
    """A pool of the student's, `pool`, and functions for it to call, some of which stand at the gate."""

    def __init__(self, exam, n, init=None):
        self.exam = exam
        self.gate = exam.gate()
        #: The function in which tasks raise: only their worker can know that it was there.
        self.deep = f"deep_{word(exam)}"
        name = f"jobs_{word(exam)}.py"
        exam.write_file("gate.py", self.gate.code)
        with open(JOBS, encoding="utf-8") as source:
            exam.write_file(name, source.read().replace("deep_inside", self.deep))
        self._procpool = exam.load("procpool.py")
        self.jobs = exam.load(name)
        #: The pools' process.
        self.here = self.jobs.where()
        self.open_pool(n, init)

    def open_pool(self, n, init=None):
        """A pool of n workers, in the place of the one before."""
        self.pool = self._procpool.ProcPool(n) if init is None else self._procpool.ProcPool(n, self.job(init))

    def job(self, name):
        return self.exam.get(self.jobs, name)

    def send(self, name, *args, **kwargs):
        return handed_in(self.pool.apply_async(self.job(name), *args, **kwargs))

    def now(self):
        """Who is at the gate, by label."""
        visits = [Visit(self.exam, said) for said in self.gate.now()]
        return {visit.label: visit for visit in visits}

    def inside(self, number):
        self.gate.inside(number)
        return self.now()

    def let_go(self, label):
        visit = self.now().get(label)
        if visit is None:
            self.exam.fail(f"task {label} is not at work any more")
        self.gate.let_go(visit.said)

    def fill(self, n):
        """A task for each of n workers: those at the gate, and the results, both by label."""
        labels = words(self.exam, n)
        results = {label: self.send("held", label) for label in labels}
        with self.exam.during(f"{n} tasks were handed in to a pool of {n} workers without a task"):
            visits = self.inside(n)
            self.exam.equal(sorted(visits), sorted(labels), "the tasks at work")
            self.in_workers_of_their_own(visits)
        return visits, results

    def finish(self, results):
        for label, result in results.items():
            self.let_go(label)
            self.exam.equal(result.get(), label, "get()")

    def in_workers_of_their_own(self, visits):
        workers = {visit.pid for visit in visits.values()}
        assert self.here not in workers, "a task ran in the pool's process, not in a worker"
        self.exam.equal(len(workers), len(visits), f"different processes in which {len(visits)} tasks were at work at the same time")

    def kill(self, visits):
        """Kills the workers of those visits, whether they still have a task or not."""
        workers = [visit.pid for visit in visits.values()]
        self.exam.random.shuffle(workers)
        there = {process.pid for process in self.exam.processes()}
        assert there.issuperset(workers), "a worker has ended after its task, though nobody had killed it"
        self.jobs.kill(workers)

    def gone(self, visits):
        """The workers have ended, and were waited for."""
        workers = {visit.pid for visit in visits.values()}
        left = [process for process in self.exam.processes() if process.pid in workers]
        assert not left, f"there are still workers, or they have ended and were not waited for (Z): {left}"


def are_at_work(exam, lab, labels, when):
    exam.quiet()
    exam.equal(sorted(lab.now()), sorted(labels), f"the tasks at work {when}")


def handed_in(result):
    return an_object(result, "apply_async()")


def fails_alone(exam, act):
    """The task must raise whatever it likes, as long as its worker lives."""
    try:
        value = act()
    except Raised as raised:
        if "WorkerDied" in raised.bases:
            exam.fail("it raised WorkerDied, but the worker can go on")
        return raised
    exam.fail(f"neither apply_async() nor get() raised an exception; get() returned {value!r:.100}")


def names_the_error(raised, name, text):
    for part in (name, text):
        assert part in raised.text, f"the text of what get() raised must have {part!r} in it, but is {raised.text[-200:]!r}"


def lives_on(exam, lab, worker):
    exam.equal(lab.send("where").get(), worker, "the process of the only worker, before and after that")


def noted(exam, lab, want, when):
    """What `done` was called with last, in the pool's process; and that it was called once."""
    calls = exam.get(lab.jobs, "noted")
    heard = f"{when}: calls of `done` (process, ready(), ok(), get()) in the pool's process, which is {lab.here}"
    exam.equal(calls, [[lab.here, True, *want]], heard)
    exam.set(lab.jobs, "noted", [])


def words(exam, number):
    return [f"t{each}" for each in exam.random.sample(range(10**4, 10**5), number)]


def word(exam):
    return words(exam, 1)[0]
