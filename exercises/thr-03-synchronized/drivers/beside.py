"""Classes, functions and locks that can only live beside the student's module; one thread at a time. Decides nothing."""
import inspect
import threading


class LoggedLock:
    """A lock that writes down what is done to it."""

    def __init__(self, label, log):
        self.label = label
        self.log = log
        self.lock = threading.Lock()

    def acquire(self):
        self.lock.acquire()
        self.log.append(f"acquire {self.label}")
        return True

    def release(self):
        self.log.append(f"release {self.label}")
        self.lock.release()

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *error):
        self.release()


class Wedged(LoggedLock):
    """A lock that cannot be had."""

    def acquire(self):
        raise Trouble(self.label)


class Trouble(BaseException):
    """No Exception, so that nobody catches it by the way."""


def elsewhere(function):
    """What another thread gets from a call."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(raised_by(function)))
    thread.start()
    thread.join()
    return answers[0]


def raised_by(function, *arguments):
    """What it raised, named as the examiner will read it, or None."""
    try:
        function(*arguments)
    except BaseException as error:
        return f"{type(error).__name__} {error}" if isinstance(error, Trouble) else type(error).__name__
    return None


# re-entrant


def countdown(sync, start):
    """A function, then a method, that call themselves, and a method that calls another one."""

    @sync.synchronized
    def count(number):
        return [number] if not number else [number, *count(number - 1)]

    class Counter:
        @sync.synchronized
        def count(self, number):
            return [number] if not number else [number, *self.less(number)]

        @sync.synchronized
        def less(self, number):
            return self.count(number - 1)

    return [count(start), Counter().count(start)]


# given-lock


def doors_changed(sync, labels):
    """Three calls of a method that is synchronized with an attribute; the attribute changes before the second and during the third."""
    log = []
    first, second, third = [LoggedLock(label, log) for label in labels]

    class Room:
        @sync.synchronized(attr="door")
        def visit(self, door):
            log.append("inside")
            self.door = door

    room = Room()
    room.door = first
    room.visit(first)
    room.door = second
    room.visit(second)
    room.visit(third)
    return log


# metadata


def looks(sync, what, name, text):
    """What a decorated function looks like on the class and on an object, and what three calls return."""
    decorate, wrap = {
        "a method decorated with @synchronized": (sync.synchronized, None),
        "a method decorated with @synchronized(lock)": (sync.synchronized(threading.RLock()), None),
        "a method decorated with @synchronized(attr=...)": (sync.synchronized(attr="door"), None),
        "a class method decorated with @synchronized": (sync.synchronized, classmethod),
        "a static method decorated with @synchronized": (sync.synchronized, staticmethod),
    }[what]

    def method(self, first, second=2, *rest, flag=False, **more):
        return [first, second, list(rest), flag, more]

    def static(first, second=2, *rest, flag=False, **more):
        return [first, second, list(rest), flag, more]

    function = static if wrap is staticmethod else method
    function.__name__ = name
    function.__qualname__ = f"Room.{name}"
    function.__doc__ = text
    Room = type("Room", (), {name: decorate(wrap(function) if wrap else function), "door": threading.RLock()})
    room = Room()
    call = getattr(room, name)
    return [appearance(getattr(Room, name)), appearance(call), [call(1), call(1, 3, 4, 5, flag=True, other=6), call(first=7)]]


def appearance(function):
    try:
        signature = str(inspect.signature(function))
    except (TypeError, ValueError):
        signature = None
    return [text(getattr(function, "__name__", None)), text(getattr(function, "__doc__", None)), signature]


def text(value):
    return value if isinstance(value, str) else None


# error-releases


def after_an_error(sync, what, label):
    """One thread meets an error inside; another one goes in afterwards."""
    trouble = [True]

    def go():
        if trouble.pop():
            raise Trouble(label)

    first = raised_by(inside(sync, what, go))
    trouble.append(False)
    return [first, elsewhere(inside(sync, what, go))]


_doors = {}


def inside(sync, what, go):
    """A function that calls `go` with a lock held, the same lock each time."""
    if what not in _doors:
        _doors[what] = door(sync, what)
    return lambda: _doors[what](go)


def door(sync, what):
    if what == "a synchronized function":

        @sync.synchronized
        def run(go):
            go()

        return run
    if what == "a function synchronized with a lock":

        @sync.synchronized(threading.Lock())
        def run(go):
            go()

        return run
    if what == "a synchronized method":

        class Room:
            @sync.synchronized
            def visit(self, go):
                go()

        return Room().visit
    if what == "a method synchronized with an attribute":

        class Room:
            def __init__(self):
                self.door = threading.Lock()

            @sync.synchronized(attr="door")
            def visit(self, go):
                go()

        return Room().visit
    locks = [sync.ranked_lock() for _ in range(2)]

    def hold(go):
        with sync.acquiring(*locks):
            go()

    return hold


# ranks


def ranked_locks(sync, labels, log):
    """Made one after the other, in the places of others that are gone: their addresses tend to fall while their ranks rise."""
    gone = [sync.ranked_lock(LoggedLock(label, log)) for label in labels]
    while gone:
        del gone[0]
    return [sync.ranked_lock(LoggedLock(label, log)) for label in labels]


def taken_and_given_back(sync, labels, order):
    """What happens to the locks inside ranked ones."""
    log = []
    locks = ranked_locks(sync, labels, log)
    with sync.acquiring(*(locks[index] for index in order)):
        log.append("inside")
    return log


def asked_while_holding(sync, labels, way):
    """A thread that holds the middle one of three asks for the lowest; then it lets go and takes each of them."""
    log = []
    locks = low, middle, high = ranked_locks(sync, labels, log)
    asking = {
        "acquire()": lambda: (low.acquire(), low.release()),
        "with": lambda: held(low),
        "acquiring": lambda: held(sync.acquiring(low)),
        "acquiring, with a higher one": lambda: held(sync.acquiring(high, low)),
        "@synchronized(lock)": lambda: sync.synchronized(low)(lambda: log.append("inside"))(),
    }
    with middle:
        tell(log, asking[way])
    for lock in locks:
        held(lock)
    return log


def tell(log, function):
    """Writes down what it raised."""
    raised = raised_by(function)
    if raised is not None:
        log.append(f"raised {raised}")


def held(context):
    with context:
        pass


def held_by_another(sync):
    """A thread takes a lock while another thread holds a higher one."""
    low, high = sync.ranked_lock(), sync.ranked_lock()
    with high:
        return elsewhere(lambda: held(low))


def let_go_crosswise(sync):
    """Takes the lowest and the highest, lets go of the lowest, asks for the middle one; then again with nothing held."""
    low, middle, high = [sync.ranked_lock() for _ in range(3)]
    low.acquire()
    high.acquire()
    low.release()
    first = raised_by(lambda: held(middle))
    high.release()
    return [first, raised_by(lambda: held(middle)), raised_by(lambda: held(low))]


def second_one_fails(sync, labels):
    """The middle one of three locks cannot be had; then the lowest is taken here, and the first one by another thread."""
    log = []
    below = sync.ranked_lock(LoggedLock("below", log))
    first = sync.ranked_lock(LoggedLock(labels[0], log))
    second = sync.ranked_lock(Wedged(labels[1], log))
    third = sync.ranked_lock(LoggedLock(labels[2], log))
    tell(log, lambda: held(sync.acquiring(first, second, third)))
    tell(log, lambda: held(below))
    elsewhere(lambda: tell(log, lambda: held(first)))
    return log
