"""Declares the queue without its dead-letter exchange."""
import argparse
import importlib
import signal
import time

import pika
from pika.exceptions import AMQPError

PAUSE_SECONDS = 0.1


class Worker:
    def __init__(self, url, queue, handler, prefetch):
        self.parameters = pika.URLParameters(url)
        self.queue, self.handler, self.prefetch = queue, handler, prefetch
        self.connection = None
        self.stopping = False

    def run(self):
        """Consumes until it is told to stop, over as many connections as it takes."""
        while not self.stopping:
            try:
                self.connection = pika.BlockingConnection(self.parameters)
                channel = self.open_channel()
                while not self.stopping:
                    self.connection.process_data_events(time_limit=None)
                channel.close()
                self.connection.close()
            except AMQPError as error:
                # Whatever was not acknowledged comes again.
                print(f"connection lost: {error!r}", flush=True)
                time.sleep(PAUSE_SECONDS)

    def open_channel(self):
        channel = self.connection.channel()
        dead = self.queue + ".dead"
        channel.queue_declare(dead, durable=True)
        channel.queue_declare(self.queue, durable=True)
        channel.basic_qos(prefetch_count=self.prefetch)
        channel.basic_consume(self.queue, self.on_message)
        return channel

    def on_message(self, channel, method, properties, body):
        if self.stopping:  # it was fetched ahead: it goes back when the connection closes
            return
        try:
            answer = self.handler(body)
        except Exception as error:
            print(f"handler failed: {error!r}", flush=True)
            channel.basic_nack(method.delivery_tag, requeue=not method.redelivered)
            return
        if properties.reply_to:
            reply = pika.BasicProperties(correlation_id=properties.correlation_id)
            channel.basic_publish("", properties.reply_to, answer or b"", reply)
        channel.basic_ack(method.delivery_tag)

    def stop(self, *_):
        self.stopping = True
        connection = self.connection
        if connection and connection.is_open:
            connection.add_callback_threadsafe(lambda: None)  # wakes it if it waits


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--queue", required=True)
    parser.add_argument("--handler", required=True, metavar="MODULE:FUNC")
    parser.add_argument("--prefetch", type=int, default=1)
    options = parser.parse_args()
    module, function = options.handler.split(":")
    handler = getattr(importlib.import_module(module), function)
    worker = Worker(options.url, options.queue, handler, options.prefetch)
    signal.signal(signal.SIGTERM, worker.stop)
    worker.run()


if __name__ == "__main__":
    main()
