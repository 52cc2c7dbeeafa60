import threading


class Gate:
    def __init__(self):
        self.changed = threading.Condition()

    def open(self):
        with self.changed:
            self.changed.notify_all()

    def pass_through(self):
        with self.changed:
            self.changed.wait()
