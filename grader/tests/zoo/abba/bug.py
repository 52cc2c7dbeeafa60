import threading


class Shelf:
    def __init__(self, number, boxes):
        self.number = number
        self.boxes = boxes
        self.guard = threading.Lock()


def carry(source, target):
    with source.guard:
        with target.guard:
            source.boxes -= 1
            target.boxes += 1
