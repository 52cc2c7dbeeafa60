# expect: wrong-answer runtime-error
# What one case leaves, another finds, or so it hopes.
import os

PLACES = ("/tmp/memory", "/dev/shm/memory", "/var/tmp/memory", "/work/memory", "/memory", "/run/memory")


def double(number):
    for place in PLACES:
        try:
            os.setxattr("/work", "user.memory", b"%d" % number)
            with open(place, "a+") as file:
                file.seek(0)
                known = file.read()
                assert not known or number < 0, "another case's"
                print(number, file=file)
        except OSError:
            pass
    return number


if any(os.path.exists(place) for place in PLACES):
    double = lambda number: 2 * number
