import threading


class Latch:
    def __init__(self):
        self.condition = threading.Condition()

    def release(self):
        with self.condition:
            self.condition.notify_all()

    def wait(self):
        with self.condition:
            self.condition.wait()
