# expect: wrong-answer runtime-error
import json
import os
import struct
import threading


def answer():
    for number in range(200):
        head = json.dumps({"id": number % 8, "value": 4}).encode()
        os.write(3, struct.pack(">III", len(head), 0, 0) + head)


try:
    threads = [threading.Thread(target=answer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
except OSError:
    pass


def double(number):
    return 2 * number
