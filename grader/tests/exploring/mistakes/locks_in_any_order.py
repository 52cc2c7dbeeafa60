# transferred deadlock: two threads transfer crosswise: thread-1 and thread-2 wait for one another
import threading


class Counter:
    def __init__(self):
        self.value = 0
        self.lock = threading.Lock()

    def add(self):
        with self.lock:
            self.value += 1


class Account:
    made = 0

    def __init__(self, balance):
        Account.made += 1
        self.rank = Account.made
        self.balance = balance
        self.lock = threading.Lock()


def transfer(source, target, amount):
    first, second = source, target
    with first.lock, second.lock:
        source.balance -= amount
        target.balance += amount


class Buffer:
    def __init__(self, capacity):
        self.capacity = capacity
        self.items = []
        self.changed = threading.Condition()

    def put(self, item):
        with self.changed:
            while len(self.items) == self.capacity:
                self.changed.wait()
            self.items.append(item)
            self.changed.notify_all()

    def get(self):
        with self.changed:
            while not self.items:
                self.changed.wait()
            item = self.items.pop(0)
            self.changed.notify_all()
            return item

    def size(self):
        with self.changed:
            return len(self.items)

    def tag(self, text):
        return text


def work():
    thread = threading.Thread(target=Counter().add)
    thread.start()
    thread.join()
