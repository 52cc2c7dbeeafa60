# runtime-error: the program ended in the middle of a schedule: exit code 0
import os


class Counter:
    value = 0

    def add(self):
        os._exit(0)
