import threading
import time


def square(number):
    found = []

    def compute():
        time.sleep(0.1)
        found.append(number * number)

    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()
    return found
