import threading


class Parcel:
    def __init__(self):
        self.arrived = threading.Event()
        self.content = None

    def deliver(self, content):
        self.content = content
        self.arrived.set()

    def unpack(self):
        self.arrived.wait()
        return self.content
