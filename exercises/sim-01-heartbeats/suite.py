"""Failure detectors in clusters whose every fault is known, and what they say of each other.

What a node says of a peer is a story: up, down, up, each at a time. A case does something to the cluster and knows what story has to come
of it, with the earliest and latest moment of each word. All of these hold for every seed: a heartbeat is lost only where the case makes
sure that the node may notice, and nothing depends on how often chance loses one. Times are virtual, so a slow program loses nothing.

Where it matters which heartbeats a node hears and when, its peers are the suite's own (drivers/peer.py). Only `says-once` looks at each
line; all others take a word that is said twice for one. Of a node that was never heard, `first-sight` allows no word at all.
"""

import json
import re

from practicum import at

PORT = 7000
# Runs of each case. What a case is about happens in every one of them; chance only varies it.
RUNS = 4
# Seconds, as the statement has them: between heartbeats, until a silent peer is down, what a mistake adds, and how late a word may be.
PERIOD, TIMEOUT, STEP = 0.5, 3, 2
DOWN_WITHIN, UP_WITHIN = 1, 0.5
# How much the time between two heartbeats may differ from the period.
UNEVEN = 0.25
# Granted on top of what may be late: a datagram's way, and a program that computes long.
GRACE = 0.25
# Only `patience` and `adapts` care whether a word comes a little too early.
EARLY = 1
# So long before the end of a run the suite's peers end.
LEAVES = 0.5
# More than any run lasts.
NEVER = 1000

LINE = re.compile(r"(up|down) (\S+)")
BEAT = re.compile(r"beat (\S+) ([0-9]{1,18}) ([0-9]{1,18})\n")


# The cases


def first_sight(exam):
    """They start one after the other, and one of them never does."""
    names = "abcde"
    absent = exam.random.choice(names)
    starts = {name: exam.random.uniform(0, 4) for name in names} | {absent: NEVER}
    run = simulate(exam, names, starts=starts, until=8)

    def check(once):
        for node, peer in pairs(names):
            if absent == peer:
                said = said_of(once, node, peer)
                assert not said, f"node {peer} is never started, but node {node} said {said[0][1]} {peer} at {said[0][0]:.2f} s"
            elif absent != node:
                both = max(starts[node], starts[peer])
                story = f"nodes {node} and {peer} both run from {both:.2f} s on"
                expect(once, node, peer, story, up(both, sent_within=2 * PERIOD))

    run.every(check)


def heartbeats(exam):
    """Three of the suite's peers keep a node busy and look at what it sends."""
    until, start = 12, 0.3
    clients = {name: talk(exam, beats(name, 1, 1, spread(exam, 1, until))) for name in "wxy"}
    run = simulate(exam, "a", clients=clients, notes="all", starts={"a": start}, until=until)

    def check(once):
        for client in clients:
            regular(once, client, start, until - LEAVES)

    run.every(check)


def crash(exam):
    names = "abcde"
    dead, time = exam.random.choice(names), exam.random.uniform(3, 6)
    # So that heartbeats come all the time, and not all at once.
    starts = {name: PERIOD / 5 * number for number, name in enumerate(names)}
    run = simulate(exam, names, faults=[at(time).kill(dead)], starts=starts, until=12)

    def check(once):
        for node, peer in pairs(names):
            if peer == dead:
                expect(once, node, peer, f"node {peer} was killed at {time:.2f} s", first(PERIOD), down_after_cut(time))
            elif node != dead:
                expect(once, node, peer, f"only node {dead} was killed", first(PERIOD))

    run.every(check)


def patience(exam):
    short_silences(exam)
    short_outages(exam)


def short_silences(exam):
    """A peer whose heartbeats come at intervals of almost a time-out."""
    times = [1, 1.5, 2]
    for _ in range(6):
        times.append(times[-1] + exam.random.uniform(TIMEOUT - 0.2, TIMEOUT - 0.1))
    run = simulate(exam, "a", clients={"b": talk(exam, beats("b", 1, 1, times))}, until=times[-1] + 1)
    story = f"heartbeats came at intervals of less than {TIMEOUT} s"
    run.every(lambda once: expect(once, "a", "b", story, first(times[0])))


