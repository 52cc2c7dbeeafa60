"""Gates for threads, looked at in two ways.

Where only the order of whole calls matters, each call has an ordinary thread beside the student's module, and `exam.quiet()` tells who
waits for good. Where the moment between two operations matters, a scene of drivers/scenes.py is run under many schedules: whatever is
asserted of it holds in every one of them, in virtual time.
"""


def limiter_max(exam):
    places = 2
    exam.explore("drivers/scenes.py:crowd", module="gates.py", places=places, visitors=3).always(
        lambda seen: crowded(exam, seen, places)
    )
    exam.explore("drivers/scenes.py:queue_of_visitors", module="gates.py", visitors=3).always(
        lambda seen: exam.equal(seen["most"], 1, "three threads visit a Limiter(1); how many were inside at the same time")
    )


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
    exam.explore("drivers/scenes.py:countdown", module="gates.py", events=events).always(
        lambda seen: exam.equal(seen, events, f"calls of count_down that had begun when wait of a Latch({events}) returned")
    )


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
        exam.explore("drivers/scenes.py:laps", module="gates.py", parties=parties, rounds=rounds).always(
            lambda seen: met_in_each_round(exam, seen, parties)
        )


def action_once(exam):
    parties = 2
    exam.explore("drivers/scenes.py:acted", module="gates.py", parties=parties).always(lambda seen: acted_once(exam, seen, parties))
    exam.explore("drivers/scenes.py:action_fails", module="gates.py", parties=parties).always(
        lambda seen: exam.equal(
            [sorted(map(str, seen["round"])), seen["later"]],
            [["BrokenBarrier", "Trouble"], "BrokenBarrier"],
            f"{parties} threads and an action that raises Trouble: what the threads met, and what a later wait met",
        )
    )


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


def late_abort(exam):
    for method in "abort", "reset":
        exam.explore("drivers/scenes.py:afterwards", module="gates.py", method=method).always(
            lambda seen: exam.equal(seen, [], f"two threads completed a round, and one of them then called {method}: what the two met")
        )


def timeout_breaks(exam):
    barrier = exam.load("gates.py").CyclicBarrier(2)
    with exam.during("wait with a time-out of 0, by the first of two"):
        exam.raises("BrokenBarrier", barrier.wait, timeout=0)

    seconds = exam.random.randint(5, 50)
    exam.explore("drivers/scenes.py:one_too_few", module="gates.py", seconds=seconds).always(
        lambda seen: broken_in_time(exam, seen, seconds)
    )
    exam.explore("drivers/scenes.py:slow_action", module="gates.py", seconds=seconds).always(lambda seen: all_or_none(exam, seen))


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


def crowded(exam, seen, places):
    scene = f"three threads visit a Limiter({places}) and stay there"
    exam.equal(seen["most"], places, f"{scene}: how many were inside at the same time at most")
    exam.equal(seen["settled"], places, f"{scene}: how many were inside when nobody could move any more")


def met_in_each_round(exam, seen, parties):
    for number in seen["early"]:
        exam.fail(f"a thread went on in round {number} before all {parties} had called wait for the {ordinal(number)} time")
    for number, indices in enumerate(seen["indices"], 1):
        exam.equal(len(set(map(str, indices))), parties, f"round {number}: how many different indices wait gave the {parties} threads")


def acted_once(exam, seen, parties):
    scene = f"{parties} threads complete one round"
    exam.equal(len(seen["round"]), 1, f"{scene}: how many times the action ran")
    arrived, through = seen["round"][0]
    exam.equal(arrived, parties, f"{scene}: calls of wait that had begun when the action ran")
    exam.equal(through, 0, f"{scene}: calls of wait that had returned when the action ran")
    exam.equal(seen["alone"], 3, "a CyclicBarrier(1) whose wait was called three times: how many times its action ran")


def broken_in_time(exam, seen, seconds):
    scene = f"two of three threads wait, one of them with a time-out of {seconds}"
    exam.equal([outcome for outcome, _ in seen["met"]], ["BrokenBarrier"] * 2, f"{scene}: what the one without and the one with it met")
    for _, after in seen["met"]:
        if not seconds <= after < seconds + 1:
            exam.fail(f"{scene}: the barrier was to break after {seconds} seconds, but did after {after:.1f}")
    exam.equal(seen["later"], "BrokenBarrier", f"{scene}: what a third one met later")


def all_or_none(exam, seen):
    if seen.count("BrokenBarrier") not in (0, 2):
        exam.fail(
            "two threads have come, and while the action is at work the time-out of the first passes: "
            f"either both get an index or both BrokenBarrier, but the first got {seen[0]} and the second {seen[1]}"
        )


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
