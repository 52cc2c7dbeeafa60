"""Tasks by plan.

Most cases make a plan: scripts for tasks and subroutines, as data. A driver turns the scripts into generators, hands them to the
student's kernel and returns the notes that they took: who began, what each request gave or raised, who left. The rules leave
nothing open, so `Model` below can say, without any generator, which notes a plan must lead to, and in which order.

Only the cases about the order compare all notes as one trace. The others compare what each task saw by itself, so that a kernel
with another order still gets the points for what it does right. Names, values and numbers of steps are the seed's.
"""

from collections import deque
from itertools import groupby, zip_longest
from string import ascii_lowercase

from practicum import Failure, evidence

DRIVER = "drivers/tasks.py"
LEVELS = 5000
LONG_SLEEP = 10**12
UNKNOWN_TID = 10**6
# So many that hardly any mistake escapes all of them.
PLANS = 80


def round_robin(exam):
    turns, tids = exam.random.sample(range(2, 6), 3), []
    for shuffled in (turns, turns[::-1]):
        first, second, third, child, grandchild = names(exam, 5)
        plan = {
            first: steps(*[NONE] * shuffled[0]),
            second: steps(NONE, ["spawn", child], *[NONE] * shuffled[1]),
            third: steps(["self"], *[NONE] * shuffled[2]),
            child: steps(["self"], NONE, ["spawn", grandchild], NONE),
            grandchild: steps(NONE, ["self"]),
        }
        model, seen = observe(exam, plan, [[first, second, third]])
        compare_traces(model, seen)
        tids.append((model.tids, seen.get("tids")))
    for want, got in tids:
        exam.equal(got, want, "the tid of each task, by its name; each kernel counts its own tasks from 1")


def spawn_join_value(exam):
    parent, other, late, quick, slow, empty = names(exam, 6)
    number, pair = exam.random.randrange(10**6), [exam.random.randrange(100), [None]]
    trouble = ["an exception", f"no. {number}"]
    plan = {
        parent: steps(["spawn", quick], ["spawn", slow], ["join", slow], ["join", quick], ["join", slow], ["return", pair]),
        other: steps(NONE, NONE, ["spawn", empty], ["join", slow], ["join", empty], ["join", parent]),
        late: steps(["join", other], ["join", quick], ["join", empty], ["join", parent], ["join", slow]),
        quick: steps(["return", number]),
        slow: steps(*[NONE] * exam.random.randint(3, 6), ["return", trouble]),
        empty: steps(NONE),
    }
    follow(exam, plan, [[parent, other, late]])


def failure_contained(exam):
    main, early, later, heir, bystander = names(exam, 5)
    texts = [f"trouble {number}" for number in exam.random.sample(range(1000), 2)]
    plan = {
        main: steps(["join", early], ["join", later], ["join", heir], ["join", bystander], ["join", early]),
        early: steps(["raise", texts[0]]),
        later: steps(*[NONE] * exam.random.randint(2, 4), ["raise", texts[1]]),
        heir: steps(["join", later], ["return", 1], catches=False),
        bystander: steps(*[NONE] * exam.random.randint(5, 8), ["return", exam.random.randrange(1000)]),
    }
    with exam.during("tasks that fail, and tasks that join them"):
        follow(exam, plan, [exam.random.sample([main, early, later, heir, bystander], 5)])

    odd, careless, main = names(exam, 3)
    plan = {
        odd: steps(["odd", exam.random.randrange(1000)], NONE, ["class", "Receive"], ["join", UNKNOWN_TID], NONE, ["return", 2]),
        careless: steps(NONE, ["odd", ["an exception", texts[0]]], NONE, catches=False),
        main: steps(["join", odd], ["join", careless]),
    }
    with exam.during("tasks that yield what is no request, and Join a tid that no task ever had"):
        follow(exam, plan, [[odd, careless, main]])


