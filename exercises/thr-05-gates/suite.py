"""Gates for threads, looked at in two ways.

Where only the order of whole calls matters, each call has an ordinary thread beside the student's module, and `exam.quiet()` tells who
waits for good. Where the moment between two operations matters, a scene of drivers/scenes.py is run under many schedules: whatever is
asserted of it holds in every one of them, in virtual time.
"""


def limiter_max(exam):
    places = 2
    words = f"four threads visit a Limiter({places}), stay until nobody can move any more, and leave at once; then {places} go in again"
    scene(exam, words, "crowd", lambda seen: crowded(exam, seen, places), places=places, visitors=4)
    check = lambda seen: exam.equal(seen["most"], 1, "how many were inside at the same time")
    scene(exam, "three threads visit a Limiter(1)", "queue_of_visitors", check, visitors=3)


def limiter_error(exam):
    places, word = exam.random.randint(1, 3), exam.random.randbytes(4).hex()
    with exam.during(f"a Limiter({places}), and {places + 1} threads one after the other whose work inside the with statement raises"):
        came_out = exam.drive("drivers/beside.py:fail_inside", "gates.py", places=places, word=word)
        exam.equal(came_out, [f"{word} {number}" for number in range(places + 1)], "what came out of the with statements")


def over_release(exam):
    places = exam.random.randint(2, 4)
    limiter = exam.load("gates.py").Limiter(places)
    with exam.during(f"a Limiter({places}) in which nobody is"):
        exam.raises("ValueError", limiter.release)
    for _ in range(places):
        limiter.acquire()
    extra = exam.background(limiter.acquire)
    none_returned(exam, [extra], f"{places} threads are inside a Limiter({places}) after a release too many; one more calls acquire")
    limiter.release()
    extra.result()
    for _ in range(places):
        limiter.release()
    with exam.during(f"a Limiter({places}) that {places + 1} threads have entered and left"):
        exam.raises("ValueError", limiter.release)


def latch(exam):
    gates = exam.load("gates.py")
    events = exam.random.randint(2, 4)
    latch = gates.Latch(events)
    waits = [exam.background(latch.wait) for _ in range(3)]
    none_returned(exam, waits, f"three threads wait for a Latch({events})")
    for _ in range(events - 1):
        latch.count_down()
    none_returned(exam, waits, f"three threads wait for a Latch({events}), and count_down was called {events - 1} times")
    latch.count_down()
    all_returned(exam, waits, f"three threads wait for a Latch({events}), and count_down was called {events} times")
    with exam.during("a latch that is open"):
        latch.wait()
        latch.count_down()
        latch.wait()
    with exam.during("a Latch(0)"):
        gates.Latch(0).wait()

    events = 2
    words = f"a thread calls wait of a Latch({events}) while {events} others call count_down"
    check = lambda seen: exam.equal(seen, events, "calls of count_down that had begun when wait returned")
    scene(exam, words, "countdown", check, events=events)


def barrier(exam):
    gates = exam.load("gates.py")
    parties = exam.random.randint(3, 5)
    barrier = gates.CyclicBarrier(parties)
    waits = [exam.background(barrier.wait) for _ in range(parties - 1)]
    none_returned(exam, waits, f"{parties - 1} threads wait at a CyclicBarrier({parties})")
    waits.append(exam.background(barrier.wait))
    all_returned(exam, waits, f"{parties} threads wait at a CyclicBarrier({parties})")
    with exam.during("a CyclicBarrier(1)"):
        lonely = gates.CyclicBarrier(1)
        lonely.wait()
        lonely.wait()


def barrier_reuse(exam):
    for parties, rounds in (2, 3), (3, 2):
        words = f"{parties} threads meet {rounds} times at a CyclicBarrier({parties})"
        scene(exam, words, "laps", lambda seen: met_in_each_round(exam, seen, parties), parties=parties, rounds=rounds)


def action_once(exam):
    parties = 2
    words = f"{parties} threads complete one round"
    scene(exam, words, "acted", lambda seen: acted_once(exam, seen, parties), parties=parties)
    for kind in "Trouble", "SystemExit":
        words = f"{parties} threads complete a round whose action raises {kind}"
        scene(exam, words, "action_fails", lambda seen: all_were_told(exam, seen, kind), parties=parties, kind=kind)


def abort(exam):
    gates = exam.load("gates.py")
    parties = exam.random.randint(3, 5)
    barrier = gates.CyclicBarrier(parties)
    waits = [exam.background(barrier.wait) for _ in range(parties - 1)]
    none_returned(exam, waits, f"{parties - 1} threads wait at a CyclicBarrier({parties})")
    barrier.abort()
    all_broken(exam, waits, f"{parties - 1} threads waited at a CyclicBarrier({parties}), and abort was called")
    with exam.during("after abort"):
        exam.raises("BrokenBarrier", barrier.wait)

    barrier.reset()
    waits = [exam.background(barrier.wait) for _ in range(parties - 1)]
    none_returned(exam, waits, f"after abort and reset, {parties - 1} threads wait at a CyclicBarrier({parties})")
    barrier.reset()
    all_broken(exam, waits, f"{parties - 1} threads waited at a CyclicBarrier({parties}), and reset was called")

    waits = [exam.background(barrier.wait) for _ in range(parties - 1)]
    none_returned(exam, waits, f"after a reset that sent {parties - 1} away, {parties - 1} threads wait at a CyclicBarrier({parties})")
    waits.append(exam.background(barrier.wait))
    all_returned(exam, waits, f"after a reset, {parties} threads wait at a CyclicBarrier({parties})")

    unused = gates.CyclicBarrier(2)
    unused.abort()
    with exam.during("after abort of a CyclicBarrier(2) at which nobody waited"):
        exam.raises("BrokenBarrier", unused.wait)

    words = "a thread waits at a CyclicBarrier(2), and another calls reset and then wait"
    scene(exam, words, "sent_away", lambda seen: not_counted_again(exam, seen))


