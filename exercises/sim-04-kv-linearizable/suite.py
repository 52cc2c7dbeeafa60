"""Replicas that must look like one copy, in clusters whose every fault is known.

Clients put and get, each at replicas and times of the suite's choosing, and report when each call began and what came of it. Then one
order of all calls is looked for that a single copy could have followed. A put that nobody answered may have happened at any time after its
request, or never; so no case depends on what became of it. Every value is put once only, so that a get tells whose it is.

A replica that ends does the more harm the worse the moment. So it is ended at each step of a put's way, in turn, on a network where each
packet takes about as long as any other (HOP): where others try their luck, every step is met here. Cases that are about one
rule leave time between calls, so that what a put does in the background is done.

Answers have a bound of time in the statement, and only calls that no fault may delay are held to it. All times are virtual.
"""

import json

from practicum import at

PORT = 7000
# Seconds that a client waits for an answer, and within which the statement wants one.
PATIENCE = 20
PROMPTLY = 8
# Seconds that a packet takes at most, where steps are counted.
HOP = 0.1
EVEN = {"latency": (0.95 * HOP, HOP)}
# Packets since a put was sent, by which others are asked to keep it: it comes to the replica with the first, and is over with the sixth
# where connections stay, with the tenth where each question has one of its own.
STEPS = [3.5, 4.5, 6, 7.5]
# When clients begin. Replicas are up by then.
START = 0.5


class Register:
    """What one copy does; keys have nothing to do with each other."""

    initial = None

    def step(self, state, operation, arguments):
        return (arguments[1], None) if operation == "put" else (state, state)

    def key(self, operation, arguments):
        return arguments[0]


# The cases


def alone(exam):
    plan = Plan(exam).call(0, "a", "get", "x")
    for key in ("x", "y", "x", "z"):
        plan.call(0, "a", "put", key).call(0, "a", "get", key).call(0, "a", "get", "x")
    run = simulate(exam, "a", [plan], runs=2)
    run.every(answered)
    run.history.linearizable(Register)


def two_clients(exam):
    """They take turns. Later a third one puts where one replica does not hear of it, and then asks that one."""
    plans = [Plan(exam), Plan(exam), Plan(exam)]
    for turn in range(12):
        plans[turn % 2].call(1 + turn, exam.random.choice("abc"), "put" if turn % 3 == 0 else "get", "x")
    faults, time = [], 15
    for speaker, listener in exam.random.sample([(one, other) for one in "abc" for other in "abc" if one != other], 6):
        faults += [at(time).deafen(speaker, listener), at(time + 3).heal()]
        plans[2].call(time + 0.5, speaker, "put", "x").call(time + 1.5, listener, "get", "x")
        # What was not heard has been sent again by then.
        time += 10
    run = simulate(exam, "abc", plans, faults, until=120, runs=3)
    run.every(lambda once: answered(once, "c1", "c2"))
    run.history.linearizable(Register)


def pieces(exam):
    faults = [at(0).network(short_reads=0.6, retransmission=0.05)]
    plans = [Plan(exam, size=3000), Plan(exam, size=3000)]
    for plan, replica in zip(plans, exam.random.sample("abc", 2)):
        for _ in range(4):
            plan.call(0, replica, "put", replica).call(0, replica, "get", replica)
    run = simulate(exam, "abc", plans, faults, runs=3)
    run.every(answered)
    run.history.linearizable(Register)


def new_then_old(exam):
    dies_unheard(exam, runs=2)


def concurrent_writers(exam):
    """Two put at the same time, or one a little later, and when that is over, both get at the same time."""
    first, second, third = exam.random.sample("abc", 3)
    plans = [Plan(exam), Plan(exam), Plan(exam)]
    # Who puts later may know of the other's number, and a replica that counts all its puts is ahead from then on: ties come before that.
    turns = exam.random.sample([0, 0, 0.5], 3) + [1, 2, 3, 4]
    for turn, later in enumerate(turns):
        time, key = 2 + 4 * turn, f"x{turn}"
        plans[0].call(time, first, "put", key).call(time + 2, first, "get", key)
        plans[1].call(time + later * HOP, second, "put", key).call(time + 2, second, "get", key)
        plans[2].call(time + 3, third, "get", key)
    # So that connections are there when it begins.
    plans[0].warm(first)
    plans[1].warm(second)
    run = simulate(exam, "abc", plans, [at(0).network(**EVEN)], runs=3)
    run.every(answered)
    run.history.linearizable(Register)


