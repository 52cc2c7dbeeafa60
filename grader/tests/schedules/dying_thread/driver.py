import threading


def run(module):
    box = module.Box()
    workers = [threading.Thread(target=box.get, name=f"consumer-{number}") for number in (1, 2)]
    workers.append(threading.Thread(target=lambda: [box.put(item) for item in (7, 8)], name="producer"))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return box.items