def short_outages(exam):
    """Everything is lost for at most so long that three heartbeats in a row are."""

    def faults(random):
        drawn, time = [], random.uniform(2, 3)
        while time < 18:
            length = random.uniform(0.3, TIMEOUT - 3 * PERIOD)
            drawn += [at(time).network(loss=1), at(time + length).network()]
            time += length + random.uniform(2, 3)
        return drawn

    run = simulate(exam, "abc", faults=faults, until=22)

    def check(once):
        for node, peer in pairs("abc"):
            story = f"the network lost everything, but for no longer than {TIMEOUT - 3 * PERIOD} s at a time"
            expect(once, node, peer, story, first())

    run.every(check)


def partition(exam):
    names = exam.random.sample("abcde", 5)
    some, others = sorted(names[:2]), sorted(names[2:])
    cut, heal = exam.random.uniform(4, 5), exam.random.uniform(12, 13)
    run = simulate(exam, "abcde", faults=[at(cut).partition(some, others), at(heal).heal()], until=16)
    apart = f"{' and '.join(some)} were cut off from {', '.join(others)} from {cut:.2f} s to {heal:.2f} s"

    def check(once):
        for node, peer in pairs(names):
            together = (node in some) == (peer in some)
            expect(once, node, peer, apart, first(), *([] if together else [down_after_cut(cut), up(heal)]))

    run.every(check)


def one_way(exam):
    """One node does not hear another one, which hears it."""
    speaker, listener, _ = exam.random.sample("abc", 3)
    cut, heal = exam.random.uniform(4, 5), exam.random.uniform(12, 13)
    run = simulate(exam, "abc", faults=[at(cut).deafen(speaker, listener), at(heal).heal()], until=16)
    story = f"what {speaker} sent did not reach {listener} from {cut:.2f} s to {heal:.2f} s, and all else came through"

    def check(once):
        for node, peer in pairs("abc"):
            is_deaf = (node, peer) == (listener, speaker)
            expect(once, node, peer, story, first(), *([down_after_cut(cut), up(heal)] if is_deaf else []))

    run.every(check)


def says_once(exam):
    """So much is lost that nodes are taken for dead again and again."""
    faults = [at(0).network(loss=0.7, duplication=0.3, reorder=0.3, latency=(0.001, 0.1)), at(25).network()]
    run = simulate(exam, "abc", faults=faults, until=30)

    def check(once):
        for node in "abc":
            each_line(once, node, "abc".replace(node, ""))
        for node, peer in pairs("abc"):
            assert turns(once, node, peer), f"node {node} said nothing of {peer}, although nothing was lost after 25 s"

    run.every(check)


def adapts(exam):
    """Twice a peer is slower than its time-out and is given more; another one is not given more by that."""
    slow, slower = exam.random.uniform(4.8, 4.9), exam.random.uniform(6.8, 6.9)
    times = [1, 1.5, 2]
    for gap in (slow, slow, 0.5, slower, slower, 0.5):
        times.append(times[-1] + gap)
    steady = [1 + PERIOD * number for number in range(2 * 20)]
    clients = {"b": talk(exam, beats("b", 1, 1, times)), "c": talk(exam, beats("c", 1, 1, steady))}
    run = simulate(exam, "a", clients=clients, until=times[-1] + TIMEOUT + 2 * STEP + 3)

    def check(once):
        story = f"node b is found to be up after {slow:.2f} s and after {slower:.2f} s of silence"
        mistakes = [down(times[2]), up(times[3]), down(times[5], STEP), up(times[6])]
        expect(once, "a", "b", story, first(times[0]), *mistakes, down(times[-1], 2 * STEP))
        expect(once, "a", "c", f"node c sent its last heartbeat at {steady[-1]} s, and was never late before", first(1), down(steady[-1]))

    run.every(check)


