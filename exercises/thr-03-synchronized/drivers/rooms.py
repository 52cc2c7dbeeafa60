"""Two or three threads that each go into a synchronized function, under a scheduler. Decides nothing.

Whoever is inside stays until whoever may come in has come in. What is returned is how many were inside at the same time. Where a scene is
not about the first call, an earlier one has made the lock.
"""
import threading

# Virtual seconds: longer than whatever a program may sleep on its way in.
LONG = 10**6


class Visits:
    """Who is inside. `together` is how many should get in at the same time."""

    def __init__(self, together):
        self.together = together
        self.now = 0
        self.most = 0
        self.complete = threading.Event()

    def stay(self):
        self.now += 1
        self.most = max(self.most, self.now)
        if self.together == 1:
            settle()
        else:
            # Those who sleep on their way in are waited for as well.
            if self.now == self.together:
                self.complete.set()
            self.complete.wait(LONG)
        self.now -= 1

    def by(self, *functions):
        for raised in threads(*functions):
            if isinstance(raised, BaseException):
                raise raised
        return self.most


def room_class(sync, visits):
    class Room:
        @sync.synchronized
        def look(self):
            pass

        @sync.synchronized
        def one(self):
            visits.stay()

        @sync.synchronized
        def two(this):
            visits.stay()

        @sync.synchronized
        @classmethod
        def found(cls):
            pass

        def __eq__(self, other):
            return isinstance(other, Room)

        def __hash__(self):
            return 0

    return Room


def one_object(sync, together, methods):
    visits = Visits(together)
    room = room_class(sync, visits)()
    return visits.by(*(getattr(room, method) for method in methods))


def one_object_again(sync, together):
    """Who leaves and comes back at once is there before another one, who has waited, is on its way."""
    visits = Visits(together)
    room = room_class(sync, visits)()
    room.look()

    def twice():
        room.one()
        room.one()

    return visits.by(twice, room.one)


def two_objects(sync, together):
    visits = Visits(together)
    Room = room_class(sync, visits)
    Room.found()
    return visits.by(Room().one, Room().one)


def called_through_the_class(sync, together):
    visits = Visits(together)
    Room = room_class(sync, visits)
    room = Room()
    room.look()
    return visits.by(room.one, lambda: Room.two(room))


class Thing:
    """An argument, with a `__dict__`."""


def one_function(sync, together):
    visits = Visits(together)

    @sync.synchronized
    def function(argument):
        visits.stay()

    return visits.by(lambda: function(Thing()), lambda: function(Thing()))


def two_functions(sync, together):
    visits = Visits(together)

    @sync.synchronized
    def one(argument):
        visits.stay()

    @sync.synchronized
    def other(argument):
        visits.stay()

    thing = Thing()
    return visits.by(lambda: one(thing), lambda: other(thing))


def stays_after_a_call_inside(sync, together):
    """Each thread goes in twice and out once, then stays."""
    visits = Visits(together)

    class Room:
        @sync.synchronized
        def outer(self):
            self.inner()
            visits.stay()

        @sync.synchronized
        def inner(self):
            pass

    room = Room()
    room.inner()
    return visits.by(room.outer, room.outer)


def class_methods(sync, together, first):
    """Two class methods of one class, as the first call of all or not."""
    visits = Visits(together)
    Room = class_with_class_methods(sync, visits)
    if not first:
        Room.look()
    return visits.by(Room.one, Room.two)


def two_classes(sync, together):
    visits = Visits(together)
    Room, Other = [class_with_class_methods(sync, visits) for _ in range(2)]
    for each in (Room, Other):
        each.look()
    return visits.by(Room.one, Other.one)


def class_and_subclass(sync, together):
    visits = Visits(together)
    Room = class_with_class_methods(sync, visits)

    class Derived(Room):
        pass

    for each in (Room, Derived):
        each.look()
    return visits.by(Room.one, Derived.one)


def class_with_class_methods(sync, visits):
    class Room:
        @sync.synchronized
        @classmethod
        def look(cls):
            pass

        @sync.synchronized
        @classmethod
        def one(cls):
            visits.stay()

        @sync.synchronized
        @classmethod
        def two(cls):
            visits.stay()

    return Room


def static_methods(sync, together, methods):
    visits = Visits(together)

    class Room:
        @sync.synchronized
        @staticmethod
        def one(argument):
            visits.stay()

        @sync.synchronized
        @staticmethod
        def two(argument):
            visits.stay()

    # One of them by the class, the other by an object.
    first, second = getattr(Room, methods[0]), getattr(Room(), methods[1])
    return visits.by(lambda: first(Thing()), lambda: second(Thing()))


def lock_given(sync, together, same):
    """Two functions with one lock, or with a lock each."""
    visits = Visits(together)
    lock = threading.Lock()

    @sync.synchronized(lock)
    def one():
        visits.stay()

    @sync.synchronized(lock if same else threading.Lock())
    def other():
        visits.stay()

    return visits.by(one, other)


def lock_of_an_attribute(sync, together, same):
    """Methods of two objects with one door, or with a door each."""
    visits = Visits(together)

    class Room:
        def __init__(self, door):
            self.door = door

        @sync.synchronized(attr="door")
        def visit(self):
            visits.stay()

    door = threading.Lock()
    return visits.by(Room(door).visit, Room(door if same else threading.Lock()).visit)


def base_and_override(sync, together):
    """The override of a method, beside another method of the base class; before that, an override that calls super()."""
    visits = Visits(together)

    class Base:
        @sync.synchronized
        def look(self):
            pass

        @sync.synchronized
        def visit(self):
            pass

        @sync.synchronized
        def other(self):
            visits.stay()

    class Derived(Base):
        @sync.synchronized
        def look(self):
            super().look()

        @sync.synchronized
        def visit(self):
            visits.stay()

    room = Derived()
    room.look()
    return visits.by(room.visit, room.other)


def in_order(sync, together, pairs):
    """Threads that each take two of the same ranked locks, given in any order."""
    visits = Visits(together)
    locks = [sync.ranked_lock() for _ in pairs]

    def take(pair):
        with sync.acquiring(*(locks[index] for index in pair)):
            visits.stay()

    return visits.by(*(lambda pair=pair: take(pair) for pair in pairs))


def made_at_once(sync):
    """Two threads make a ranked lock each; of each order of taking both, whether it was refused."""
    locks = threads(sync.ranked_lock, sync.ranked_lock)
    refused = []
    for first, second in (locks, locks[::-1]):
        first.acquire()
        try:
            second.acquire()
            second.release()
            refused.append(False)
        except sync.OrderError:
            refused.append(True)
        first.release()
    return sorted(refused)
