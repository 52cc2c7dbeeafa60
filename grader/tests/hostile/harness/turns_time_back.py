# expect: wrong-answer runtime-error
import select
import signal
import threading
import time

time.time = time.monotonic = time.perf_counter = time.process_time = lambda: 0.0
time.sleep = lambda seconds: None
select.select = select.poll = lambda *args: ([], [], [])
threading.Event.wait = threading.Condition.wait = lambda self, timeout=None: True
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
signal.signal(signal.SIGALRM, lambda *args: None)


def double(number):
    return number
