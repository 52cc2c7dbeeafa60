"""What the pool is given to do, beside the student's module and with ordinary threads. Decides nothing."""

import threading
import types


class Trouble(Exception):
    pass


KINDS = {kind.__name__: kind for kind in (SystemExit, KeyboardInterrupt, ValueError, Trouble)}


def jobs(_, gate=""):
    """Functions to submit. `stay` goes through the gate that `gate` is the code of."""
    lab = types.SimpleNamespace()
    exec(gate, lab.__dict__)

    def fail(name, *arguments):
        raise KINDS[name](*arguments)

    def stay(label):
        lab.enter(label)
        return label + "!"

    def fall(name):
        lab.enter(name)
        fail(name)

    lab.fall = fall
    lab.join = lambda *words: " ".join(words)
    lab.nothing = lambda: None
    lab.fail = fail
    lab.stay = stay
    lab.each = iter
    return lab


def leave(pool, words):
    """A with statement around some calls: which of them are over after it, and what they gave."""
    with pool.ThreadPool(1) as workers:
        futures = [workers.submit(str.upper, word) for word in words]
    return [[future.done(), future.result()] for future in futures]


def leave_by_an_error(pool, word):
    """A with statement around a call and an error: what came out of it, and whether the call is over then."""
    error = None
    try:
        with pool.ThreadPool(1) as workers:
            future = workers.submit(str.upper, word)
            raise Trouble(word)
    except Trouble as trouble:
        error = type(trouble).__name__
    return [error, future.done()]


def callbacks(pool, word):
    """Callbacks of a call under way, two of which raise; and what became of the future, the later callbacks and the worker."""
    workers = pool.ThreadPool(1)
    begun, go_on = threading.Event(), threading.Event()
    told, over = [], threading.Event()

    def work():
        begun.set()
        go_on.wait()
        return word

    def tell(name):
        return lambda future: told.append([name, future is call, future.done(), future.result()])

    def fail(name):
        def tell_and_fail(future):
            tell(name)(future)
            raise KINDS[name](word)

        return tell_and_fail

    call = workers.submit(work)
    begun.wait()
    for callback in tell("first"), fail("Trouble"), fail("SystemExit"), tell("last"), lambda future: over.set():
        call.add_callback(callback)
    before = list(told)
    go_on.set()
    over.wait()
    after = list(told)
    call.add_callback(tell("late"))
    late = told[len(after) :]
    raised = raised_by(call.add_callback, fail("Trouble"))
    return [before, after, late, raised, call.result(), workers.submit(str.upper, word).result()]


def callbacks_of_a_cancelled(pool):
    """Callbacks, one of which raises, of a call that is cancelled before it begins."""
    workers = pool.ThreadPool(1)
    go_on = threading.Event()
    workers.submit(go_on.wait)
    call, told = workers.submit(int), []

    def tell_and_fail(future):
        told.append(future.done())
        raise Trouble

    call.add_callback(tell_and_fail)
    call.add_callback(lambda future: told.append(future.done()))
    raised = raised_by(call.cancel)
    go_on.set()
    workers.submit(int).result()
    return [raised, told]


def raised_by(function, *arguments):
    """The name of what it raised, None if it raised nothing."""
    try:
        function(*arguments)
    except BaseException as error:
        return type(error).__name__


def nested(pool, count):
    """A call that submits others to its own pool of one, and does not wait for them."""
    workers = pool.ThreadPool(1)
    outer = workers.submit(lambda: [workers.submit(lambda number=number: number * number) for number in range(count)])
    return [inner.result() for inner in outer.result()]


def nested_in_callback(pool, number):
    """A callback that submits to its own pool of one."""
    workers = pool.ThreadPool(1)
    submitted, over = [], threading.Event()

    def again(future):
        submitted.append(workers.submit(lambda: future.result() + 1))
        over.set()

    workers.submit(lambda: number).add_callback(again)
    over.wait()
    return submitted[0].result()
