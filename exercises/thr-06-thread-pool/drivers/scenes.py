"""Small scenes around a pool. Each says what was seen and decides nothing.

Code of this file has no points of its own: between two calls of the student's it is not interrupted.
"""

import threading


def asked(pool, number):
    """Three threads ask what became of a call that may just end."""
    workers = pool.ThreadPool(1)
    call = workers.submit(abs, number)
    answers = threads(call.result, call.result, call.error)
    workers.shutdown()
    return said(answers)


def asked_too_early(pool, seconds):
    """A result is asked for with a time-out that passes before the call ends: what that gave, when, and the result in the end."""
    workers = pool.ThreadPool(1)
    forever = threading.Lock()
    forever.acquire()
    call = workers.submit(lambda: forever.acquire(timeout=2 * seconds))
    start = clock()
    outcome = said(attempt(call.result, seconds))
    after = clock() - start
    later = said(attempt(call.result))
    workers.shutdown()
    return [outcome, after, later]


def all_at_work(pool):
    """A call that ends at once and two that stay: how many of those are at work when nobody can move any more."""
    workers = pool.ThreadPool(2)
    door = threading.Lock()
    door.acquire()
    begun = []

    def stay():
        begun.append(1)
        with door:
            pass

    workers.submit(int)
    for _ in range(2):
        workers.submit(stay)
    settle()
    seen = len(begun)
    door.release()
    workers.shutdown()
    return seen


def late_submit(pool, numbers):
    """One thread submits while another shuts down: which calls were taken, which have run, which futures are over in the end."""
    workers = pool.ThreadPool(1)
    ran = []

    def submit():
        futures = {}
        for number in numbers:
            try:
                futures[str(number)] = workers.submit(ran.append, number)
            except RuntimeError:
                pass
        return futures

    futures, shut = threads(submit, workers.shutdown)
    if isinstance(futures, BaseException) or isinstance(shut, BaseException):
        return {"met": [said(futures), said(shut)]}
    settle()
    over = [name for name in futures if futures[name].done()]
    return {"met": [], "taken": list(futures), "ran": [str(number) for number in ran], "over": over}


def late_cancel(pool, number):
    """Two threads cancel a call while it may just begin."""
    workers = pool.ThreadPool(1)
    ran = []

    def work():
        ran.append(number)
        return number

    call = workers.submit(work)
    cancelled = threads(call.cancel, call.cancel)
    workers.shutdown()
    outcome = attempt(call.result)
    return {"cancelled": said(cancelled), "ran": said(ran), "outcome": said(outcome)}


def late_callback(pool, number):
    """A callback is added while the call may just end: whether each call of it was given the future."""
    workers = pool.ThreadPool(1)
    told = []
    call = workers.submit(abs, number)
    call.add_callback(lambda future: told.append(future is call))
    settle()
    seen = list(told)
    workers.shutdown()
    return seen


def goes_home(pool, size, calls):
    """How many threads there are more after the pool was used and shut down than before it was made."""
    before = threading.active_count()
    workers = pool.ThreadPool(size)
    for number in range(calls):
        workers.submit(abs, number)
    workers.shutdown()
    return threading.active_count() - before


def attempt(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return error


def said(outcome):
    """An outcome as the suite can read it: what is plain as it is, an exception or another object by the name of its type."""
    if isinstance(outcome, list):
        return [said(part) for part in outcome]
    plain = outcome is None or type(outcome) in (bool, str) or type(outcome) is int and outcome.bit_length() < 64
    return outcome if plain else type(outcome).__name__
