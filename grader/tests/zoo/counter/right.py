import threading


class Visits:
    """How often a page was looked at."""

    def __init__(self):
        self.total = 0
        self.guard = threading.Lock()

    def visit(self):
        with self.guard:
            self.total += 1