def restart(exam):
    """A node that is back before anybody missed it, and one that was missed: neither was taken for dead by mistake."""
    again, *others = exam.random.sample("abc", 3)
    short, long, last = exam.random.uniform(4, 5), exam.random.uniform(10, 11), exam.random.uniform(21, 22)
    short_end, long_end = short + exam.random.uniform(0.5, 1.5), long + exam.random.uniform(6, 7)
    faults = [at(short).kill(again), at(short_end).restart(again), at(long).kill(again), at(long_end).restart(again), at(last).kill(again)]
    run = simulate(exam, "abc", clients={"w": []}, notes="lives", faults=faults, until=28)

    def check(once):
        killed, started = f"killed at {short:.2f}, {long:.2f} and {last:.2f} s", f"started again at {short_end:.2f} and {long_end:.2f} s"
        story = f"node {again} was {killed}, and {started}"
        for node in others:
            back = [Turn("down", short_end, short_end + LATEST_UP), up(short_end)]
            missed = [down_after_cut(long), up(long_end)]
            expect(once, node, again, story, first(), *back, *missed, down_after_cut(last))
            expect(once, again, node, story, first(), up(short_end), up(long_end))
        later_lives(once, again)

    run.every(check)


def old_datagrams(exam):
    """Copies, and heartbeats that others have overtaken, do not tell what is now."""
    # Lives go from one digit to two: they are numbers, not texts.
    numbered = beats("b", 9, 8, every(1, 3.5))
    copies = beats("b", 9, exam.random.choices(range(8, 14), k=11), every(4, 9))
    second = beats("b", 10, 1, [10, 10.5, 11])
    overtaken = beats("b", 9, 14, every(11.5, 18))
    third = beats("b", exam.random.randrange(11, 100), 1, [18.5, 19])
    run = simulate(exam, "a", clients={"b": talk(exam, numbered + copies + second + overtaken + third)}, until=20)

    def check(once):
        story = "node b's heartbeats of life 9 came again until 9 s, and from 11.5 s on there came others of life 9, after those of life 10"
        # How long the time-out is by then is for `restart` to find out.
        silent = Turn("down", down(11).earliest, down(11, STEP).latest)
        expect(once, "a", "b", story, first(1), down(3.5), up(10), silent, up(18.5))

    run.every(check)


def pause(exam):
    """A node that was stopped has not heard anybody for long, but what it did not hear is there to be read."""
    stopped, *others = exam.random.sample("abc", 3)
    time = exam.random.uniform(4, 5)
    end = time + exam.random.uniform(6, 7)
    run = simulate(exam, "abc", faults=[at(time).pause(stopped), at(end).resume(stopped)], until=14)

    def check(once):
        story = f"node {stopped} was stopped from {time:.2f} s to {end:.2f} s"
        for node in others:
            expect(once, node, stopped, story, first(), down_after_cut(time), up(end))
            expect(once, stopped, node, f"{story}, and heartbeats of {node} were there for it to read when it went on", first())

    run.every(check)


def clocks(exam):
    again, dead, other = exam.random.sample("abc", 3)
    hours = 3600 * exam.random.randint(2, 9)
    jumps = [at(exam.random.uniform(3, 6)).skew(name, exam.random.choice([-1, 1]) * hours) for name in "abc"]
    back = [at(7).skew(again, -3 * hours), at(8).kill(again), at(14).restart(again)]
    clock = {again: (hours, 0), dead: (-hours, 0)}
    faults = [*jumps, *back, at(18).kill(dead)]
    run = simulate(exam, "abc", clients={"w": []}, notes="lives", faults=faults, clocks=clock, until=24)

    def check(once):
        story = f"clocks jumped; node {again} was killed at 8 s, started again at 14 s, its clock behind; node {dead} was killed at 18 s"
        for node in (other, dead):
            expect(once, node, again, story, first(), down_after_cut(8), up(14))
        expect(once, again, other, story, first(), up(14))
        expect(once, again, dead, story, first(), up(14), down_after_cut(18))
        expect(once, other, dead, story, first(), down_after_cut(18))
        later_lives(once, again)

    run.every(check)


def power_loss(exam):
    again = exam.random.choice("ab")

    def faults(random):
        drawn, time = [], random.uniform(2, 3)
        for _ in range(3):
            end = time + random.uniform(0.2, 1)
            drawn += [at(time).lose_power(again), at(end).restart(again)]
            time = end + random.choice([random.uniform(0.02, 0.3), random.uniform(1, 2)])
        return drawn

    run = simulate(exam, "ab", clients={"w": []}, notes="lives", faults=faults, until=13)
    run.every(lambda once: later_lives(once, again))


