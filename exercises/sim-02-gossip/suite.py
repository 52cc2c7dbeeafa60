"""A set on several nodes that are changed while they cannot hear each other, and what each of them lists in the end.

The suite's clients change the set at nodes of the suite's choosing, and list it. What a list has to be follows from the answers alone. Most
elements are changed at one node only, or where all nodes must have heard of the change before: then the last change that was answered
OK decides. Where two changes know nothing of each other, in `add-wins`, the case says what becomes of them. A request that is not
answered is repeated by its client until it is, so nothing depends on what became of the first one.

How long nodes may take to agree is in the statement, and lists are not asked for before that. All times are virtual.
"""

import json

from practicum import at

PORT = 7000
# Seconds until all nodes must agree, and what is added to that.
AGREED = 15
GRACE = 0.5
# Seconds within which a node must answer; that a client waits for an answer, and tries again.
PROMPTLY = 2
ATTEMPT = 5
PATIENCE = 30
# Of a list, and of the changes of an element, what a message shows.
TOLD_MAX = 300
SHOWN = 4
# Of `quiet`: bytes a second between two nodes, for how long it is counted, and what the set is.
QUIET_BYTES = 3000
QUIET_SECONDS = 10
MANY, GONE, LONG = 120, 30, 150
# Seconds that a client has there for its changes. Each needs some milliseconds.
CHANGING = 14


class Set:
    """What one node alone does."""

    initial = []

    def step(self, state, operation, arguments):
        if operation == "LIST":
            return state, state
        element = arguments[1]
        others = [other for other in state if other != element]
        return (sorted([*others, element]) if operation == "ADD" else others), None


# The cases


def alone(exam):
    elements = names(exam, 3)
    plans = []
    for _ in range(2):
        plan = Plan().at(0.5).ask("a", "LIST")
        for element in exam.random.sample(elements, 3) * 2:
            plan.ask("a", f"ADD {element}").ask("a", exam.random.choice(["LIST", f"ADD {element}"])).ask("a", f"REMOVE {element}")
            plan.ask("a", "LIST")
        plans.append(plan)
    plans[0].ask("a", f"ADD {elements[0]}").ask("a", f"REMOVE {elements[0]}").ask("a", f"ADD {elements[0]}").ask("a", "LIST")
    run = simulate(exam, "a", plans, [at(0).network(short_reads=0.5)], until=10, runs=4)
    run.every(answered)
    run.history.linearizable(Set, "the answers of a node without peers")


def spreads(exam):
    """One node has ended before another one begins: that one hears of it by the third."""
    early, always, late = exam.random.sample("abc", 3)
    plan = Plan().changes(0.5, [(early, "ADD", element) for element in names(exam, 3)])
    plan.changes(1.5, [(always, "ADD", element) for element in names(exam, 3)])
    gone = 2 + AGREED
    plan.lists(gone + 1 + AGREED, [always, late])
    story = f"Node {early} was killed at {gone} s, long after its last change; node {late} was started at {gone + 0.5} s"
    faults, starts = [at(gone).kill(early)], {late: gone + 0.5}
    run = simulate(exam, "abc", [plan], faults, until=gone + AGREED + 4, runs=4, starts=starts)
    run.every(lambda once: agreed(once, story))


def by_way_of_others(exam):
    """Two of three never hear each other."""
    one, between, other = exam.random.sample("abc", 3)
    plan = Plan().changes(1, [(node, "ADD", element) for node, element in zip([one, between, other], names(exam, 3))])
    # Time enough for those that take all the time they have for each answer.
    end = 1 + 3 * PROMPTLY + AGREED + GRACE
    plan.lists(end, "abc")
    faults = [at(0).deafen(one, other), at(0).deafen(other, one)]
    run = simulate(exam, "abc", [plan], faults, until=end + 3 * PROMPTLY, runs=5)
    run.every(lambda once: agreed(once, f"Nodes {one} and {other} never hear each other, but both hear node {between}"))


def partition(exam):
    """Of four nodes one is dead, and one hears nobody. The other two go on, and all four do in the end."""
    one, other, apart, dead = exam.random.sample("abcd", 4)
    plan = Plan()
    for _ in range(2):
        plan.changes(2.5, [(node, "ADD", element) for node, element in zip([one, other, apart], names(exam, 3))])
    plan.lists(4 + AGREED, [one, other], about=[one, other]).lists(4 + AGREED, [apart], about=[apart])
    healed = 5 + AGREED
    plan.lists(healed + AGREED + GRACE, "abcd")
    faults = [at(1.2).kill(dead), at(1.5).partition([one, other], [apart]), at(healed).heal(), at(healed).restart(dead)]
    run = simulate(exam, "abcd", [plan], faults, until=healed + AGREED + 3, runs=5)
    story = f"Node {dead} was dead and node {apart} apart from all others from 1.5 s to {healed} s"
    run.every(lambda once: prompt(once, f"{story}, but a node must not wait for others"))
    run.every(lambda once: agreed(once, story))


