import threading


class Room:
    """Many may read at a time, or one may write."""

    def __init__(self):
        self.readers = 0
        self.counting = threading.Lock()
        self.taken = threading.Lock()

    def begin_reading(self):
        with self.counting:
            self.readers += 1
            if self.readers == 1:
                self.taken.acquire()

    def end_reading(self):
        with self.counting:
            self.readers -= 1
            if self.readers == 0:
                self.taken.release()

    def begin_writing(self):
        self.taken.acquire()

    def end_writing(self):
        self.taken.release()
