import threading
import time


def square(number):
    found = []

    def compute():
        time.sleep(0.1)
        found.append(number * number)

    threading.Thread(target=compute).start()
    time.sleep(0.5)
    return found
