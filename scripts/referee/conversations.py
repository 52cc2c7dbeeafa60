"""What a client says and hears, as data: the same for both brokers, or one of them is wrong.

Each conversation is a function that is given `connect`, which opens a connection, and a name that is its own; it returns what
it has observed. Names that a broker makes are left out, and so is the time in x-death.
"""

import pika
from pika.exceptions import (
    AMQPConnectionError,
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
    NackError,
    UnroutableError,
)

PERSISTENT = pika.BasicProperties(delivery_mode=2)


def mistake(call, *args, **options):
    """How the broker closes a channel or the connection because of this."""
    try:
        call(*args, **options)
    except ChannelClosedByBroker as closed:
        return ["channel", closed.reply_code, closed.reply_text]
    except ConnectionClosedByBroker as closed:
        return ["connection", closed.reply_code, closed.reply_text]
    except AMQPConnectionError as error:
        return ["connection", type(error).__name__]
    return None


def counts(channel, queue, ready=None):
    """Messages that are ready, and consumers. RabbitMQ takes a moment to settle what was acknowledged or goes back: with
    `ready`, as soon as there are so many, or what there is when it gives up."""
    for _ in range(200):
        there = channel.queue_declare(queue, passive=True).method
        if ready in (None, there.message_count):
            break
        channel.connection.process_data_events(time_limit=0.02)
    return [there.message_count, there.consumer_count]


def put(channel, queue, *bodies, properties=PERSISTENT):
    """Publishes, and returns when the messages are in the queue."""
    confirmed = channel.connection.channel()
    confirmed.confirm_delivery()
    for body in bodies:
        confirmed.basic_publish("", queue, body, properties)
    confirmed.close()


def fetch(channel, queue, auto_ack=False):
    """What basic.get gives, or None."""
    method, properties, body = channel.basic_get(queue, auto_ack=auto_ack)
    if method is None:
        return None
    return [body.decode(), method.redelivered, method.exchange, method.routing_key, method.message_count, told(properties)]


def fetch_soon(channel, queue):
    """The same, as soon as it is there: RabbitMQ takes a moment to move a dead letter."""
    for _ in range(200):
        got = channel.basic_get(queue, auto_ack=True)
        if got[0] is not None:
            break
        channel.connection.process_data_events(time_limit=0.02)
    return got


def told(properties):
    """The properties that are set."""
    said = {name: value for name, value in vars(properties).items() if value is not None}
    for death in (said.get("headers") or {}).get("x-death", []):
        death.pop("time", None)
    return said


def deliveries(connection, number):
    """Lets the connection work until so many deliveries have come to `seen`, and a little longer."""
    seen = []

    def on_message(channel, method, properties, body):
        seen.append([method.consumer_tag, method.delivery_tag, method.redelivered, body.decode()])

    def wait():
        for _ in range(200):
            if len(seen) >= number:
                break
            connection.process_data_events(time_limit=0.05)
        connection.process_data_events(time_limit=0.1)
        return seen

    return on_message, wait


def queues_are_declared(connect, name):
    channel = connect().channel()
    seen = [mistake(connect().channel().queue_declare, name, passive=True)]
    first = channel.queue_declare(name, durable=True).method
    seen.append([first.queue == name, first.message_count, first.consumer_count])
    put(channel, name, b"1", b"2")
    seen += [counts(channel, name), channel.queue_declare(name, durable=True).method.message_count]
    seen.append(mistake(connect().channel().queue_declare, name))
    seen.append(mistake(connect().channel().queue_declare, name, durable=True, auto_delete=True))
    seen.append(mistake(connect().channel().queue_declare, name, durable=True, exclusive=True))
    dead = {"x-dead-letter-exchange": ""}
    seen.append(mistake(connect().channel().queue_declare, name, durable=True, arguments=dead))
    seen.append(mistake(connect().channel().queue_declare, "amq.mine"))
    seen.append(mistake(connect().channel().queue_declare, name + "k", arguments={"x-dead-letter-routing-key": "k"}))
    made = channel.queue_declare("").method.queue
    seen += [made.startswith("amq.gen-"), counts(channel, made)]
    channel.queue_delete(made)
    seen.append(channel.queue_delete(name).method.message_count)
    seen.append(channel.queue_delete(name).method.message_count)
    return seen


