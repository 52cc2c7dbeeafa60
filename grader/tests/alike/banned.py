# ban: queue
import sys
import threading

print("queue" in sys.modules)
for name in ("queue", "concurrent.futures", "concurrent.futures.thread", "socketserver", "_queue"):
    try:
        __import__(name)
        print(name, "came")
    except ImportError as error:
        print(name, type(error), error)
