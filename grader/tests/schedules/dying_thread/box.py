import threading


class Box:
    def __init__(self):
        self.items = []
        self.condition = threading.Condition()

    def put(self, item):
        with self.condition:
            self.items.append(item)
            self.condition.notify()

    def get(self):
        with self.condition:
            if not self.items:
                self.condition.wait()
            return self.items.pop(0)
