import atexit
import sys
import threading

atexit.register(print, "atexit")
threading.Thread(target=lambda: (threading.main_thread().join(), print("thread"))).start()
print("main ends", end="")
sys.exit(7)
