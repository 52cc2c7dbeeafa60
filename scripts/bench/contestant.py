#!/usr/bin/python3
"""Runs one program of grader/tests/zoo again and again under frontrun, or under nothing: what `make bench-explore` compares with.

    contestant.py dpor|random|stress ORDER

ORDER is JSON: `folder` of the zoo, `subject` (bug.py or right.py), `driver` (a path), `right` (what it must return), `cpu_s` and
`wall_s` to spend, `seed`, `until_wrong`. The answer is a line of JSON: `runs`, `cpu_s`, `wrong` (what was found, and after how many
runs), `undecided` (why an exploration ended without a verdict), `exhausted` (nothing was left to try).

As under our scheduler, a run executes module and driver afresh. What differs is how a driver is joined to frontrun, which
wants a set-up, a fixed set of workers and an invariant:

- `threads(…)` becomes a `yield`: what is before it is the set-up, what is after it belongs to the invariant.
- Where a program itself starts threads, each is a worker that waits until it is started (`Slot`).
"""

import ast
import concurrent.futures.thread
import json
import os
import pathlib
import queue
import sys
import threading
import types
from time import monotonic, process_time

# Threads that these programs start at most.
SLOTS = {"sleep_sync": 1, "unjoined": 3, "pool_starvation/bug.py": 2, "pool_starvation/right.py": 6}
# Where growing schedules of frontrun's random explorer ends: it begins with its default and asks for more when it needs more.
OPS_MAX = 4_800
# A run of real threads that takes longer, in seconds, is a hang; the longest of the zoo sleeps for half a second.
HANG_S = 3


class Spent(Exception):
    """The order's time is over."""


class Program:
    """A subject and its driver."""

    def __init__(self, order):
        self.order = order
        folder = pathlib.Path(order["folder"])
        path = folder / order["subject"]
        self.code = compile(path.read_text(), path, "exec")
        self.name = folder.name
        self.driver_path = pathlib.Path(order["driver"])
        self.driver_text = self.driver_path.read_text()
        self.right = order["right"]

    def fresh(self):
        module = types.ModuleType("subject")
        exec(self.code, module.__dict__)
        return module

    def is_right(self, outcome):
        return json.loads(json.dumps(outcome)) == self.right


class Budget:
    """Counts runs, and says when it is enough. The warm-up before it is nobody's."""

    def __init__(self, order):
        self.runs = 0
        self.began = process_time()
        self.cpu_end = self.began + order["cpu_s"]
        self.wall_end = monotonic() + order["wall_s"]

    def next_run(self):
        if process_time() >= self.cpu_end or monotonic() >= self.wall_end:
            raise Spent
        self.runs += 1

    def cpu_s(self):
        return process_time() - self.began


# frontrun


class AsGenerator(ast.NodeTransformer):
    """`threads(a, b)` becomes `(yield (a, b))`."""

    def visit_Call(self, call):
        self.generic_visit(call)
        if isinstance(call.func, ast.Name) and call.func.id == "threads":
            return ast.Yield(ast.Tuple(call.args, ast.Load()))
        return call


class Cell:
    """What one worker returned; an object each, for writing to one list would be a conflict."""

    value = None


class Joined:
    """The state of one execution of a driver that calls `threads`."""

    def __init__(self, program, run):
        self.driver = run(program.fresh())
        self.functions = next(self.driver)
        self.cells = [Cell() for _ in self.functions]

    @staticmethod
    def worker(number):
        def work(state):
            state.cells[number].value = state.functions[number]()

        return work

    def outcome(self):
        try:
            self.driver.send([cell.value for cell in self.cells])
        except StopIteration as end:
            return end.value
        raise RuntimeError("threads() is called twice")


class Slotted:
    """The state of one execution of a program that starts threads: worker 0 is its main thread, the others wait."""

    now = None

    def __init__(self, program, run, slots):
        Slotted.now = self
        self.free = [Slot.Place() for _ in range(slots)]
        self.places = list(self.free)
        module = program.fresh()
        if hasattr(module, "threading"):
            module.threading = Threading()
        self.main = lambda: run(module)
        self.value = None

    @staticmethod
    def worker(number):
        def main(state):
            # As it is now: threads that nobody joined may yet change it.
            state.value = json.dumps(state.main())
            for place in state.free:
                place.started.set()

        def other(state):
            place = state.places[number - 1]
            place.started.wait()
            if place.target is not None:
                place.target()
            place.ended.set()

        return other if number else main

    def outcome(self):
        return json.loads(self.value)


class Slot:
    """Stands for `threading.Thread`."""

    class Place:
        def __init__(self):
            self.target = None
            self.started, self.ended = threading.Event(), threading.Event()

    def __init__(self, target, args=(), kwargs=None, name=None, daemon=None):
        self.call = lambda: target(*args, **(kwargs or {}))
        self.place = None

    def start(self):
        self.place = Slotted.now.free.pop(0)
        self.place.target = self.call
        self.place.started.set()

    def join(self, timeout=None):
        self.place.ended.wait()


