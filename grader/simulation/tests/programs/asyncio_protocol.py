import asyncio, sys, time

class Ticker(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.left = transport, 3
        self.tick()

    def tick(self):
        if self.left:
            self.left -= 1
            self.transport.write(b"tick\n")
            asyncio.get_running_loop().call_later(10, self.tick)
        else:
            self.transport.close()

async def main():
    loop = asyncio.get_running_loop()
    if sys.argv[1] == "server":
        server = await loop.create_server(Ticker, "0.0.0.0", 8888)
        await server.serve_forever()
    reader, writer = await asyncio.open_connection("server", 8888)
    begun = time.monotonic()
    async for line in reader:
        print(line.decode().strip(), round(time.monotonic() - begun))

asyncio.run(main())