def kill(exam):
    killer, heir, receiver, sleeper, joiner, ready, friend = tasks = names(exam, 7)
    victims = exam.random.sample([receiver, sleeper, joiner, ready], 4)
    plan = {
        killer: steps(NONE, NONE, *[["kill", victim] for victim in victims], ["send", receiver, 1], ["send", friend, 2]),
        heir: steps(["join", receiver], ["join", ready], ["join", sleeper], ["join", joiner]),
        receiver: steps(["receive"], NONE),
        sleeper: steps(["sleep", 20], NONE),
        joiner: steps(["join", friend], NONE),
        ready: steps(*[NONE] * 20),
        friend: steps(["receive"], *[NONE] * 20),
    }
    with exam.during("a task that kills one that waits in Receive, one that sleeps, one that waits in Join, and one that is ready"):
        model, seen = follow(exam, plan, [exam.random.sample(tasks, 7)])
        ends_and_answers = lambda note: note[0] == killer or note[0] in victims and note[2] == "leaves"
        compare_traces(model, seen, "the trace of the killer and the ends of its victims", ends_and_answers)

    killer, heir, fresh, caller, middle, inner = names(exam, 6)
    plan = {
        killer: steps(["kill", fresh], *[NONE] * exam.random.randint(6, 9), ["kill", caller], NONE, NONE),
        heir: steps(NONE, ["join", caller], ["join", fresh]),
        fresh: steps(NONE, NONE),
        caller: steps(["call", middle], NONE),
        middle: steps(["call", inner], NONE, last=exam.random.choice(["yield", "raise"])),
        inner: steps(NONE, ["receive"], NONE, last="raise"),
    }
    with exam.during("the kill of a task that was never resumed, and of one whose subroutines raise an exception or yield in the end"):
        follow(exam, plan, [[killer, *exam.random.sample([heir, fresh, caller], 3)]])


def kill_self_dead(exam):
    weary, heir, ended, killed, main, inner = names(exam, 6)
    plan = {
        weary: steps(NONE, ["call", inner], NONE, ["return", 1]),
        inner: steps(NONE, ["kill", weary], NONE),
        heir: steps(["join", weary], NONE, ["join", weary]),
        ended: steps(["return", exam.random.randrange(1000)]),
        killed: steps(["send", main, 1], ["receive"]),
        main: steps(
            ["receive"], ["join", ended], ["kill", ended], ["kill", killed], ["kill", killed],
            ["join", weary], ["kill", weary], ["join", ended], ["join", killed], ["kill", UNKNOWN_TID], NONE,
        ),
    }  # fmt: skip
    follow(exam, plan, [exam.random.sample([weary, heir, ended, killed, main], 5)])


def sleep_order(exam):
    sleepers = names(exam, 6)
    ticker = sleepers.pop()
    ticks = exam.random.sample(range(2, 9), 4)
    plan = {name: steps(["sleep", number], NONE) for name, number in zip(sleepers, [*ticks, ticks[0]])}
    plan[ticker] = steps(*[NONE] * 4, ["sleep", 0], *[NONE] * 4)
    with exam.during("sleepers beside a task that has its turns"):
        compare_traces(*observe(exam, plan, [[*sleepers, ticker]]))

    first, second, third, fourth = names(exam, 4)
    same = exam.random.randint(5, 9)
    plan = {
        first: steps(NONE, ["sleep", same - 1], NONE, ["sleep", 1], NONE),
        second: steps(["sleep", same + 2], NONE, ["sleep", 0], NONE),
        third: steps(["sleep", same + 1], ["sleep", LONG_SLEEP + same], NONE),
        fourth: steps(["sleep", 1], ["sleep", LONG_SLEEP], ["sleep", same]),
    }
    with exam.during("sleepers alone, some of them until the same turn, some for very long"):
        compare_traces(*observe(exam, plan, [[first, second, third, fourth]]))


