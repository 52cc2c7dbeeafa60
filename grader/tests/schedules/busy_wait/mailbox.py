import threading


class Mailbox:
    def __init__(self):
        self.ready = False
        self.letter = None

    def deliver(self, letter):
        self.letter = letter
        self.ready = True

    def collect(self):
        while not self.ready:
            pass
        return self.letter