def garbage(exam):
    """A stranger sends what is no heartbeat; when the peer falls silent, it sends such things too."""
    rubbish = [text for _ in range(2) for text in exam.random.sample(list(rubbish_of(exam)), len(RUBBISH) + 2)]
    end = 8
    own = beats("b", 3, 1, every(1, end)) + [[end + 0.2 * number, text] for number, text in enumerate(rubbish, 1)]
    stranger = [[1 + 0.23 * number, text] for number, text in enumerate(rubbish)]
    clients = {"b": talk(exam, own), "z": talk(exam, stranger)}
    run = simulate(exam, "a", clients=clients, peers="b", until=20)

    def check(once):
        expect(once, "a", "b", f"node b sent no heartbeat after {end} s, only datagrams that are none", first(1), down(end))
        for time, line in once.lines("a"):
            assert line.endswith(" b"), f"node a said {line[:80]!r} at {time:.2f} s, but its only peer is b"

    run.every(check)


def anything(exam):
    run = simulate(exam, "abcd", faults=storm, until=34, runs=RUNS + 2)
    run.every(all_is_well)


# What happens


def storm(random):
    """Whatever may befall three nodes; then two sides that do not hear each other, and a loss of power for the one that has lived longest.
    After that there is peace, in which one of them is dead."""
    old, *others = random.sample("abcd", 4)
    drawn, time = [at(0).network(loss=0.2, duplication=0.1, reorder=0.1, latency=(0.001, 0.1))], 1.5
    while time < 13:
        name, length = random.choice(others), random.uniform(0.2, 3)
        rest = "abcd".replace(name, "")
        drawn += random.choice(
            [
                [at(time).kill(name), at(time + length).restart(name)],
                [at(time).lose_power(name), at(time + length).restart(name)],
                [at(time).pause(name), at(time + length).resume(name)],
                [at(time).partition(name, rest), at(time + length).heal()],
                [at(time).deafen(name, random.choice(rest)), at(time + length).heal()],
                [at(time).skew(name, random.uniform(-100, 100))],
            ]
        )
        time += length + random.uniform(0, 0.5)
    drawn += [at(16.5).partition([old, others[0]], others[1:]), at(20.5).heal()]
    drawn += [at(19).skew(old, -100), at(20).lose_power(old), at(21).restart(old), at(20.2).skew(others[0], -100)]
    return [*drawn, at(PEACE).network(), at(PEACE).kill(random.choice(others[1:]))]


# After the storm. Then, a time-out can have grown thrice (after 3, 5 and 7 s of silence; 9 more do not fit in), so the dead one is down by
# SETTLED, and from then on nothing is said. What was late when peace came takes a second more at most.
PEACE = 21.5
SETTLED = PEACE + 1 + TIMEOUT + 3 * STEP + DOWN_WITHIN + GRACE

RUBBISH = [
    "",
    "\n",
    "\0\0\0\0",
    "\xff\xfe\xfd",
    "beat",
    "beat\n",
    "beat b\n",
    "beat b 4\n",
    "beat b 4 x\n",
    "beat b x 4\n",
    "beat b 4 4 4\n",
    "beat b four five\n",
    "beat b -4 -4\n",
    "beat b 4.5 1\n",
    "beat z 1 1\n",
    "beat a 9 9\n",
    "up b\n",
    "down b\n",
    "b 4 4\n",
    "beat b " + "9" * 5000 + " 1\n",
    "x" * 1500,
]


def rubbish_of(exam):
    yield from RUBBISH
    for _ in range(2):
        yield exam.random.randbytes(exam.random.randrange(1, 100)).decode("latin-1")


# What a node has to say


class Turn:
    """A node says `word` of a peer, at this time at the earliest and at that at the latest."""

    def __init__(self, word, earliest, latest):
        self.word = word
        self.earliest = earliest
        self.latest = latest

    def is_said(self, time, word):
        return word == self.word and self.earliest <= time <= self.latest

    def __str__(self):
        when = f"between {self.earliest:.2f} and" if self.earliest > 0 else "by"
        return f"{self.word} {when} {self.latest:.2f} s"