def add_wins(exam):
    """Two sides know the same, and then change it without hearing of each other."""
    left, third, right = exam.random.sample("abc", 3)
    known, later, removed, new, both, untouched = names(exam, 6)
    cut = 3 + AGREED
    # Time enough for those that take all the time they have for each answer.
    healed = cut + 5 * PROMPTLY + 1
    there = Plan().changes(0.5, [(left, "ADD", element) for element in (known, later, removed, both, untouched)])
    there.changes(cut + 0.5, [(left, "ADD", known), (left, "ADD", new), (left, "ADD", both), (left, "REMOVE", both)])
    there.changes(cut + 1, [(left, "ADD", later)])
    here = Plan().changes(cut + 0.5, [(right, "REMOVE", later)])
    here.changes(cut + 1, [(right, "REMOVE", element) for element in (known, removed, new, both)])
    here.lists(healed + AGREED + GRACE, "abc")
    faults = [at(cut).partition([left, third], [right]), at(healed).heal()]
    run = simulate(exam, "abc", [there, here], faults, until=healed + AGREED + 3, runs=5)
    why = f"Its last ADD was at node {left} while nodes {left} and {right} did not hear each other; so it stays"
    stays = dict.fromkeys([known, later, new], why)
    run.every(lambda once: agreed(once, f"Nodes {left} and {third} were cut off from node {right} from {cut} s to {healed} s", stays))


def removed_stays(exam):
    """Who was away when something was removed does not bring it back; and it may be added again."""
    here, there, away = exam.random.sample("abc", 3)
    removed, again, kept = names(exam, 3)
    plan = Plan().changes(0.5, [(here, "ADD", element) for element in (removed, again, kept)])
    gone = 2 + AGREED
    plan.changes(gone + 0.5, [(there, "REMOVE", removed), (there, "REMOVE", again), (there, "ADD", again)])
    back = gone + 3
    plan.lists(back + AGREED + GRACE, "abc")

    def faults(random):
        if random.random() < 0.5:
            return [at(gone).partition([here, there], [away]), at(back).heal()]
        return [at(gone).kill(away), at(back).restart(away)]

    run = simulate(exam, "abc", [plan], faults, until=back + AGREED + 3, runs=5)
    run.every(lambda once: agreed(once, f"Node {away} was away from {gone} s to {back} s"))


def restart(exam):
    ends_and_goes_on(exam, lambda fault, name: fault.kill(name), "killed")


def power_loss(exam):
    ends_and_goes_on(exam, lambda fault, name: fault.lose_power(name), "without power")


def quiet(exam):
    """Two nodes that know each other by the suite's relay alone."""
    elements = names(exam, MANY, long=True)
    plan = Plan().changes(0.5, [("a", "ADD", element) for element in elements])
    plan.changes(4, [("a", "REMOVE", element) for element in elements[:GONE]])
    start = CHANGING + 1 + AGREED
    plan.lists(start, "ab")
    window = {"from": start, "until": start + QUIET_SECONDS}
    relay = ["drivers/relay.py", f"7001=a:{PORT}", f"7002=b:{PORT}", json.dumps(window)]
    nodes = {"a": ["node.py", "a", f"a:{PORT}", "b=relay:7002"], "b": ["node.py", "b", f"b:{PORT}", "a=relay:7001"]}
    clients = {"c1": plan.program("ab"), "relay": relay}
    faults = [at(0).network(latency=(0.001, 0.004))]
    run = exam.simulate(nodes, clients, faults=faults, until=start + QUIET_SECONDS + 1, runs=3)
    run.every(lambda once: agreed(once, f"Nothing had changed for {AGREED} s"))
    run.every(lambda once: saves_words(once, start))


def anything(exam):
    """Everybody changes elements of their own through a storm, and again when it is over."""
    late = STORM_ENDS + 1 + CALM
    run = simulate(exam, "abc", home_plans(exam, STORM_ENDS, late), storm, until=late + 2 * PROMPTLY + AGREED + 3, runs=6)
    all_is_kept(run, f"Nodes were killed, lost power, were stopped and cut off until {STORM_ENDS + 1} s", late)


# What happens

# Seconds in which a client that waits for a dead node has found out and caught up.
CALM = ATTEMPT + 1
STORM_ENDS = 10