def late_abort(exam):
    for method in "abort", "reset":
        words = f"two threads complete a round, and one of them then calls {method}"
        scene(exam, words, "afterwards", lambda seen: exam.equal(seen, [], "what the two met"), method=method)


def timeout_breaks(exam):
    barrier = exam.load("gates.py").CyclicBarrier(2)
    with exam.during("wait with a time-out of 0, by the first of two"):
        exam.raises("BrokenBarrier", barrier.wait, timeout=0)

    gates = exam.load("gates.py")
    with exam.during("wait with a time-out of 0, by those for whom nothing is left to wait for"):
        gates.CyclicBarrier(1).wait(timeout=0)
        barrier = gates.CyclicBarrier(2)
        first = exam.background(barrier.wait)
        exam.quiet()
        barrier.wait(timeout=0)
        first.result()

    seconds = exam.random.randint(5, 15)
    words = f"two of three threads wait, one of them with a time-out of {seconds}"
    scene(exam, words, "one_too_few", lambda seen: broken_in_time(exam, seen, seconds), seconds=seconds)
    words = "two threads have come, and while the action is at work the time-out of the first passes"
    scene(exam, words, "slow_action", lambda seen: all_or_none(exam, seen), seconds=seconds)


def index(exam):
    parties = exam.random.randint(3, 5)
    barrier = exam.load("gates.py").CyclicBarrier(parties)
    for words in "the first round", "the second round":
        waits = []
        for _ in range(parties):
            waits.append(exam.background(barrier.wait))
            exam.quiet()
        returned = [wait.result() for wait in waits]
        exam.equal(returned, list(range(parties)), f"{words} of a CyclicBarrier({parties}): what wait returned, in order of arrival")


def scene(exam, words, name, check=lambda seen: None, **arguments):
    """A scene under many schedules. Besides the check, nobody may wait for ever.

    Who sleeps wakes up in the order of the clock: that sleeping is no way to wait is for the other cases to say.
    """
    with exam.during(words):
        exam.explore(f"drivers/scenes.py:{name}", module="gates.py", sleepers_may_wake=False, **arguments).always(check)


def crowded(exam, seen, places):
    exam.equal(seen["most"], places, "how many were inside at the same time at most")
    exam.equal(seen["settled"], places, "how many were inside when nobody could move any more")


def met_in_each_round(exam, seen, parties):
    for number in seen["early"]:
        exam.fail(f"a thread went on in round {number} before all {parties} had called wait for the {ordinal(number)} time")
    for number, indices in enumerate(seen["indices"], 1):
        exam.equal(len(set(map(str, indices))), parties, f"round {number}: how many different indices wait gave the {parties} threads")


def acted_once(exam, seen, parties):
    exam.equal(len(seen["round"]), 1, "how many times the action ran")
    arrived, through = seen["round"][0]
    exam.equal(arrived, parties, "calls of wait that had begun when the action ran")
    exam.equal(through, 0, "calls of wait that had returned when the action ran")
    exam.equal(seen["alone"], 3, "a CyclicBarrier(1) whose wait was called three times: how many times its action ran")


def all_were_told(exam, seen, kind):
    exam.equal(sorted(map(str, seen["round"])), sorted(["BrokenBarrier", kind]), "what the threads met, in any order")
    exam.equal(seen["later"], "BrokenBarrier", "what a later wait met")


def not_counted_again(exam, seen):
    exam.equal(seen["waited"], "BrokenBarrier", "what the first one met")
    exam.equal(seen["through"], 0, "how many calls of wait after the reset have returned when nobody can move any more")
    for outcome in seen["round"]:
        if type(outcome) is str:
            exam.fail(f"then one more called wait, so that the round was complete, but one of the two met {outcome}")


def broken_in_time(exam, seen, seconds):
    exam.equal([outcome for outcome, _ in seen["met"]], ["BrokenBarrier"] * 2, "what the one without and the one with it met")
    for _, after in seen["met"]:
        if not seconds <= after < seconds + 1:
            exam.fail(f"the barrier was to break after {seconds} seconds, but did after {after:.1f}")
    exam.equal(seen["later"], "BrokenBarrier", "what a third one met later")


def all_or_none(exam, seen):
    if seen.count("BrokenBarrier") not in (0, 2):
        exam.fail(f"either both get an index or both BrokenBarrier, but the first got {seen[0]} and the second {seen[1]}")


def none_returned(exam, calls, when):
    if exam.quiet().polling:
        exam.fail(f"{when}: a thread wakes up again and again to look; it must do nothing until another thread wakes it")
    exam.equal(len(returned(calls)), 0, f"{when}: how many of the calls have returned")


def all_returned(exam, calls, when):
    exam.quiet()
    exam.equal(len(returned(calls)), len(calls), f"{when}: how many of the calls have returned")


def all_broken(exam, waits, when):
    with exam.during(when):
        for wait in waits:
            wait.raises("BrokenBarrier")


def returned(calls):
    """What the calls that have ended returned; one that raised fails the case with its traceback."""
    return [call.result() for call in calls if call.done()]


def ordinal(number):
    return ("first", "second", "third")[number - 1]
