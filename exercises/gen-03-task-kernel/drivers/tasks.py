"""Tasks that do what a plan says, and note what they see. Decides nothing.

A plan has a script for each name: its steps in order, and whether it catches what its requests raise. A script runs as a task
or as a subroutine. A note is a list: the name of the script, the number of the step, or None, and what was seen there. Tids stand in
the notes by name, as far as they are known when the kernel has run.
"""

import copy

UNKNOWN_TID = 10**6


class Trouble(Exception):
    """What tasks raise."""


class Tasks:
    def __init__(self, module, plan):
        self.module = module
        self.plan = plan
        self.tids = {}
        self.notes = []

    def script(self, name):
        """A generator that performs the steps of the script."""
        plan = self.plan[name]
        left = False
        self.notes.append([name, None, "begins"])
        try:
            for number, step in enumerate(plan["steps"]):
                if step[0] == "return":
                    return made(step[1])
                if step[0] == "raise":
                    raise Trouble(step[1])
                try:
                    answer = yield self.request(*step)
                except Exception as error:
                    self.notes.append([name, number, "raised", *self.described(error)])
                    if not plan["catches"]:
                        raise
                else:
                    if step[0] == "spawn":
                        self.tids[step[1]] = answer
                    self.notes.append([name, number, "gave", seen(answer)])
        except GeneratorExit:
            self.notes.append([name, None, "is closed"])
            if plan["last"] == "raise":
                raise Trouble("in the end") from None
            if plan["last"] == "yield":
                # Nobody can tell when a generator that does this is cleared away.
                left = True
                self.notes.append([name, None, "leaves"])
                yield None
            raise
        finally:
            if not left:
                self.notes.append([name, None, "leaves"])

    def request(self, kind, *arguments):
        if kind == "none":
            return None
        if kind == "call":
            return self.script(*arguments)
        if kind == "odd":
            return made(*arguments)
        if kind == "class":
            return getattr(self.module, *arguments)
        if kind == "spawn":
            return self.module.Spawn(self.script(*arguments))
        if kind in ("join", "kill", "send"):
            name, *rest = arguments
            arguments = [self.tids.get(name, UNKNOWN_TID), *map(made, rest)]
        return getattr(self.module, kind.capitalize())(*arguments)

    def described(self, error):
        """Its kind, what it is about, and why that failed."""
        if isinstance(error, self.module.TaskFailed):
            cause = error.__cause__
            return ["TaskFailed", error.tid, None if cause is None else self.described(cause)]
        if isinstance(error, Trouble):
            return ["Trouble", error.args[0], None]
        known = [kind.__name__ for kind in (LookupError, TypeError) if isinstance(error, kind)]
        return [*known, type(error).__name__][:1] + [None, None]

    def named(self, note):
        """The note with names for tids."""
        name, number, what, *details = note
        if what == "gave" and self.plan[name]["steps"][number][0] in ("self", "spawn"):
            return [name, number, what, self.name_of(*details)]
        return [name, number, *self.error_named([what, *details])] if what == "raised" else note

    def error_named(self, error):
        *what, kind, value, cause = error
        if kind != "TaskFailed":
            return error
        return [*what, kind, self.name_of(value), None if cause is None else self.error_named(cause)]

    def name_of(self, tid):
        return next((name for name, known in self.tids.items() if known == tid), None)


def made(value):
    """Exceptions cannot cross as values: a list stands for one."""
    return Trouble(value[1]) if type(value) is list and value[:1] == ["an exception"] else value


def seen(value):
    return ["an exception", value.args[0]] if isinstance(value, Trouble) else value


def run(module, plan, stages):
    """Spawns the tasks of each stage and lets the kernel run. The notes are copied before anything is cleared away."""
    tasks, kernel = Tasks(module, plan), module.Kernel()
    stuck = [copy.copy(kernel.stuck)]
    for names in stages:
        for name in names:
            tasks.tids[name] = kernel.spawn(tasks.script(name))
        kernel.run()
        stuck.append(copy.copy(kernel.stuck))
    return {"notes": [*map(tasks.named, tasks.notes)], "tids": dict(tasks.tids), "stuck": stuck}


def call_deeply(module, levels, value, fails):
    """Each level calls the next one and passes on what comes back, with one more level counted."""
    notes = []

    def level(number):
        if number < levels:
            result, depth = yield level(number + 1)
            return result, depth + 1
        yield None
        if fails:
            raise Trouble(value)
        return value, 1

    def task():
        try:
            notes.append([*(yield level(1))])
        except Exception as error:
            notes.append([type(error).__name__, *error.args])
        notes.append((yield module.Self()) == tid)

    kernel = module.Kernel()
    tid = kernel.spawn(task())
    kernel.run()
    return list(notes)


def call_often(module, numbers):
    """One subroutine after another, in one turn."""
    sums = []

    def add(left, right):
        return left + right
        yield

    def task():
        total = 0
        for number in numbers:
            total = yield add(total, number)
        sums.append(total)

    kernel = module.Kernel()
    kernel.spawn(task())
    kernel.run()
    return list(sums)