# From a moment in which a peer can be heard: its next heartbeat, and the word.
LATEST_UP = PERIOD + UNEVEN + UP_WITHIN + GRACE


def up(time, sent_within=PERIOD + UNEVEN):
    """Heartbeats can come from then on."""
    return Turn("up", time, time + sent_within + UP_WITHIN + GRACE)


def first(time=0):
    """The first word of all, about a peer whose heartbeats come from then on. Only `first-sight` cares whether it is too early."""
    return Turn("up", 0, up(time).latest)


def down(heard, more=0):
    """The last heartbeat was sent then; so much was added to the time-out."""
    due = heard + TIMEOUT + more
    return Turn("down", due - EARLY, due + DOWN_WITHIN + GRACE)


def down_after_cut(time):
    """No heartbeat came after that; the last one was sent at most a period before."""
    return Turn("down", time - PERIOD - UNEVEN + TIMEOUT - EARLY, time + TIMEOUT + DOWN_WITHIN + GRACE)


def expect(once, node, peer, story, *wanted):
    """What a node says of a peer is this story, and nothing else."""
    said = turns(once, node, peer)
    right = next((place for place, turn in enumerate(wanted) if place >= len(said) or not turn.is_said(*said[place])), len(wanted))
    if right == len(wanted) == len(said):
        return
    so_far = [f"{word} at {time:.2f} s" for time, word in said]
    must = wanted[right] if right < len(wanted) else "nothing more"
    did = f"said {so_far[right]}" if right < len(said) else "did not"
    before = f"said {', '.join(so_far[:right])}. Then it " if right else ""
    raise AssertionError(f"{story}. Of {peer}, node {node} {before}had to say {must}; it {did}")


def turns(once, node, peer):
    """(time, word) of whatever changes in what a node says of a peer. Each life begins with all peers down, unsaid."""
    found = []
    for life in once.nodes[node].lives:
        last = "down"
        for time, word in said_in(once, node, peer, life):
            if word != last:
                found.append((time, word))
                last = word
    return found


def said_in(once, node, peer, life):
    return [(time, word) for time, word in said_of(once, node, peer) if life.start <= time <= life.end]


def said_of(once, node, peer):
    """(time, word) of each line about a peer."""
    lines = [(time, LINE.fullmatch(line)) for time, line in once.lines(node)]
    return [(time, line[1]) for time, line in lines if line and line[2] == peer]


def each_line(once, node, peers):
    """Every line is in the form that it must have, and changes something."""
    for life in once.nodes[node].lives:
        last = dict.fromkeys(peers, "down")
        for time, text in once.lines(node):
            if life.start <= time <= life.end:
                line = LINE.fullmatch(text)
                assert line and line[2] in last, f"node {node} wrote {text[:80]!r} at {time:.2f} s; a line is `up PEER` or `down PEER`"
                word, peer = line.groups()
                was = f"{peer} was {last[peer]} already" if peer in once_said(once, node, life, time) else f"{peer} had never been up"
                assert word != last[peer], f"node {node} said {text!r} at {time:.2f} s, but {was}"
                last[peer] = word


def once_said(once, node, life, until):
    """Peers of which something was said in that life before."""
    return {line.split()[-1] for time, line in once.lines(node) if life.start <= time < until and line.split()}


def all_is_well(once):
    """In the end each node that runs says of those that run that they are up, and of the others that they are not."""
    alive = [name for name, node in once.nodes.items() if node.exit is not None and node.exit.kind == "running"]
    for node, peer in pairs(once.nodes):
        if node in alive:
            life = once.nodes[node].lives[-1]
            said = [(time, word) for time, word in turns(once, node, peer) if time >= life.start]
            state = said[-1][1] if said else "down"
            should = "up" if peer in alive else "down"
            fact = f"after {PEACE} s nothing happened any more, and node {peer} {'ran' if should == 'up' else 'was dead'}"
            assert state == should, f"{fact}, but for node {node} it was {state} at {once.at:.0f} s"
            late = [time for time, _ in said if time > SETTLED]
            assert not late, f"{fact}, but node {node} said {state} of it at {late[-1]:.2f} s"


