"""Publishes each line of its input, and believes that it was taken only when the broker says so."""
import argparse
import sys

import pika
from pika.exceptions import NackError, UnroutableError


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--queue", required=True)
    options = parser.parse_args()
    persistent = pika.BasicProperties(delivery_mode=2)
    lost = 0
    with pika.BlockingConnection(pika.URLParameters(options.url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for line in sys.stdin.buffer:
            try:
                channel.basic_publish("", options.queue, line.removesuffix(b"\n"), persistent, mandatory=True)
            except (UnroutableError, NackError) as error:
                print(f"not taken: {error!r}", file=sys.stderr)
                lost += 1
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
