"""Nodes that must keep one log, in clusters that are run again and again with other luck.

Clients append, each entry with a text of its own, and note what they asked for, each answer, and all that they read. So what a log must
be can be looked for in the notes: one number, one entry, for everybody and for ever (`one_log`), and nothing that was acknowledged is
missing where it must be (`nothing_lost`). These hold in every run, whatever is done to the nodes. An append that was answered by an error
may be in the log or not, so nothing depends on it; most clients insist, as real ones do, and the end shows whether that made two of one.

When all that is done to the nodes is over, a last client reads at each of them. All times are virtual.
"""

import json

from practicum import at

PORT = 7000
LEADER = "a"
# Runs of each case. What a case is about happens in every one of them; chance only varies it. `anything` lives by chance.
RUNS = 4
RUNS_OF_ANYTHING = 8
# Seconds that a client waits for an answer, within which the statement wants one, and within which it wants nodes to catch up; and what
# the last client has for reading at all nodes.
PATIENCE = 20
PROMPTLY = 8
CATCH_UP = 15
TO_READ = 12
SLOW = {"latency": (0.001, 0.1)}


# The cases


def alone(exam):
    plan = Plan(exam)
    for _ in range(6):
        plan.step("append", LEADER, odd_text(exam.random)).step("read", LEADER)
    run = simulate(exam, "a", [plan], runs=2)
    run.every(answered)


def same_order(exam):
    """Three clients at a time, who also ask followers, which must refuse."""
    plans = [Plan(exam, pause=0.05) for _ in range(3)]
    for follower, plan in zip("bcb", plans):
        plan.insist(4).step("append", follower, text(exam.random, "for a follower")).insist(4).step("read", LEADER)
    run = simulate(exam, "abc", plans, [at(0).network(**SLOW)], calm=5)
    run.every(refused_by_followers)
    run.every(answered)


def pieces(exam):
    faults = [at(0).network(short_reads=0.6, retransmission=0.05)]
    run = simulate(exam, "abc", [Plan(exam, size=6000).insist(6).step("read", LEADER) for _ in range(2)], faults, calm=5, until=80)
    run.every(answered)


