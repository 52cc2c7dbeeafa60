# runtime-error: signal only works in main thread
import signal


def hit(*_):
    raise KeyboardInterrupt


signal.signal(signal.SIGALRM, hit)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)


class Counter:
    def __init__(self):
        self.value = 0

    def add(self):
        self.value += 1