class Threading:
    """The module `threading` with slots for threads; frontrun itself needs the real ones."""

    Thread = Slot

    def __getattr__(self, name):
        return getattr(threading, name)


def state_maker(program):
    """(what makes the state of an execution, its workers)."""
    slots = SLOTS.get(program.name) or SLOTS.get(f"{program.name}/{program.order['subject']}")
    tree = ast.fix_missing_locations(AsGenerator().visit(ast.parse(program.driver_text)))
    names = {"pause": lambda: None, "note": lambda value: None}
    exec(compile(tree, program.driver_path, "exec"), names)
    if slots is None:
        count = len(Joined(program, names["run"]).functions)
        return lambda: Joined(program, names["run"]), [Joined.worker(number) for number in range(count)]
    # The pure form, for frontrun has no SimpleQueue and would hang in the real one.
    queue.SimpleQueue = queue._PySimpleQueue
    concurrent.futures.thread.threading = Threading()
    return lambda: Slotted(program, names["run"], slots), [Slotted.worker(number) for number in range(slots + 1)]


def under_frontrun(strategy, program):
    # As its command does, but without the library that listens to calls of the kernel.
    os.environ["FRONTRUN_ACTIVE"] = "1"
    import frontrun

    order = program.order
    # A failure that nobody looks for is no reason to begin again.
    dpor, random = {"stop_on_first": order["until_wrong"]}, {"max_attempts": 1_000_000, "max_ops": 300}
    limits = dpor if strategy == "dpor" else random
    # Nothing here reads or writes, and what was found need not be replayed: both only cost time.
    options = {"strategy": strategy, "detect_io": False, "reproduce_on_failure": 0, **limits}
    frontrun.explore(setup=Cell, workers=lambda cell: setattr(cell, "value", 1), count=2, invariant=lambda cell: True,
                     strategy=strategy, detect_io=False, **({"max_attempts": 3} if strategy == "random" else {}))
    make, workers = state_maker(program)
    budget = Budget(order)
    answer = {"wrong": None, "undecided": None, "exhausted": False}

    def setup():
        budget.next_run()
        return make()

    seed = order["seed"]
    try:
        while True:
            if strategy == "random":
                options["seed"] = seed
                seed += 1
            result = frontrun.explore(setup=setup, workers=workers, invariant=lambda state: program.is_right(state.outcome()),
                                      **options)
            if "max_ops=" in (result.inconclusive_reason or "") and options["max_ops"] < OPS_MAX:
                options["max_ops"] *= 4
                continue
            if result.property_holds is None:
                answer["undecided"] = result.inconclusive_reason or result.explanation
                break
            if result.property_holds is False and answer["wrong"] is None:
                answer["wrong"] = [first_line(result.explanation), budget.runs]
            if order["until_wrong"]:
                answer["exhausted"] = result.property_holds is True
                break
    except Spent:
        pass
    except Exception as error:
        # What a worker raises may come out as it is.
        if type(error).__module__ == "builtins":
            answer["wrong"] = answer["wrong"] or [f"{type(error).__name__}: {error}", budget.runs]
        else:
            answer["undecided"] = f"{type(error).__name__}: {error}"
    return {"runs": budget.runs, "cpu_s": budget.cpu_s(), **answer}


def first_line(text):
    return next(iter((text or "").strip().splitlines()), "")


# stress


def under_stress(program):
    sys.setswitchinterval(1e-6)
    died = []
    threading.excepthook = lambda death: died.append(f"{death.exc_type.__name__}: {death.exc_value}")

    def threads(*functions):
        cells = [Cell() for _ in functions]

        def work(cell, function):
            cell.value = function()

        running = [threading.Thread(target=work, args=pair, daemon=True) for pair in zip(cells, functions)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        return [cell.value for cell in cells]

    names = {"threads": threads, "pause": lambda: None, "note": lambda value: None}
    exec(compile(program.driver_text, program.driver_path, "exec"), names)
    budget = Budget(program.order)
    answer = {"wrong": None, "undecided": None, "exhausted": False}
    ended = threading.Event()

    def again_and_again():
        try:
            while answer["wrong"] is None:
                budget.next_run()
                outcome = names["run"](program.fresh())
                if died or not program.is_right(outcome):
                    answer["wrong"] = [died[0] if died else f"returned {outcome}", budget.runs]
        except Spent:
            pass
        ended.set()

    threading.Thread(target=again_and_again, daemon=True).start()
    seen = 0
    while not ended.wait(HANG_S):
        if budget.runs == seen:
            answer["wrong"] = ["hangs", budget.runs]
            break
        seen = budget.runs
    return {"runs": budget.runs, "cpu_s": budget.cpu_s(), **answer}


def main():
    contestant, order = sys.argv[1], json.loads(sys.argv[2])
    program = Program(order)
    answer = under_stress(program) if contestant == "stress" else under_frontrun(contestant, program)
    print(json.dumps(answer), flush=True)
    # Threads that hang are left behind.
    os._exit(0)


if __name__ == "__main__":
    main()
