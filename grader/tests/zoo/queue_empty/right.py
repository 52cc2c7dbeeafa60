import queue
import threading


def empty_out(tasks, done):
    try:
        while True:
            done.append(tasks.get_nowait())
    except queue.Empty:
        pass


def work(amount):
    tasks, done = queue.Queue(), []
    for task in range(amount):
        tasks.put(task)
    workers = [threading.Thread(target=empty_out, args=(tasks, done)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sorted(done)