def majority_goes_on(exam):
    """Of five replicas, one is killed, and another one hears nobody."""
    killed, cut, *rest = exam.random.sample("abcde", 5)

    def faults(random):
        return [at(random.uniform(0.2, 4)).kill(killed), at(random.uniform(0.2, 4)).partition(cut)]

    plans = [Plan(exam), Plan(exam)]
    for turn in range(3):
        for number, plan in enumerate(plans):
            key = f"{rest[number]}{turn}"
            plan.call(1 + 2 * turn, rest[number], "put", key).call(2 + 2 * turn, rest[number + 1], "get", key)
    run = simulate(exam, "abcde", plans, faults, runs=3)
    run.every(lambda once: answered(once, within=PROMPTLY))
    run.history.linearizable(Register)


def minority_is_silent(exam):
    """Two of five do not know what there is."""
    *lonely, one, other, _ = exam.random.sample("abcde", 5)
    before = Plan(exam).call(1, lonely[0], "put", "x").call(2, lonely[1], "get", "x")
    apart, together = Plan(exam), Plan(exam)
    for turn in range(2):
        apart.call(5, lonely[0], "get", "x").call(5, lonely[1], "put", "x")
        together.call(5 + turn, one, "get", "x").call(5 + turn, other, "get", "x")
    run = simulate(exam, "abcde", [before, apart, together], [at(4).partition(lonely)], until=90, runs=3)
    run.every(lambda once: answered(once, "c1"))
    run.every(lambda once: refused(once, "c2"))
    run.every(lambda once: answered(once, "c3", within=PROMPTLY))
    run.history.linearizable(Register)


def restart(exam):
    ends_and_goes_on(exam, lambda fault, name: fault.kill(name), runs=2)


def power_loss(exam):
    ends_and_goes_on(exam, lambda fault, name: fault.lose_power(name), runs=2)


def clocks(exam):
    hours = 3600 * exam.random.randint(2, 9)
    ahead, behind, right = exam.random.sample("abc", 3)
    plan, time = Plan(exam), 1
    for order in ([ahead, behind, right], *(exam.random.sample("abc", 3) for _ in range(2))):
        for number, name in enumerate(order):
            plan.call(time, name, "put", "x").call(time + 1, order[number - 1], "get", "x")
            time += 2

    def faults(random):
        return [at(random.uniform(7, 15)).skew(name, random.choice([-1, 1]) * hours) for name in "abc"]

    run = simulate(exam, "abc", [plan], faults, clocks={ahead: (hours, 0), behind: (-hours, 0)}, runs=3)
    run.every(answered)
    run.history.linearizable(Register)


def anything(exam):
    plans = [Plan(exam, spread=0.05) for _ in "abc"]
    for time in range(1, 19, 3):
        # All three put at the same moment, and then they look.
        for later, operation in ((0, "put"), (0.5, "get")):
            for plan, name in zip(plans, exam.random.sample("abc", 3)):
                plan.call(time + later, name, operation, "x")
    last = Plan(exam)
    for name in "abc":
        last.call(24, name, "get", "x")
    run = simulate(exam, "abc", [*plans, last], storm, clocks={"a": (3600, 0), "b": (-3600, 0)}, until=160, runs=10)
    run.every(lambda once: answered(once, "c4", within=PROMPTLY))
    run.history.linearizable(Register)
    dies_unheard(exam, runs=1)
    ends_and_goes_on(exam, lambda fault, name: fault.lose_power(name), runs=1)


# What happens


def dies_unheard(exam, runs):
    """A replica loses power while it carries out a put, when nobody else has heard of it yet, or one has. After it has come back, somebody
    may see the value there; then whoever has it is cut off, and somebody asks the others."""
    first, second, third = exam.random.sample("abc", 3)
    writer, reader, faults, time = Plan(exam, patience=3), Plan(exam), [at(0).network(**EVEN)], 3
    for number, step in enumerate(STEPS):
        for heard in (False, True):
            key, moment = f"x{number}{'h' if heard else 'u'}", time + step * HOP
            witness, asked = (second, first) if heard else (first, second)
            faults += [at(time - 0.1).deafen(first, third)] if heard else [at(moment).partition(first)]
            # What a killed program has sent goes on its way when the network heals, so only power will do.
            faults += [at(moment + 0.01).lose_power(first), at(time + 2).heal(), at(time + 2).restart(first)]
            faults += [at(time + 6).partition(witness), at(time + 8).heal()]
            writer.warm(first, time - 1).call(time, first, "put", key)
            if not heard:
                reader.call(time + 1, second, "get", key)
            reader.call(time + 4, witness, "get", key).call(time + 6.5, asked, "get", key)
            time += 12
    run = simulate(exam, "abc", [writer, reader], faults, until=time + 60, runs=runs)
    run.history.linearizable(Register)