def mailbox(exam):
    sender, also, reader, waiting, inner = names(exam, 5)
    values = [None, False, 0, "", ["an exception", "trouble"], *exam.random.sample(range(1, 1000), 3)]
    exam.random.shuffle(values)
    plan = {
        sender: steps(*[["send", reader, value] for value in values], NONE, NONE, *[["send", waiting, value] for value in values[:3]]),
        reader: steps(*[NONE] * exam.random.randint(2, 5), *[["receive"]] * 3, ["call", inner], *[["receive"]] * (len(values) - 4)),
        also: steps(*[NONE] * (len(values) + 2), ["send", waiting, values[4]]),
        waiting: steps(*[["receive"]] * 4),
        inner: steps(["receive"]),
    }
    with exam.during("messages to one that reads late and to one that waits"):
        follow(exam, plan, [[sender, also, waiting, reader]])

    alone, early, gone, main = names(exam, 4)
    plan = {
        alone: steps(["send", alone, values[0]], ["send", alone, values[1]], ["receive"], ["receive"]),
        early: steps(*[NONE] * 12, ["receive"], ["receive"]),
        gone: steps(NONE),
        main: steps(["send", early, values[2]], ["join", gone], ["send", gone, 1], ["send", UNKNOWN_TID, 2], ["send", early, values[3]]),
    }
    with exam.during("messages to oneself, to a task that has ended and to a tid that no task ever had"):
        follow(exam, plan, [[gone, early, alone, main]])


def subroutine(exam):
    outer, middle, inner, idle, beside = names(exam, 5)
    first, second = exam.random.sample(range(1000), 2)
    plan = {
        outer: steps(["call", middle], ["call", inner], ["self"], ["call", idle], NONE),
        middle: steps(["call", inner], ["self"], ["call", idle], NONE, ["call", idle], ["return", ["an exception", f"no. {first}"]]),
        inner: steps(["self"], NONE, ["return", second]),
        idle: steps(["return", [first, second]]),
    }
    follow(exam, plan, [[outer]])
    plan[outer] = steps(["call", middle], ["call", idle], *[NONE] * exam.random.randint(1, 2), ["call", inner], NONE)
    plan[middle] = steps(["call", idle], ["call", inner], NONE, ["call", inner])
    plan |= {inner: steps(NONE), beside: steps(*[NONE] * 9)}
    with exam.during("subroutines beside a task that has its turns"):
        compare_traces(*observe(exam, plan, [[outer, beside]]))

    levels, value = LEVELS + exam.random.randrange(100), exam.random.randrange(10**6)
    with exam.during(f"a value that is returned through {levels} subroutines, each called by the one before"):
        seen = exam.drive(f"{DRIVER}:call_deeply", "kernel.py", levels=levels, value=value, fails=False)
        exam.equal(seen, [[value, levels], True], "what came back, with the count of levels, and whether Self() then gave the task's tid")
    numbers = exam.random.choices(range(1000), k=LEVELS)
    with exam.during(f"{LEVELS} calls, one after another, of a subroutine that returns at once the sum of its arguments"):
        exam.equal(exam.drive(f"{DRIVER}:call_often", "kernel.py", numbers=numbers), [sum(numbers)], "the sum of all")


def subroutine_error(exam):
    task, middle, inner, quick, beside, loose = names(exam, 6)
    first, second = (f"trouble {number}" for number in exam.random.sample(range(1000), 2))
    plan = {
        task: steps(["call", middle], NONE, ["call", quick], ["call", loose], NONE, ["return", 1]),
        middle: steps(NONE, ["call", inner], ["call", quick], NONE, ["call", loose], ["raise", second]),
        loose: steps(["call", inner], ["return", 2], catches=False),
        inner: steps(*[NONE] * exam.random.randint(1, 3), ["join", UNKNOWN_TID], ["return", 3], catches=False),
        quick: steps(["raise", first]),
        beside: steps(["join", task], NONE),
    }
    follow(exam, plan, [[beside, task]])
    levels = LEVELS + exam.random.randrange(100)
    with exam.during(f"an exception that is raised {levels} subroutines deep and caught in the outermost generator"):
        seen = exam.drive(f"{DRIVER}:call_deeply", "kernel.py", levels=levels, value=first, fails=True)
        exam.equal(seen, [["Trouble", first], True], "what it caught, and whether Self() then gave the task's tid")


