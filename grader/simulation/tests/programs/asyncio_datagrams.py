import asyncio, sys

class Server(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data[::-1], address)

class Client(asyncio.DatagramProtocol):
    def __init__(self, done):
        self.done, self.left = done, {b"abc", b"xyz"}

    def connection_made(self, transport):
        for word in sorted(self.left):
            transport.sendto(word)

    def datagram_received(self, data, address):
        self.left.discard(data[::-1])
        if not self.left:
            self.done.set_result("all came back")

async def main():
    loop = asyncio.get_running_loop()
    if sys.argv[1] == "server":
        await loop.create_datagram_endpoint(Server, local_addr=("0.0.0.0", 9000))
        await asyncio.Event().wait()
    done = loop.create_future()
    await loop.create_datagram_endpoint(lambda: Client(done), remote_addr=("server", 9000))
    print(await done)

asyncio.run(main())
