import threading


class Mailbox:
    def __init__(self):
        self.letters = []
        self.changed = threading.Condition()

    def post(self, letter):
        with self.changed:
            self.letters.append(letter)
            self.changed.notify()

    def fetch(self):
        with self.changed:
            if not self.letters:
                self.changed.wait()
            return self.letters.pop(0)