# What a node sends


def heard(once, client):
    """(time, data) of each datagram that one of the suite's peers received."""
    return [(time, data) for time, who, data in once.notes("heard") if who == client and isinstance(data, str)]


def regular(once, client, start, until):
    """All that came is heartbeats of one life, at the right times."""
    last, newest = start, None
    for time, data in heard(once, client):
        came = f"peer {client} received {data[:60]!r} at {time:.2f} s"
        beat = BEAT.fullmatch(data)
        assert beat and beat[1] == "a", f"{came}; a heartbeat is `beat NAME LIFE NUMBER` and a newline"
        life, number = int(beat[2]), int(beat[3])
        assert life > 0, f"{came}; a life is 1 or more"
        if newest is None:
            assert time <= start + 2 * PERIOD, f"{came}, and nothing before; the node was started at {start} s"
        else:
            gap, before = time - last, f"{newest[1]} of life {newest[0]} at {last:.2f} s"
            assert life == newest[0], f"{came}, after number {before}, though node a has not ended"
            assert number > newest[1], f"{came}, after number {before}: numbers must grow"
            assert PERIOD - UNEVEN <= gap <= PERIOD + UNEVEN, f"{came}, after number {before}; one must be sent every {PERIOD} s"
        last, newest = time, (life, number)
    assert newest, f"peer {client} received no heartbeat"
    assert until - last <= PERIOD + UNEVEN, f"peer {client} received no heartbeat after {last:.2f} s, although it waited until {until} s"


def later_lives(once, node):
    """Each life of a node has a number higher than all that were heard before. What peer w notes of a life is how it begins."""
    highest = 0
    for life in once.nodes[node].lives:
        told = [BEAT.fullmatch(data) for time, data in heard(once, "w") if life.start <= time <= life.end + GRACE / 2]
        numbers = [int(beat[2]) for beat in told if beat and beat[1] == node]
        ran = f"node {node} was started at {life.start:.2f} s"
        length = life.end - life.start
        assert numbers or length < 2 * PERIOD, f"{ran} and ran for {length:.2f} s, but its peer w heard of no new life"
        lowest = min(numbers, default=highest + 1)
        assert lowest > highest, f"{ran}, and its heartbeats had LIFE {lowest}, but it had told LIFE {highest} before that"
        highest = max([highest, *numbers])


# Who takes part


def pairs(names):
    return [(node, peer) for node in sorted(names) for peer in sorted(names) if node != peer]


def every(start, end):
    """Times, a period apart."""
    return [start + PERIOD * number for number in range(round((end - start) / PERIOD) + 1)]


def spread(exam, start, end):
    """Such times, with a beginning by chance."""
    return every(start + exam.random.uniform(0, PERIOD), end - PERIOD)


def beats(name, life, numbers, times):
    """[time, text] of heartbeats with these numbers, or numbered from that one on."""
    numbers = numbers if isinstance(numbers, list) else range(numbers, numbers + len(times))
    return [[time, f"beat {name} {life} {number}\n"] for time, number in zip(times, numbers, strict=True)]


def talk(exam, says):
    """What one of the suite's peers says: see drivers/peer.py."""
    return sorted(says, key=lambda say: say[0])


def simulate(exam, names, clients=None, peers=None, notes="nothing", until=20, runs=RUNS, **settings):
    """Nodes of these names, and peers of the suite's that say what they have to. The first node is the one that they talk to."""
    clients = clients or {}
    all_names = [*names, *clients]
    nodes = {}
    for name in names:
        others = [peer for peer in peers or all_names if peer != name]
        nodes[name] = ["node.py", name, f"{name}:{PORT}", *(f"{peer}={peer}:{PORT}" for peer in others)]
    programs = {}
    for name, says in clients.items():
        plan = {"says": says, "notes": notes, "until": until - LEAVES}
        programs[name] = ["drivers/peer.py", PORT, f"{names[0]}:{PORT}", json.dumps(plan)]
    return exam.simulate(nodes=nodes, clients=programs, until=until, runs=runs, **settings)
