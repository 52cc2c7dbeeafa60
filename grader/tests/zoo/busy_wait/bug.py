import threading


class Parcel:
    def __init__(self):
        self.arrived = False
        self.content = None

    def deliver(self, content):
        self.content = content
        self.arrived = True

    def unpack(self):
        while not self.arrived:
            pass
        return self.content
