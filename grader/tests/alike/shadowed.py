# file: selectors.py print("the student's selectors"); EVENT_READ = 1
# file: queue.py raise ValueError("the student's queue")
# file: struct/__init__.py print("the student's struct")
import socket
import sys

print(socket.__file__, sys.modules["selectors"].__file__)
import struct

print(struct.__file__)
import threading

print(threading.__file__)
import queue
