import threading


def collect(amount):
    found = []
    finders = [threading.Thread(target=found.append, args=(number,)) for number in range(amount)]
    for finder in finders:
        finder.start()
    finders[-1].join()
    return sorted(found)
