import threading


class Shelf:
    def __init__(self, number, boxes):
        self.number = number
        self.boxes = boxes
        self.guard = threading.Lock()


def carry(source, target):
    lower, higher = (source, target) if source.number < target.number else (target, source)
    with lower.guard:
        with higher.guard:
            source.boxes -= 1
            target.boxes += 1
