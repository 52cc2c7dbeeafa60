"""Two or three threads that each go into a synchronized function, under a scheduler. Decides nothing.

Whoever is inside stays until nobody else can move any more, so that whoever may come in has come in. What is returned is how many were
inside at the same time. Where a scene is not about the first call, an earlier one has made the lock.
"""
import threading


class Visits:
    def __init__(self):
        self.now = 0
        self.most = 0

    def stay(self):
        self.now += 1
        settle()
        self.most = max(self.most, self.now)
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
        def two(self):
            visits.stay()

        def __eq__(self, other):
            return isinstance(other, Room)

        def __hash__(self):
            return 0

    return Room


def one_object(sync, methods):
    visits = Visits()
    room = room_class(sync, visits)()
    return visits.by(*(getattr(room, method) for method in methods))


def two_objects(sync):
    visits = Visits()
    Room = room_class(sync, visits)
    return visits.by(Room().one, Room().one)


def called_through_the_class(sync):
    visits = Visits()
    Room = room_class(sync, visits)
    room = Room()
    room.look()
    return visits.by(room.one, lambda: Room.two(room))


def one_function(sync, argument):
    visits = Visits()

    @sync.synchronized
    def function(argument):
        visits.stay()

    return visits.by(lambda: function(argument), lambda: function(argument))


def two_functions(sync):
    visits = Visits()

    @sync.synchronized
    def one():
        visits.stay()

    @sync.synchronized
    def other():
        visits.stay()

    return visits.by(one, other)


def stays_after_a_call_inside(sync):
    """Each thread goes in twice and out once, then stays."""
    visits = Visits()

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


def class_methods(sync):
    """Two class methods of one class."""
    visits = Visits()
    Room = class_with_class_methods(sync, visits)
    return visits.by(Room.one, Room.two)


def two_classes(sync):
    visits = Visits()
    return visits.by(class_with_class_methods(sync, visits).one, class_with_class_methods(sync, visits).one)


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

    Room.look()
    return Room


def static_methods(sync, methods, argument):
    visits = Visits()

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
    return visits.by(lambda: first(argument), lambda: second(argument))


def lock_given(sync, same):
    """Two functions with one lock, or with a lock each."""
    visits = Visits()
    lock = threading.Lock()

    @sync.synchronized(lock)
    def one():
        visits.stay()

    @sync.synchronized(lock if same else threading.Lock())
    def other():
        visits.stay()

    return visits.by(one, other)


def lock_of_an_attribute(sync, same):
    """Methods of two objects with one door, or with a door each."""
    visits = Visits()

    class Room:
        def __init__(self, door):
            self.door = door

        @sync.synchronized(attr="door")
        def visit(self):
            visits.stay()

    door = threading.Lock()
    return visits.by(Room(door).visit, Room(door if same else threading.Lock()).visit)


def base_and_override(sync):
    """The override of a method, beside another method of the base class; before that, an override that calls super()."""
    visits = Visits()

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


def in_order(sync, pairs):
    """Threads that each take two of the same ranked locks, given in any order."""
    visits = Visits()
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
