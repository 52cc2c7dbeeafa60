# The zoo's own has the program start threads, which frontrun cannot follow.
import queue


def run(module):
    tasks, done = queue.Queue(), []
    for task in range(3):
        tasks.put(task)
    threads(lambda: module.empty_out(tasks, done), lambda: module.empty_out(tasks, done))
    return sorted(done)