def stuck(exam):
    reader, waits, one, other, narcissus, gone, dead, killer = tasks = names(exam, 8)
    saviour, late = names(exam, 2, without=tasks)
    plan = {
        reader: steps(["receive"], ["receive"]),
        waits: steps(["join", reader]),
        one: steps(NONE, ["join", other]),
        other: steps(NONE, ["join", one]),
        narcissus: steps(NONE, ["join", narcissus]),
        gone: steps(*[NONE] * exam.random.randint(5, 9)),
        dead: steps(["receive"]),
        killer: steps(NONE, ["kill", dead], ["join", gone]),
        saviour: steps(["send", reader, 1], ["send", reader, 2], ["send", narcissus, 3]),
        late: steps(NONE, ["return", 4]),
    }
    start = exam.random.sample(tasks, 8)
    model, seen = follow(exam, plan, [[], [late], start, [saviour]], but=dead)
    said = [
        "before run()",
        "after run() without a task",
        f"after run() with {late}, which ends,",
        f"after run() with {', '.join(start)}, which have the tids 2 to 9,",
        f"after run() with {saviour}, too,",
    ]
    for words, got, want in zip_longest(said, seen["stuck"], model.stuck):
        if type(got) is not list or got != want:
            refuse(model, f"stuck {words} is {got!r:.200}, expected {want!r}", "stuck", got, want)


def all_together(exam):
    for _ in range(PLANS):
        plan, start = anything(exam)
        compare_traces(*observe(exam, plan, [start]))


# Plans

NONE = ["none"]


def steps(*steps, catches=True, last=""):
    """A script. `last`: what it does when it is closed, other than to leave."""
    return {"steps": list(steps), "catches": catches, "last": last}


def names(exam, number, without=()):
    return exam.random.sample(sorted({*ascii_lowercase} - {*without}), number)


def anything(exam):
    """A plan of all kinds of steps, in which tasks spawn, join, kill and write to each other as it happens."""
    chosen = names(exam, 14)
    tasks, routines = chosen[:12], chosen[12:]
    readers, parents, children = tasks[:3], tasks[:8], tasks[8:]
    targets = {"join": tasks, "kill": tasks, "send": readers, "call": routines}
    kinds = "none none self join sleep sleep send send send call".split()
    kinds += exam.random.choices(["join", "kill", "send", "receive"], k=3)
    number = lambda: exam.random.randint(1, 99)

    def step(name):
        kind = exam.random.choice(kinds if name in tasks else kinds[:9])
        kind = "receive" if name in readers and exam.random.random() < 0.3 else kind
        if kind == "sleep":
            return [kind, exam.random.randrange(7)]
        target = [exam.random.choice(targets[kind])] if kind in targets else []
        target = [name] if kind == "kill" and exam.random.random() < 0.2 else target
        return [kind, *target, number()] if kind == "send" else [kind, *target]

    plan = {name: steps(*(step(name) for _ in range(exam.random.randint(5, 12)))) for name in tasks}
    plan |= {name: steps(*(step(name) for _ in range(2)), catches=False) for name in routines}
    for name in chosen:
        plan[name]["steps"].append([exam.random.choice(["return", "return", "raise"]), number()])
    for child in children:
        plan[exam.random.choice(parents)]["steps"].insert(exam.random.randrange(4), ["spawn", child])
    return plan, parents


def observe(exam, plan, stages):
    """The model after the plan, and what was seen with the student's kernel."""
    seen = exam.drive(f"{DRIVER}:run", "kernel.py", plan=plan, stages=stages)
    if type(seen) is not dict or not all(type(seen.get(key)) is list for key in ("notes", "stuck")):
        raise Failure("the notes of the tasks are malformed")
    return Model(plan, stages), seen


def follow(exam, plan, stages, but=None):
    """Each task by itself, but one, must see what the model says."""
    model, seen = observe(exam, plan, stages)
    for name in plan:
        if name != but:
            compare_traces(model, seen, f"the trace of {name} alone", lambda note: note[0] == name)
    return model, seen


def compare_traces(model, seen, what="the trace", chosen=lambda note: True):
    """The first line that differs is in the message, all lines are beside it."""
    want = [model.line(note) for note in model.notes if chosen(note)]
    got = [model.line(note) for note in seen["notes"] if not model.is_note(note) or chosen(note)]
    if got == want:
        return
    index = next((index for index, (left, right) in enumerate(zip(got, want)) if left != right), min(len(got), len(want)))
    is_line = repr(got[index]) if index < len(got) else "missing"
    must_be = repr(want[index]) if index < len(want) else "no further line"
    after = f" after {want[index - 1]!r}" if index else ""
    refuse(model, f"line {index + 1} of {what} is {is_line}, expected {must_be}{after}", what, got, want)