def ends_and_goes_on(exam, end, runs):
    """A replica ends while it carries out a put, which one other may have heard of. It comes back, cannot reach that one, and takes
    another put. In the end all of them end at once, and come back."""
    first, second, third = exam.random.sample("abc", 3)
    writer, reader, last = Plan(exam, patience=3), Plan(exam), Plan(exam)
    faults, time, keys = [at(0).network(**EVEN)], 3, [f"x{number}" for number in range(len(STEPS))]
    for key, step in zip(keys, STEPS):
        faults += [at(time - 0.1).deafen(first, third), end(at(time + step * HOP), first)]
        faults += [at(time + 2).heal(), at(time + 2).restart(first), at(time + 2.1).partition(second), at(time + 11).heal()]
        writer.warm(first, time - 1).call(time, first, "put", key).call(time + 4, first, "put", key)
        for later, name in ((5.5, third), (12.5, first), (13, second), (13.5, third)):
            reader.call(time + later, name, "get", key)
        time += 16
    faults += [end(at(time), name) for name in "abc"] + [at(time + 1).restart(name) for name in "abc"]
    for name in "abc":
        last.call(time + 2, name, "get", exam.random.choice(keys)).call(time + 2, name, "get", keys[-1])
    run = simulate(exam, "abc", [writer, reader, last], faults, until=time + 60, runs=runs)
    run.every(lambda once: answered(once, "c3", within=PROMPTLY))
    run.history.linearizable(Register)


def storm(random):
    """Whatever may befall one replica at a time, for 20 seconds; then all of them at once, and peace."""
    drawn, time = [at(0).network(exponential=(0.001, 0.02), short_reads=0.2, retransmission=0.02)], 1.5
    while time < 18:
        name, length = random.choice("abc"), random.uniform(0.2, 2)
        others = "abc".replace(name, "")
        drawn += random.choice(
            [
                (at(time).kill(name), at(time + length).restart(name)),
                (at(time).lose_power(name), at(time + length).restart(name)),
                (at(time).pause(name), at(time + length).resume(name)),
                (at(time).partition(name), at(time + length).heal()),
                (at(time).deafen(name, random.choice(others)), at(time + length).heal()),
                (at(time).skew(name, random.uniform(-100, 100)),),
            ]
        )
        time += length + random.uniform(0.3, 1)
    drawn += [at(21).lose_power(name) for name in "abc"] + [at(22).restart(name) for name in "abc"]
    return [*drawn, at(22).network()]


# What is asked of every answer


def answered(once, *clients, within=PATIENCE):
    """Each call of these clients, or of all, was carried out by then."""
    for words, who, call in calls(once):
        if who in clients or not clients:
            assert call["kind"] != "nothing", f"{words}: no answer within {PATIENCE} s, although a majority could be had"
            assert call["kind"] == "done", f"{words}: the answer was {call['text']}, although a majority could be had"
            assert call["seconds"] <= within, f"{words}: the answer came after {call['seconds']:.1f} s; it must come within {within} s"


def refused(once, client):
    """Each call of that client was answered by an error, and promptly."""
    for words, who, call in calls(once):
        if who == client:
            words += ", which reached no majority"
            assert call["kind"] != "done", f"{words}: the answer was {call['text']}; nobody there can know that"
            assert call["kind"] == "error", f"{words}: no answer within {PATIENCE} s; an error must come within {PROMPTLY} s"
            assert call["seconds"] <= PROMPTLY, f"{words}: the error came after {call['seconds']:.1f} s; it must come within {PROMPTLY} s"


def calls(once):
    """(in words, client, what the client noted of it) of each call that came to its end."""
    for time, who, call in once.notes("answer"):
        yield f"{call['operation']} by {who} at {time - call['seconds']:.3f} s at replica {call['replica']}", who, call


# Who takes part


class Plan:
    """What one client does: see drivers/client.py."""

    def __init__(self, exam, patience=PATIENCE, spread=0, size=0):
        self._random = exam.random
        self._settings = {"patience": patience, "spread": spread}
        self._size = size
        self._calls = []

    def call(self, time, replica, operation, key):
        """From then on, when the call before is over."""
        value = [self._value()] if operation == "put" else []
        self._calls.append([max(0, time - START), replica, operation, key, *value])
        return self

    def warm(self, replica, time=START):
        """Puts something else before, so that the connections that will be needed are there."""
        self.call(time, replica, "put", f"warm-{replica}")
        self._calls.sort(key=lambda call: call[0])
        return self

    def _value(self):
        return f"v{self._random.getrandbits(24):06x}" + " " * self._size

    def words(self):
        return {**self._settings, "calls": self._calls}


def simulate(exam, names, plans, faults=(), until=60, **settings):
    """Clients `c1`, `c2` and so on carry out `plans` at replicas of these names."""
    replicas = [f"{name}:{PORT}" for name in names]
    nodes = {name: ["node.py", name, f"{name}:{PORT}", *(f"{peer}={peer}:{PORT}" for peer in names if peer != name)] for name in names}
    clients = {f"c{number}": ["drivers/client.py", *replicas, json.dumps(plan.words())] for number, plan in enumerate(plans, 1)}
    return exam.simulate(nodes, clients, faults, until=until, starts=dict.fromkeys(clients, START), **settings)
