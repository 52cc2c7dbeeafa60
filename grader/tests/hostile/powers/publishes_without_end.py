# case: on-the-queue
# expect: wrong-answer
# As many messages as it can send, none of them what was asked for, and queues, exchanges and channels without number.
import sys

import pika

connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", int(sys.argv[2])))
channel = connection.channel()
try:
    for _ in range(3000):
        channel.basic_publish("", "words", bytes(50000))
    for number in range(400):
        channel.queue_declare(f"queue {number}")
    for number in range(400):
        connection.channel()
except Exception:
    pass