def exclusive_queues_are_for_one(connect, name):
    owner = connect()
    channel = owner.channel()
    channel.queue_declare(name, exclusive=True)
    other = connect().channel
    seen = [mistake(other().queue_declare, name, passive=True), mistake(other().queue_declare, name, exclusive=True)]
    seen += [mistake(other().basic_get, name), mistake(other().queue_delete, name)]
    owner.close()
    seen.append(mistake(other().queue_declare, name, passive=True))
    return seen


def queues_are_deleted(connect, name):
    channel = connect().channel()
    channel.queue_declare(name)
    put(channel, name, b"1")
    seen = [mistake(connect().channel().queue_delete, name, if_empty=True)]
    tag = channel.basic_consume(name, lambda *_: None)
    seen.append(mistake(connect().channel().queue_delete, name, if_unused=True))
    cancelled = []
    channel.add_on_cancel_callback(lambda frame: cancelled.append(frame.method.consumer_tag == tag))
    channel.connection.process_data_events(time_limit=0.1)
    seen.append(connect().channel().queue_delete(name).method.message_count)
    channel.connection.process_data_events(time_limit=0.2)
    return seen + cancelled


def auto_delete_queues_end_with_their_consumer(connect, name):
    channel = connect().channel()
    channel.queue_declare(name, auto_delete=True)
    tag = channel.basic_consume(name, lambda *_: None)
    seen = [counts(channel, name)]
    channel.basic_cancel(tag)
    return seen + [mistake(channel.queue_declare, name, passive=True)]


def purging(connect, name):
    channel = connect().channel()
    channel.queue_declare(name)
    put(channel, name, b"1", b"2", b"3")
    channel.basic_get(name)
    return [channel.queue_purge(name).method.message_count, counts(channel, name)]


def exchanges_are_declared(connect, name):
    channel = connect().channel()
    other = connect
    seen = [mistake(other().channel().exchange_declare, name, passive=True)]
    channel.exchange_declare(name, "topic", durable=True)
    channel.exchange_declare(name, "topic", durable=True)
    seen.append(mistake(other().channel().exchange_declare, name, "fanout", durable=True))
    seen.append(mistake(other().channel().exchange_declare, name, "topic"))
    seen.append(mistake(other().channel().exchange_declare, "", "direct"))
    seen.append(mistake(other().channel().exchange_declare, "amq.mine", "direct"))
    seen.append(mistake(other().channel().exchange_declare, name + "u", "unheard-of")[:2])
    seen.append(mistake(other().channel().exchange_declare, "amq.topic", passive=True))
    channel.queue_declare(name)
    seen.append(mistake(other().channel().queue_bind, name, name + "-missing", "k"))
    seen.append(mistake(other().channel().queue_bind, name + "-missing", name, "k"))
    seen.append(mistake(other().channel().queue_bind, name, "", "k"))
    channel.queue_bind(name, name, "k")
    seen.append(mistake(other().channel().exchange_delete, name, if_unused=True))
    channel.exchange_delete(name)
    channel.exchange_delete(name)
    return seen


def routing(connect, name):
    channel = connect().channel()
    seen = []
    for kind, bindings, keys in (
        ("direct", ["a", "b"], ["a", "b", "c", ""]),
        ("fanout", ["a", "b"], ["a", "c"]),
        ("topic", ["a.*", "#.z", "x.#.y", "#"][:3], ["a.b", "a", "a.b.c", "z", "q.z", "x.y", "x.1.2.y", "x", "", "a.z"]),
    ):
        exchange = f"{name}-{kind}"
        channel.exchange_declare(exchange, kind)
        for number, key in enumerate(bindings):
            queue = f"{exchange}-{number}"
            channel.queue_declare(queue)
            channel.queue_bind(queue, exchange, key)
        for key in keys:
            channel.basic_publish(exchange, key, key.encode())
            reached = [fetch(channel, f"{exchange}-{number}", auto_ack=True) for number in range(len(bindings))]
            seen.append([kind, key, [bool(got) for got in reached]])
        channel.queue_bind(f"{exchange}-0", exchange, "second")
        channel.queue_unbind(f"{exchange}-0", exchange, bindings[0])
        channel.basic_publish(exchange, "a.b", b"again")
        seen.append(fetch(channel, f"{exchange}-0", auto_ack=True))
    return seen


