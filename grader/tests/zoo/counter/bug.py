class Visits:
    """How often a page was looked at."""

    def __init__(self):
        self.total = 0

    def visit(self):
        self.total += 1
