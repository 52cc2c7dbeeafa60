import threading


def run(module):
    counter = module.Counter()
    workers = [threading.Thread(target=module.count, args=(counter, 2), name=f"Thread-{number}") for number in (1, 2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
