import threading


def run(module):
    one, other = module.Account(10), module.Account(10)
    ways = [(one, other, 3), (other, one, 4)]
    workers = [threading.Thread(target=module.transfer, args=way, name=f"Thread-{number}") for number, way in enumerate(ways, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return one.balance + other.balance