def messages_keep_what_they_carry(connect, name):
    channel = connect().channel()
    channel.queue_declare(name)
    headers = {"text": "ä", "number": 7, "big": 2**40, "flag": True, "list": [1, "two"], "table": {"deep": {"er": 1}}}
    rich = pika.BasicProperties(
        content_type="text/plain", content_encoding="utf-8", headers=headers, delivery_mode=1, priority=3,
        correlation_id="c", reply_to="r", message_id="m", timestamp=12345, type="t", app_id="a",
    )
    put(channel, name, b"rich", properties=rich)
    put(channel, name, b"", properties=None)
    put(channel, name, b"x" * 300_000)
    seen = [fetch(channel, name, auto_ack=True), fetch(channel, name, auto_ack=True)]
    return seen + [len(fetch(channel, name, auto_ack=True)[0]), fetch(channel, name)]


def what_goes_back_stands_where_it_stood(connect, name):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare(name)
    put(channel, name, *(str(number).encode() for number in range(6)))
    for _ in range(4):
        channel.basic_get(name)
    channel.basic_nack(2, requeue=True)
    channel.basic_reject(4, requeue=True)
    channel.basic_ack(1)
    seen = [counts(channel, name, ready=4), fetch(channel, name), fetch(channel, name), counts(channel, name, ready=2)]
    connection.close()
    channel = connect().channel()
    seen.append(counts(channel, name, ready=5))
    return seen + [fetch(channel, name, auto_ack=True) for _ in range(6)]


def acknowledging(connect, name):
    channel = connect().channel()
    channel.queue_declare(name)
    put(channel, name, *(str(number).encode() for number in range(7)))
    for _ in range(6):
        channel.basic_get(name)
    channel.basic_ack(2, multiple=True)
    channel.basic_nack(4, multiple=True, requeue=True)
    seen = [counts(channel, name, ready=3)]
    channel.basic_recover(requeue=True)
    seen += [counts(channel, name, ready=5), fetch(channel, name), fetch(channel, name)]
    channel.basic_ack(0, multiple=True)
    seen.append(counts(channel, name, ready=3))
    channel.basic_ack(99)
    seen.append(mistake(channel.queue_declare, name, passive=True))
    channel = connect().channel()
    channel.basic_get(name)
    channel.basic_ack(1)
    channel.basic_ack(1)
    return seen + [mistake(channel.queue_declare, name, passive=True)]