def ends_and_goes_on(exam, end, how):
    """Nodes end one after the other, and in the end all at once; then they are started again."""
    last = 8

    def faults(random):
        drawn, names_drawn = [], random.sample("abc", 3)
        for number, name in enumerate(names_drawn):
            time = 1.2 + 2.2 * number + random.uniform(0, 1)
            drawn += [end(at(time), name), at(time + 0.6).restart(name)]
        for name in names_drawn:
            drawn += [end(at(last + random.uniform(0, 0.3)), name), at(last + 1).restart(name)]
        return drawn

    late = last + 1 + CALM
    run = simulate(exam, "abc", home_plans(exam, last, late), faults, until=late + 2 * PROMPTLY + AGREED + 3, runs=5)
    all_is_kept(run, f"Nodes were {how} again and again until {last + 1} s", late)


def storm(random):
    """Whatever may happen to one node at a time; clocks jump, and in the end all lose power at once."""
    drawn, time = [at(0).network(exponential=(0.001, 0.02), short_reads=0.2, retransmission=0.02)], 1
    while time < STORM_ENDS - 1:
        name, length = random.choice("abc"), random.uniform(0.2, 2)
        others = "abc".replace(name, "")
        drawn += random.choice(
            [
                [at(time).kill(name), at(time + length).restart(name)],
                [at(time).lose_power(name), at(time + length).restart(name)],
                [at(time).pause(name), at(time + length).resume(name)],
                [at(time).partition(name, others), at(time + length).heal()],
                [at(time).deafen(name, others[0]), at(time + length).heal()],
            ]
        )
        drawn += [at(time + 0.1).skew(random.choice("abc"), random.choice([-1, 1]) * random.uniform(50, 100))]
        time += length + random.uniform(0, 0.5)
    for name in "abc":
        drawn += [at(STORM_ENDS + 0.1).lose_power(name), at(STORM_ENDS + 1).restart(name)]
        # Whoever goes by the time of day goes wrong from here on.
        drawn.append(at(STORM_ENDS + 0.5).skew(name, -1000))
    return [*drawn, at(STORM_ENDS + 1).heal(), at(STORM_ENDS + 1).network()]


def home_plans(exam, until, late):
    """For each node a client that adds and removes elements of its own there, until then and once more late; one lists in the end."""
    plans = []
    for node in "abc":
        elements = names(exam, 3)
        there, plan = set(), Plan()
        times = sorted(exam.random.uniform(0.6, until) for _ in range(7))
        for time, element in zip(times, elements + exam.random.choices(elements, k=4)):
            plan.toggle(time, node, element, there)
        # One element that is new, and one that comes or goes.
        for element in [*names(exam, 1), elements[0]]:
            plan.toggle(late, node, element, there)
        plans.append(plan)
    return [*plans, Plan().lists(late + 2 * PROMPTLY + AGREED, "abc")]


def all_is_kept(run, story, late):
    run.all_hold(lambda once: prompt(once, "Nothing happened to the nodes any more", since=late))
    run.all_hold(lambda once: agreed(once, story))


# What is asked of every answer


def answers(once):
    """(time, client, what was asked and answered)."""
    return once.notes("answer")


def asked(time, call):
    """In words."""
    element = f" {call['element']}" if call["element"] else ""
    return f"{call['word']}{element[:60]} at node {call['node']} at {time - call['seconds']:.2f} s"


def answered(once):
    """All came, in the right form."""
    for time, _, call in answers(once):
        must = "a list of texts in JSON" if call["word"] == "LIST" else "OK"
        assert call["kind"] != "nothing", f"{asked(time, call)}: no answer came within {PATIENCE} s"
        assert call["kind"] == "done", f"{asked(time, call)}: the answer must be {must}; it was {call['value']!r}"
        if call["word"] == "LIST":
            listed = call["value"]
            assert len(set(listed)) == len(listed), f"{asked(time, call)}: an element is in the answer twice: {told(listed)}"
            assert sorted(listed) == listed, f"{asked(time, call)}: the answer is not sorted by code points: {told(listed)}"


def prompt(once, story, since=0):
    """Requests from then on were answered soon."""
    answered(once)
    for time, _, call in answers(once):
        seconds = call["seconds"]
        if time - seconds >= since:
            late = f"the answer came after {seconds:.1f} s; it must come within {PROMPTLY} s"
            assert seconds <= PROMPTLY, f"{story}. {asked(time, call)}: {late}"


