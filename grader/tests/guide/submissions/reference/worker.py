"""Takes messages from a queue, one at a time: URL QUEUE MODULE:FUNCTION."""

import importlib
import sys

import pika

url, queue, handler = sys.argv[1:]
module, name = handler.split(":")
work = getattr(importlib.import_module(module), name)

channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
channel.queue_declare(queue, durable=True)
channel.basic_qos(prefetch_count=1)
for method, _, body in channel.consume(queue):
    work(body)
    channel.basic_ack(method.delivery_tag)