def majority(exam):
    """The leader and as many followers as are too few; the others are down, or out of reach. Then all is well again."""
    for names in ("abc", "abcde"):
        few = LEADER + "".join(exam.random.sample(names[1:], len(names) // 2 - 1))
        others = "".join(name for name in names if name not in few)
        before, during = Plan(exam).insist(2), Plan(exam, start=5)
        for _ in range(2):
            during.step("append", LEADER, text(exam.random)).step("again", LEADER)
        during.until(42).step("again", LEADER).insist(2)
        apart = [at(4).partition(few, others), at(40).heal()]
        down = [*(at(4).kill(name) for name in others), *(at(40).restart(name) for name in others)]
        for faults in (apart, down):
            run = simulate(exam, names, [before, during], faults, calm=45, runs=RUNS // 2)
            run.every(lambda once: not_acknowledged(once, "c2", 5, 31))


def goes_on(exam):
    """Of five nodes, one is killed, and another one hears nobody."""
    killed, cut, *rest = exam.random.sample("bcde", 4)
    plans = [Plan(exam).insist(6) for _ in range(2)]
    faults = [at(0.2).kill(killed), at(0.3).partition([LEADER, *rest], cut)]
    run = simulate(exam, "abcde", plans, faults, final=[LEADER, *rest], calm=10)
    run.every(lambda once: answered(once, PROMPTLY))


def catches_up(exam):
    """A follower misses entries. When it is back, nobody appends any more."""
    plans = [Plan(exam, pause=0.3).insist(10) for _ in range(2)]
    for name in exam.random.sample("bc", 2):
        other = "abc".replace(name, "")
        away = at(exam.random.uniform(0.6, 2))
        for faults in (
            [away.kill(name), at(8).restart(name)],
            [away.lose_power(name), at(8).restart(name)],
            [away.pause(name), at(8).resume(name)],
            [away.partition(name, other), at(8).heal()],
        ):
            run = simulate(exam, "abc", plans, faults, calm=8, runs=RUNS // 4)
            run.every(lambda once: answered(once, PROMPTLY))


def exactly_once(exam):
    """Appends that are repeated: after the answer, at the same time, instead of an answer, and after the leader has ended in between."""
    plans = [Plan(exam, pause=0.1) for _ in range(2)]
    for plan in plans:
        plan.insist(1).step("again", LEADER).step("twice", text(exam.random)).step("again", LEADER)
        plan.step("leave", text(exam.random)).step("again", LEADER).insist(1)
        plan.until(8).step("again", LEADER).step("twice", text(exam.random)).step("leave", text(exam.random)).insist(1)
    faults = [at(0).network(**SLOW), at(6).kill(LEADER), at(6.5).restart(LEADER)]
    run = simulate(exam, "abc", plans, faults, calm=10)
    run.every(answered)


def restart(exam):
    ends_and_goes_on(exam, lambda fault, name: fault.kill(name))


def power_loss(exam):
    ends_and_goes_on(exam, lambda fault, name: fault.lose_power(name))


def disk_full(exam):
    """Disks are full for a while. Then there is room; then all are killed, so that one sees what is on them."""
    plans = [Plan(exam, pause=0.4).insist(14).until(20).insist(2).step("read", LEADER) for _ in range(2)]
    for full in ("a", "ab", "bc"):
        changes = [(at(exam.random.uniform(2, 3)).disk_full(name), at(7).disk_free(name)) for name in full]
        ends = [(at(16).kill(name), at(16.5).restart(name)) for name in "abc"]
        faults = [fault for pair in [*changes, *ends] for fault in pair]
        run = simulate(exam, "abc", plans, faults, calm=20, runs=RUNS // 2)
        run.every(lambda once: told(once, until=7.9))


def torn_tail(exam):
    """Disks that have no room for the end of a record, and are found like that by the next life."""
    plan = Plan(exam).step("fill", text(exam.random)).until(40).step("read", LEADER)
    plan.step("append", LEADER, "small").until(50).step("read", LEADER)
    ends = [fault for time in (38, 47) for name in "abc" for fault in (at(time).kill(name), at(time + 1).restart(name))]
    simulate(exam, "abc", [plan], ends, final=LEADER, calm=60, until=120, runs=RUNS // 2, disk_mib=1)


def anything(exam):
    plans = [Plan(exam, pause=0.8).insist(20).step("read", LEADER) for _ in range(3)]
    late = Plan(exam, pause=0.1, start=20).insist(5).until(40).insist(2)
    simulate(exam, "abc", [*plans, late], storm, calm=38, until=100, runs=RUNS_OF_ANYTHING)


# What happens


def ends_and_goes_on(exam, end):
    """Nodes end one after the other, then all at once, after the leader heard nobody for a moment. The followers come back first and show
    what they have, then the leader, which ends twice more: while entries are appended, and while nothing happens."""

    def faults(random):
        drawn = [at(0).network(**SLOW)]
        for number in range(3):
            time, name = 1 + 1.5 * number + random.uniform(0, 0.5), random.choice("abc")
            drawn += [end(at(time), name), at(time + 0.6).restart(name)]
        moment = 7 + random.uniform(0, 1)
        drawn += [*unheard(moment - 0.7), *(end(at(moment), name) for name in "abc"), at(8.5).heal()]
        drawn += [at(9).restart("b"), at(9).restart("c"), at(20).restart(LEADER)]
        for time in (24, 37):
            drawn += [end(at(time), LEADER), at(time + 0.6).restart(LEADER)]
        return drawn

    plans = [Plan(exam, pause=0.3).insist(25, odd_text) for _ in range(2)]
    followers = Plan(exam, start=11, pause=0).step("read", "b").step("read", "c")
    late = Plan(exam, start=42).insist(2)
    # In about half of the runs a follower has what its leader, deaf from then on, does not know of.
    run = simulate(exam, "abc", [*plans, followers, late], faults, calm=45, runs=2 * RUNS)
    run.every(lambda once: kept_by_followers(once, "c3", 8, "bc"))
    run.every(lambda once: answered(once, PROMPTLY, "c4"))


def unheard(time):
    """From then on the leader reaches its followers, and does not hear them."""
    return [at(time).deafen(name, LEADER) for name in "bc"]


def storm(random):
    """Whatever may happen to one node at a time, for 20 seconds. What must not be left to chance is done to the leader: at first its disk is
    full, and in the end it loses power, once when its followers may have more than it knows, once when nothing happens."""
    drawn, time = [at(0).network(exponential=(0.001, 0.05), short_reads=0.2, retransmission=0.02)], 3
    drawn += [at(1.5).disk_full(LEADER), at(3).disk_free(LEADER)]
    while time < 17:
        name, length = random.choice("abc"), random.uniform(0.2, 3)
        others = "abc".replace(name, "")
        first, second = random.choice(
            [
                (at(time).kill(name), at(time + length).restart(name)),
                (at(time).lose_power(name), at(time + length).restart(name)),
                (at(time).pause(name), at(time + length).resume(name)),
                (at(time).partition(name, others), at(time + length).heal()),
                (at(time).deafen(name, others[0]), at(time + length).heal()),
                (at(time).disk_full(name), at(time + length).disk_free(name)),
                (at(time).skew(name, random.uniform(-100, 100)), at(time + length).skew(name, random.uniform(-100, 100))),
            ]
        )
        drawn += [first, second]
        time += length + random.uniform(0, 1)
    drawn += [*unheard(21), at(21.7).lose_power(LEADER), at(22.5).heal(), at(22.5).restart(LEADER)]
    return [*drawn, at(36).lose_power(LEADER), at(36.6).restart(LEADER)]


# What a log must be, in every run


def is_a_log(once):
    one_log(once)
    nothing_lost(once)
    read_in_the_end(once)
    finished(once)


def one_log(once):
    """One number, one entry; one entry, one number; and only what was asked for."""
    asked = {said["text"]: time for time, _, said in once.notes("asked")}
    of_number, of_text = {}, {}
    for time, number, text, words in claims(once):
        assert number >= 1, f"{words}: entries are numbered from 1"
        assert asked.get(text, time + 1) <= time, f"{words}, and nobody has appended that"
        other, before = of_number.setdefault(number, (text, words))
        assert other == text, f"{before}; but {words}"
        other, before = of_text.setdefault(text, (number, words))
        assert other == number, f"{before}; but {words}: the append that was repeated is in the log twice"


def claims(once):
    """(time, number, text, in words) of every entry that a node has told a client of."""
    found = []
    for time, who, said in once.notes("appended"):
        if said["kind"] == "ok":
            number, text = said["index"], said["text"]
            found.append((time, number, text, f"{said['node']} told {who} at {time:.3f} s that {text!r} is entry {number}"))
    for time, who, said in once.notes("read"):
        for number, text in enumerate(said["entries"] or [], 1):
            found.append((time, number, text, f"{said['node']} gave {who} {text!r} as entry {number} at {time:.3f} s"))
    return sorted(found, key=lambda claim: claim[0])


def nothing_lost(once):
    """Acknowledged entries are there: at the leader at once, at all nodes in the end; and in the order in which things happened."""
    acknowledged = [(time, said["index"], said["text"]) for time, _, said in once.notes("appended") if said["kind"] == "ok"]
    for time, who, said in once.notes("read"):
        if said["entries"] is None:
            continue
        late = 0 if said["node"] == LEADER else CATCH_UP if who == "last" else None
        for earlier, number, text in acknowledged:
            if late is not None and earlier + late <= time - said["seconds"]:
                words = f"{said['node']} gave {who} {count(len(said['entries']))} at {time:.3f} s"
                words += f", and not entry {number}, {text!r}, which was acknowledged at {earlier:.3f} s"
                assert number <= len(said["entries"]), words
    numbers = {text: number for _, number, text in acknowledged}
    for begun, _, said in once.notes("asked"):
        for earlier, number, text in acknowledged:
            if earlier < begun and said["text"] in numbers:
                later = numbers[said["text"]]
                words = f"entry {number}, {text!r}, was acknowledged at {earlier:.3f} s"
                assert number < later, f"{words}, before {said['text']!r} was sent, which became entry {later}"


def read_in_the_end(once):
    for time, who, said in once.notes("read"):
        if who == "last":
            words = f"read of {said['node']} at {time - said['seconds']:.3f} s, when all was well again"
            assert said["kind"] != "nothing", f"{words}: no answer within {PATIENCE} s"
            assert said["kind"] == "entries", f"{words}: the answer was {said['text']}"


def finished(once):
    """Whoever insists gets there."""
    for client in once.clients:
        if once.exit(client).kind == "running":
            asked = [(time, said["text"]) for time, who, said in once.notes("asked") if who == client]
            answers = [(time, said) for time, who, said in once.notes("appended") if who == client]
            words = f"{client} was not done in the end, at {once.at:.0f} s"
            if asked:
                words += f"; from {asked[-1][0]:.3f} s on it insisted on {asked[-1][1]!r}"
            if answers and answers[-1][1]["kind"] != "ok":
                words += f"; at {answers[-1][0]:.3f} s the answer was {said_of(answers[-1][1])}"
            raise AssertionError(words)


def said_of(answer):
    return "none" if answer["kind"] == "nothing" else answer["answer"]


# What is asked of answers


def answered(once, within=PATIENCE, client=None):
    """Every append at the leader was acknowledged by then, and every read gave entries."""
    for words, said in answers(once, client):
        assert said["kind"] != "nothing", f"{words}: no answer within {PATIENCE} s although a majority could be had"
        assert said["kind"] in ("ok", "entries"), f"{words}: the answer was {said.get('answer') or said['text']}"
        assert said["seconds"] <= within, f"{words}: the answer came after {said['seconds']:.1f} s; it must come within {within} s"


def told(once, until):
    """Every append that began before then was answered in time, be it by an error."""
    for words, said in answers(once, until=until):
        assert said["kind"] != "nothing", f"{words}: no answer within {PATIENCE} s; a node whose disk is full must say so"
        assert said["seconds"] <= PROMPTLY, f"{words}: the answer came after {said['seconds']:.1f} s; it must come within {PROMPTLY} s"


def not_acknowledged(once, client, since, until):
    """Appends of that time were answered by an error, and promptly."""
    for words, said in answers(once, client, since, until):
        assert said["kind"] != "ok", f"{words}: it was acknowledged as entry {said['index']} while no majority could have it"
        assert said["kind"] == "error", f"{words}: no answer within {PATIENCE} s; an error must come within {PROMPTLY} s"
        assert said["seconds"] <= PROMPTLY, f"{words}: the error came after {said['seconds']:.1f} s; it must come within {PROMPTLY} s"


def refused_by_followers(once):
    refused = {}
    for time, who, said in once.notes("appended"):
        if said["node"] != LEADER:
            words = f"append of {said['text']!r} by {who} at {said['node']}, a follower, at {time - said['seconds']:.3f} s"
            assert said["kind"] == "error", f"{words}: the answer must be an error, and was {said_of(said)}"
            refused[said["text"]] = words
    for _, _, text, words in claims(once):
        assert text not in refused, f"{refused[text]}: it was refused, but {words}"


def kept_by_followers(once, client, before, followers):
    """What was acknowledged before all ended is on the disk of a follower: so a majority had it, with the leader."""
    logs = {said["node"]: said["entries"] for _, who, said in once.notes("read") if who == client}
    for name in followers:
        assert logs.get(name) is not None, f"{name} gave no entries to {client}, although it was started again at 9 s"
    for time, who, said in once.notes("appended"):
        if said["kind"] == "ok" and time <= before:
            words = f"entry {said['index']}, {said['text']!r}, was acknowledged to {who} at {time:.3f} s"
            words += "; then all nodes ended, and the followers were started again: neither has it"
            assert any(said["index"] <= len(log) for log in logs.values()), f"{words} ({lengths(logs)})"


def answers(once, client=None, since=0, until=float("inf")):
    """What clients but the last did at the leader, in words, and how it went."""
    for kind in ("appended", "read"):
        for time, who, said in once.notes(kind):
            begun = time - said["seconds"]
            if who in (client, *([] if client else once.clients)) and who != "last" and said["node"] == LEADER and since <= begun <= until:
                what = f"append of {said['text']!r}" if kind == "appended" else "read"
                yield f"{what} by {who} at {LEADER}, at {begun:.3f} s", said


def lengths(logs):
    return ", ".join(f"{name} has {count(len(entries))}" for name, entries in logs.items())


def count(number):
    return f"{number} entr{'y' if number == 1 else 'ies'}"


# Who takes part


class Plan:
    """What one client does: see drivers/client.py."""

    def __init__(self, exam, pause=0.3, start=0, size=0):
        self._random = exam.random
        self._pause = pause
        self._size = size
        self._steps = []
        # Nodes are up before anybody asks.
        self.start = 0.5 + start

    def step(self, *words):
        self._steps.append(words)
        return self

    def insist(self, number, make=None):
        for _ in range(number):
            self.step("insist", (make or text)(self._random) + " " * self._size)
        return self

    def until(self, time):
        return self.step("until", time - self.start)

    def words(self, client):
        return json.dumps({"client": client, "pause": self._pause, "patience": PATIENCE, "steps": self._steps})


def text(random, words="entry"):
    return f"{words} {random.getrandbits(40):x}"


def odd_text(random):
    """What is a text too: whoever stores it must see where it ends."""
    pieces = ["\n", "\r\n", '"', "\\", "\0", "\u2028", "grün", "日本", "\U0001f600", " ", "\t", "{}", "null"]
    return text(random) + "".join(random.choices(pieces, k=8))


def simulate(exam, names, plans, faults=(), calm=0, final=None, until=None, runs=RUNS, **settings):
    """Clients `c1`, `c2` and so on carry out `plans` at nodes of these names; `last` reads at each when all has been well for a while."""
    nodes = {name: ["node.py", name, f"{name}:{PORT}", *(f"{peer}={peer}:{PORT}" for peer in names if peer != name)] for name in names}
    reader = Plan(exam, pause=0, start=calm + 2 * CATCH_UP)
    for name in final or names:
        reader.step("read", name)
    plans = {**{f"c{number}": plan for number, plan in enumerate(plans, 1)}, "last": reader}
    addresses = [f"{name}={name}:{PORT}" for name in names]
    known_as = {name: f"{name} {exam.random.getrandbits(32):x}" for name in plans}
    clients = {name: ["drivers/client.py", *addresses, plan.words(known_as[name])] for name, plan in plans.items()}
    starts = {name: plan.start for name, plan in plans.items()}
    settings |= {"until": until or reader.start + TO_READ, "runs": runs, "starts": starts, "allow": ["unfinished"]}
    run = exam.simulate(nodes=nodes, clients=clients, faults=faults, **settings)
    run.all_hold(is_a_log)
    return run
