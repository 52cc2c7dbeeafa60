import threading


def run(module):
    latch = module.Latch()
    workers = [threading.Thread(target=latch.wait, name=f"waiter-{number}") for number in (1, 2)]
    workers.append(threading.Thread(target=latch.release, name="opener"))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return "open"
