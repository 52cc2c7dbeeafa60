import threading


def run(module):
    mailbox = module.Mailbox()
    workers = [threading.Thread(target=mailbox.collect, name="Thread-1")]
    workers.append(threading.Thread(target=mailbox.deliver, args=("hello",), name="Thread-2"))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return mailbox.letter
