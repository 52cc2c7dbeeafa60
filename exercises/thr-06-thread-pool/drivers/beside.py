"""What the pool is given to do, beside the student's module and with ordinary threads. Decides nothing."""

import threading
import types


class Trouble(Exception):
    pass


def jobs(_, gate=""):
    """Functions to submit. `stay` goes through the gate that `gate` is the code of."""
    lab = types.SimpleNamespace()
    exec(gate, lab.__dict__)

    def fail(name, *arguments):
        kinds = [SystemExit, KeyboardInterrupt, ValueError, Trouble]
        raise next(kind for kind in kinds if kind.__name__ == name)(*arguments)

    def stay(label):
        lab.enter(label)
        return label + "!"

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


def callbacks(pool, word):
    """Callbacks of a call under way, one of which raises; and what became of the future, the later callbacks and the worker."""
    workers = pool.ThreadPool(1)
    begun, go_on = threading.Event(), threading.Event()
    told, over = [], threading.Event()

    def work():
        begun.set()
        go_on.wait()
        return word

    def tell(name):
        return lambda future: told.append([name, future is call, future.done(), future.result()])

    def fail(future):
        told.append(["failing", future is call, future.done(), future.result()])
        raise Trouble(word)

    call = workers.submit(work)
    begun.wait()
    for callback in tell("first"), fail, tell("last"), lambda future: over.set():
        call.add_callback(callback)
    before = list(told)
    go_on.set()
    over.wait()
    after = list(told)
    call.add_callback(tell("late"))
    late = told[len(after) :]
    return [before, after, late, call.result(), workers.submit(str.upper, word).result()]


def callback_of_a_cancelled(pool):
    """A callback of a call that is cancelled before it begins."""
    workers = pool.ThreadPool(1)
    go_on = threading.Event()
    workers.submit(go_on.wait)
    call, told = workers.submit(int), []
    call.add_callback(lambda future: told.append(future.done()))
    call.cancel()
    go_on.set()
    workers.submit(int).result()
    return told


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
