"""Gives each client a store of its own."""
import asyncio
import hashlib
import re
import sys

WORDS_MAX = 1024
BULK_MAX = 1 << 20
TURN = 2000  # rounds of CRUNCH, about a millisecond
INTEGER = re.compile(rb"-?[0-9]+")


class ProtocolError(Exception):
    pass


class CommandError(Exception):
    pass


# The protocol


async def read_command(reader):
    """The words of the next command, however many pieces they come in."""
    count = await read_number(reader, b"*", WORDS_MAX)
    if count == 0:
        raise ProtocolError
    return [await read_bulk(reader) for _ in range(count)]


async def read_bulk(reader):
    size = await read_number(reader, b"$", BULK_MAX)
    data = await reader.readexactly(size + 2)
    if data[size:] != b"\r\n":
        raise ProtocolError
    return data[:size]


async def read_number(reader, kind, largest):
    """The number in a line such as "$12"."""
    try:
        line = await reader.readuntil(b"\r\n")
    except asyncio.LimitOverrunError:
        raise ProtocolError from None
    digits = line[1:-2]
    if line[:1] != kind or not digits.isdigit() or len(digits) > 10 or int(digits) > largest:
        raise ProtocolError
    return int(digits)


def bulk(value):
    return b"$-1\r\n" if value is None else b"$%d\r\n%b\r\n" % (len(value), value)


def number(value):
    return b":%d\r\n" % value


# The commands: each is a coroutine that returns its reply


class Store:
    def __init__(self):
        self.values = {}
        # Name, coroutine, least and most arguments.
        self.commands = {
            b"PING": (self.ping, 0, 1),
            b"ECHO": (self.echo, 1, 1),
            b"SET": (self.set, 2, 2),
            b"GET": (self.get, 1, 1),
            b"DEL": (self.delete, 1, WORDS_MAX),
            b"INCR": (self.increment, 1, 1),
            b"MGET": (self.get_many, 1, WORDS_MAX),
            b"CRUNCH": (self.crunch, 2, 2),
        }

    async def execute(self, words):
        command, least, most = self.commands.get(words[0].upper(), (None, 0, 0))
        if command is None:
            return b"-ERR unknown command\r\n"
        if not least <= len(words) - 1 <= most:
            return b"-ERR wrong number of arguments\r\n"
        try:
            return await command(*words[1:])
        except CommandError as error:
            return b"-ERR %b\r\n" % str(error).encode()

    async def ping(self, message=None):
        return b"+PONG\r\n" if message is None else bulk(message)

    async def echo(self, message):
        return bulk(message)

    async def set(self, key, value):
        self.values[key] = value
        return b"+OK\r\n"

    async def get(self, key):
        return bulk(self.values.get(key))

    async def delete(self, *keys):
        return number(sum(self.values.pop(key, None) is not None for key in keys))

    async def increment(self, key):
        value = self.values.get(key, b"0")
        if not INTEGER.fullmatch(value):
            raise CommandError("the value is not an integer")
        self.values[key] = b"%d" % (int(value) + 1)
        return number(int(value) + 1)

    async def get_many(self, *keys):
        return b"*%d\r\n" % len(keys) + b"".join(bulk(self.values.get(key)) for key in keys)

    async def crunch(self, rounds, key):
        if not rounds.isdigit() or int(rounds) == 0:
            raise CommandError("the number of rounds is not a positive integer")
        digest = key
        for done in range(int(rounds)):
            if done % TURN == TURN - 1:
                await asyncio.sleep(0)
            digest = hashlib.sha256(digest).digest()
        self.values[key] = digest.hex().encode()
        return bulk(self.values[key])


# The clients


async def serve_client(store, reader, writer):
    """Answers the commands of one client in their order."""
    try:
        while True:
            words = await read_command(reader)
            writer.write(await store.execute(words))
            await writer.drain()
    except ProtocolError:
        writer.write(b"-ERR Protocol error\r\n")
    except (EOFError, OSError):  # the client has ended, or is lost; asyncio.IncompleteReadError is an EOFError
        pass
    finally:
        writer.close()  # once what was written is sent


async def main():
    host, port = sys.argv[1], int(sys.argv[2])
    server = await asyncio.start_server(lambda reader, writer: serve_client(Store(), reader, writer), host, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
