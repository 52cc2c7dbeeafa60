import os
import random
import threading

# What a fork would share: none of it may come out the same in two programs.
print("differs:", random.random(), random.getrandbits(64), os.urandom(8).hex())
print(random.Random(5).random(), hash(("a", 1)), threading.get_ident() == threading.main_thread().ident)