def refuse(model, words, what, got, want):
    raise Failure(f"{words}. The tasks: {model.told()}", [evidence.of_values(what, got, want)])


# The semantics


class Life:
    """A task of the model."""

    def __init__(self, tid, name):
        self.tid = tid
        # Scripts, each called by the one before, with the number of the step it is at.
        self.frames = [[name, -1]]
        # As the notes say it: how the request was answered.
        self.answer = None
        self.mailbox = deque()
        self.receives = False
        self.joiners = []
        # The answer to those who join it.
        self.outcome = None


class Model:
    """What a plan leads to: `notes`, `tids`, and `stuck` before the first stage and after each."""

    def __init__(self, plan, stages):
        self.plan = plan
        self.stages = stages
        self.notes = []
        self.tids = {}
        self.lives = []
        self.queue = deque()
        self.sleepers = []
        self.turn = 0
        self.stuck = [[]]
        for names in stages:
            for name in names:
                self.tids[name] = self.spawn(name)
            self.run()
            self.stuck.append([life.tid for life in self.lives if not life.outcome])
        self.notes = [self.named(note) for note in self.notes]

    def spawn(self, name):
        self.lives.append(Life(len(self.lives) + 1, name))
        self.queue.append(self.lives[-1])
        return len(self.lives)

    def run(self):
        while self.queue or self.sleepers:
            if self.queue:
                self.turn += 1
                self.take_turn(self.queue.popleft())
            else:
                self.turn = min(due for due, _ in self.sleepers)
            self.queue.extend(life for due, life in self.sleepers if due == self.turn)
            self.sleepers = [(due, life) for due, life in self.sleepers if due > self.turn]

    def take_turn(self, life):
        """From the answer of its last request to its next request."""
        answer = life.answer
        while life.frames:
            name, at = frame = life.frames[-1]
            script = self.plan[name]
            self.note(name, None, "begins") if at < 0 else self.note(name, at, *answer)
            if at >= 0 and answer[0] == "gave" and script["steps"][at][0] == "spawn":
                self.tids[script["steps"][at][1]] = answer[1]
            frame[1] += 1
            kind, *arguments = [*script["steps"], ["return", None]][frame[1]]
            if at >= 0 and answer[0] == "raised" and not script["catches"]:
                self.leave(life)
            elif kind == "return":
                self.leave(life)
                answer = ["gave", *arguments]
            elif kind == "raise":
                self.leave(life)
                answer = ["raised", "Trouble", *arguments, None]
            elif kind == "call":
                life.frames.append([*arguments, -1])
            else:
                return self.perform(life, kind, *arguments)
        self.end(life, answer if answer[0] == "gave" else ["raised", "TaskFailed", life.tid, answer[1:]])

    def perform(self, life, kind, *arguments):
        """Answers the request, or lets the task wait."""
        life.answer = ["gave", None]
        target = None
        if kind in ("join", "kill", "send"):
            tid = self.tids.get(arguments[0])
            if tid is None:
                kind = "unknown"
            else:
                target = self.lives[tid - 1]
        if kind == "self":
            life.answer = ["gave", life.tid]
        elif kind == "spawn":
            life.answer = ["gave", self.spawn(*arguments)]
        elif kind in ("odd", "class", "unknown"):
            life.answer = ["raised", "LookupError" if kind == "unknown" else "TypeError", None, None]
        elif kind in ("kill", "send"):
            life.answer = ["gave", not target.outcome]
            if not target.outcome:
                self.kill(target) if kind == "kill" else self.deliver(target, arguments[1])
        elif kind == "join" and target.outcome:
            life.answer = target.outcome
        elif kind == "join":
            target.joiners.append(life)
            return
        elif kind == "receive" and life.mailbox:
            life.answer = ["gave", life.mailbox.popleft()]
        elif kind == "receive":
            life.receives = True
            return
        elif kind == "sleep" and arguments[0]:
            self.sleepers.append((self.turn + arguments[0], life))
            return
        if not life.outcome:
            self.queue.append(life)

    def deliver(self, life, value):
        if life.receives:
            life.receives = False
            life.answer = ["gave", value]
            self.queue.append(life)
        else:
            life.mailbox.append(value)

    def kill(self, life):
        while life.frames:
            name, at = life.frames[-1]
            if at >= 0:
                self.note(name, None, "is closed")
                self.leave(life)
            else:
                life.frames.pop()
        if life in self.queue:
            self.queue.remove(life)
        self.sleepers = [(due, sleeper) for due, sleeper in self.sleepers if sleeper is not life]
        for other in self.lives:
            if life in other.joiners:
                other.joiners.remove(life)
        self.end(life, ["raised", "TaskFailed", life.tid, None])

    def end(self, life, outcome):
        life.outcome = outcome
        for joiner in life.joiners:
            joiner.answer = outcome
            self.queue.append(joiner)

    def leave(self, life):
        name, _ = life.frames.pop()
        self.note(name, None, "leaves")

    # Notes

    def note(self, *note):
        self.notes.append([*note])

    def named(self, note):
        """The note with names for tids, as far as they got known."""
        name, number, what, *details = note
        if what == "gave" and self.plan[name]["steps"][number][0] in ("self", "spawn"):
            return [name, number, what, self.name_of(*details)]
        return [name, number, what, *self.error_named(details)] if what == "raised" else note

    def error_named(self, error):
        kind, value, cause = error
        return [kind, self.name_of(value), cause and self.error_named(cause)] if kind == "TaskFailed" else error

    def name_of(self, tid):
        return next((name for name, known in self.tids.items() if known == tid), None)

    def is_note(self, note):
        """What the driver notes has this form; what a program forged may have any."""
        if type(note) is not list or len(note) < 3 or type(note[0]) is not str or note[0] not in self.plan:
            return False
        name, number, what, *details = note
        if number is None:
            return what in ("begins", "is closed", "leaves") and not details
        fine = type(number) is int and 0 <= number < len(self.plan[name]["steps"])
        return fine and (what, len(details)) in (("gave", 1), ("raised", 3))

    # Words

    def line(self, note):
        """A note as students read it."""
        if not self.is_note(note):
            return f"{note!r:.200}"
        name, number, what, *details = note
        if number is None:
            return f"{name} {what}"
        step = self.plan[name]["steps"][number]
        if what == "raised":
            said = error_words(details)
        elif step[0] in ("self", "spawn") and type(details[0]) is str:
            said = f"the tid of {details[0]}"
        else:
            said = shown(details[0])
        return f"{name}: {code(step)} {what} {said}"[:200]

    def told(self):
        """Plan and stages in one line."""
        scripts = (f"{name}: {'; '.join(counted(map(code, script['steps'])))}" for name, script in self.plan.items())
        started = ", then run() and ".join(f"spawned {', '.join(names)}" for names in self.stages if names)
        return f"{' | '.join(scripts)} | {started}."


