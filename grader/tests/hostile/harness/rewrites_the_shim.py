# expect: wrong-answer runtime-error
# Finds the shim by walking all objects and makes it say what it likes: without the random input there is nothing right to say.
import gc

for thing in gc.get_objects():
    if type(thing).__name__ == "Shim":
        type(thing).do_call = lambda self, *args: "passed"


def double(number):
    return None
