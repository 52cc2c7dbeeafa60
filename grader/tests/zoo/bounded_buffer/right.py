import threading


class Belt:
    """Holds one thing at a time."""

    def __init__(self):
        self.things = []
        self.changed = threading.Condition()

    def lay(self, thing):
        with self.changed:
            while self.things:
                self.changed.wait()
            self.things.append(thing)
            self.changed.notify_all()

    def pick(self):
        with self.changed:
            while not self.things:
                self.changed.wait()
            thing = self.things.pop()
            self.changed.notify_all()
            return thing