def error_words(error):
    kind, value, cause = error
    if kind != "TaskFailed":
        return f"{kind}" if value is None else f"{kind}({value!r})"
    because = error_words(cause) if type(cause) is list and len(cause) == 3 else repr(cause)
    return f"TaskFailed with the tid of {value} and the cause {because}"


def counted(steps):
    """Equal steps in a row together."""
    for step, same in groupby(steps):
        times = len([*same])
        yield step if times == 1 else f"{times} times {step}"


def code(step):
    """A step as it would stand in a task."""
    kind, *arguments = step
    if kind in ("return", "raise"):
        return f"{kind} {shown(*arguments)}" if kind == "return" else f"raise Trouble({arguments[0]!r})"
    if kind in ("none", "odd"):
        return f"yield {shown(*arguments) if arguments else None}"
    if kind in ("call", "class"):
        return f"yield {arguments[0]}()" if kind == "call" else f"yield {arguments[0]}"
    if kind == "spawn":
        return f"yield Spawn({arguments[0]}())"
    if kind in ("join", "kill", "send"):
        name, *values = arguments
        return f"yield {kind.capitalize()}({', '.join([str(name), *map(shown, values)])})"
    return f"yield {kind.capitalize()}({', '.join(map(shown, arguments))})"


def shown(value):
    return f"Trouble({value[1]!r})" if type(value) is list and value[:1] == ["an exception"] and len(value) == 2 else repr(value)
