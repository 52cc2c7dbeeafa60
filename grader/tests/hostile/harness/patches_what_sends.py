# expect: wrong-answer runtime-error
# Every answer goes through our hands.
import gc

channel = next(it for it in gc.get_objects() if isinstance(it, type) and it.__name__ == "Channel")
send = channel.send


def forged(self, head, tail=b"", descriptors=()):
    send(self, {**head, "value": 4} if type(head.get("value")) is int else head, tail, descriptors)


channel.send = forged


def double(number):
    return number