def agreed(once, story, stays=None):
    """Each list that must be right about some nodes' elements is. `stays` is in the set although the last change was a REMOVE, and why."""
    answered(once)
    # By element, what was answered so far; what is still being asked may be in a list or not.
    changes = {call["element"]: [] for _, _, call in answers(once) if call["word"] != "LIST"}
    for time, _, call in answers(once):
        if call["word"] != "LIST":
            changes[call["element"]].append((time, call))
        elif call["about"] is not None:
            for element in sorted({*changes, *call["value"]}):
                right(story, stays or {}, time, call, element, changes.get(element))


def right(story, stays, time, call, element, changes):
    """A list says of an element what it must."""
    listed = call["value"]
    where = f"{story}. Node {call['node']}, asked at {time - call['seconds']:.2f} s, listed {told(listed)}"
    assert changes is not None, f"{where}. Nobody ever asked to add {element!r}"
    nodes = {change["node"] for _, change in changes}
    if not changes or not nodes <= {*call["about"]}:
        return
    asked_for = ", ".join(f"{change['word']} at node {change['node']} at {done:.2f} s" for done, change in changes[-SHOWN:])
    what = f"Of it, these were answered by OK{' in the end' if len(changes) > SHOWN else ''}: {asked_for}"
    if element in stays:
        assert element in listed, f"{where}. {element!r} is missing. {what}. {stays[element]}"
    elif changes[-1][1]["word"] == "ADD":
        assert element in listed, f"{where}. {element!r} is missing. {what}"
    else:
        assert element not in listed, f"{where}. {element!r} should not be there. {what}"


def saves_words(once, start):
    """What two nodes say when there is nothing to say."""
    for time, _, count in once.notes("bytes"):
        a_second = count / QUIET_SECONDS
        known = f"Nothing had changed for {AGREED} s, and both nodes had the same {MANY - GONE} elements"
        said = f"from {start} s to {time:.0f} s they sent each other {a_second:.0f} bytes a second; at most {QUIET_BYTES} are allowed"
        assert a_second <= QUIET_BYTES, f"{known}, but {said}"


def told(elements):
    """A list in a message."""
    text = ", ".join(elements)
    return f"[{text}]" if len(text) <= TOLD_MAX else f"[{text[:TOLD_MAX]}…] ({len(elements)} elements)"


# Who takes part

WORDS = """apple banana cherry damson elderberry fig grape Haselnuß
    kiwi lemon mango nectarine orange plum quince raspberry Zwetschge äpfel""".split()


def names(exam, number, long=False):
    """So many elements that are in no other set of names. Some are of two words, some are no ASCII."""
    words = [*exam.random.sample(WORDS, min(number, len(WORDS))), *exam.random.choices(WORDS, k=max(0, number - len(WORDS)))]
    found = [f"{word}{exam.random.choice([' ', '-', ''])}{exam.random.getrandbits(24):x}" for word in words]
    return [f"{name} {'x' * (LONG - len(name))}." for name in found] if long else found


class Plan:
    """What one client does: see drivers/client.py."""

    def __init__(self):
        self._steps = []
        self._time = 0

    def at(self, time):
        self._time = time
        return self

    def ask(self, node, request, about=None):
        self._steps.append([self._time, node, request, about])
        return self

    def changes(self, time, changes):
        """(node, ADD or REMOVE, element) one after the other."""
        for node, word, element in changes:
            self.at(time).ask(node, f"{word} {element}")
        return self

    def toggle(self, time, node, element, there):
        """Adds or removes it, by what is there; and the list of that node must be right about its own elements at once."""
        word = "REMOVE" if element in there else "ADD"
        there ^= {element}
        return self.at(time).ask(node, f"{word} {element}").ask(node, "LIST", [node])

    def lists(self, time, nodes, about=None):
        """What these nodes list must be right about what was changed at those, or anywhere. Not before it may be asked for."""
        for node in nodes:
            self.at(time).ask(node, "LIST", list(about or "abcd"))
        return self

    def program(self, nodes):
        plan = {"attempt": ATTEMPT, "patience": PATIENCE, "agreed": AGREED + GRACE, "steps": self._steps}
        return ["drivers/client.py", *(f"{name}={name}:{PORT}" for name in nodes), json.dumps(plan)]


def simulate(exam, nodes, plans, faults=(), **settings):
    """Nodes of these names, and clients `c1`, `c2` and so on that carry out `plans`."""
    programs = {name: ["node.py", name, f"{name}:{PORT}", *(f"{peer}={peer}:{PORT}" for peer in nodes if peer != name)] for name in nodes}
    clients = {f"c{number}": plan.program(nodes) for number, plan in enumerate(plans, 1)}
    return exam.simulate(nodes=programs, clients=clients, faults=faults, **settings)