def dead_letters(connect, name):
    channel = connect().channel()
    dead = name + ".dead"
    channel.queue_declare(dead)
    channel.queue_declare(name, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
    put(channel, name, b"bad", properties=pika.BasicProperties(headers={"mine": 1}, correlation_id="c"))
    channel.basic_get(name)
    channel.basic_nack(1, requeue=True)
    seen = [counts(channel, name, ready=1)]
    channel.basic_get(name)
    channel.basic_reject(2, requeue=False)
    seen.append(counts(channel, name, ready=0))
    method, properties, body = fetch_soon(channel, dead)
    seen.append([body.decode(), method.exchange, method.routing_key, method.redelivered, told(properties)])
    # Once more, with the story that it has by now.
    put(channel, name, body, properties=properties)
    method, _, _ = channel.basic_get(name)
    channel.basic_nack(method.delivery_tag, requeue=False)
    seen.append(told(fetch_soon(channel, dead)[1]))
    other = name + "-x"
    channel.queue_declare(other, arguments={"x-dead-letter-exchange": "amq.fanout"})
    channel.queue_bind(dead, "amq.fanout")
    put(channel, other, b"by exchange")
    method, _, _ = channel.basic_get(other)
    channel.basic_nack(method.delivery_tag, requeue=False)
    method, properties, body = fetch_soon(channel, dead)
    return seen + [body.decode(), method.exchange, method.routing_key, told(properties)]


def prefetch(connect, name):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare(name)
    put(channel, name, *(str(number).encode() for number in range(8)))
    channel.basic_qos(prefetch_count=2)
    on_message, wait = deliveries(connection, 2)
    channel.basic_consume(name, on_message, consumer_tag="one")
    seen = [list(wait())]
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(name, on_message, consumer_tag="two")
    connection.process_data_events(time_limit=0.2)
    seen.append(sorted(wait()))
    channel.basic_ack(1)
    connection.process_data_events(time_limit=0.2)
    seen.append(sorted(wait()))
    channel.basic_cancel("one")
    channel.basic_cancel("never-was")
    # pika puts back what a cancelled consumer was not given yet.
    return seen + [counts(channel, name)[1]]


def prefetch_of_a_whole_channel(connect, name):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare(name)
    channel.basic_qos(prefetch_count=3, global_qos=True)
    on_message, wait = deliveries(connection, 3)
    for tag in "ab":
        channel.basic_consume(name, on_message, consumer_tag=tag)
    put(connect().channel(), name, *(str(number).encode() for number in range(8)))
    return [sorted(wait())]


def consumers_take_turns(connect, name):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare(name)
    on_message, wait = deliveries(connection, 6)
    for tag in "abc":
        channel.basic_consume(name, on_message, consumer_tag=tag, auto_ack=True)
    put(connect().channel(), name, *(str(number).encode() for number in range(6)))
    return sorted(wait())


def consuming_wrongly(connect, name):
    channel = connect().channel()
    channel.queue_declare(name)
    seen = [mistake(connect().channel().basic_consume, name + "-missing", print)]
    channel.basic_consume(name, print, exclusive=True)
    seen.append(mistake(connect().channel().basic_consume, name, print))
    seen.append(mistake(connect().channel().basic_get, name + "-missing"))
    seen.append(mistake(connect().channel().basic_recover, requeue=False)[:2])
    return seen


def a_closed_channel_gives_back(connect, name):
    connection = connect()
    channel, other = connection.channel(), connection.channel()
    channel.queue_declare(name)
    put(channel, name, b"1", b"2")
    channel.basic_get(name)
    channel.close()
    return [counts(other, name, ready=2), fetch(other, name), fetch(other, name)]


def confirms(connect, name):
    channel = connect().channel()
    channel.queue_declare(name)
    channel.confirm_delivery()
    seen = []
    for queue, mandatory in ((name, True), (name, False), (name + "-missing", False), (name + "-missing", True)):
        try:
            channel.basic_publish("", queue, b"body", PERSISTENT, mandatory=mandatory)
            seen.append("taken")
        except UnroutableError as error:
            back = error.messages[0]
            seen.append([back.method.reply_code, back.method.reply_text, back.method.exchange, back.method.routing_key, back.body.decode()])
        except NackError:
            seen.append("refused")
    seen.append(counts(channel, name))
    return seen + [mistake(channel.basic_publish, name + "-no-exchange", "k", b"body")]


def publishing_to_no_exchange(connect, name):
    channel = connect().channel()
    channel.basic_publish(name, "k", b"body")
    return [mistake(channel.queue_declare, "")]


def logging_in(connect, name):
    return [
        mistake(connect, password="wrong"),
        mistake(connect, host="/nowhere"),
    ]


ALL = [
    queues_are_declared, exclusive_queues_are_for_one, queues_are_deleted, auto_delete_queues_end_with_their_consumer, purging,
    exchanges_are_declared, routing, messages_keep_what_they_carry, what_goes_back_stands_where_it_stood, acknowledging, dead_letters,
    prefetch, prefetch_of_a_whole_channel, consumers_take_turns, consuming_wrongly, a_closed_channel_gives_back, confirms,
    publishing_to_no_exchange, logging_in,
]
