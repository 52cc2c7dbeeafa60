import asyncio, sys

me, *others = sys.argv[1:]
last = {}

class Heart(asyncio.DatagramProtocol):
    def datagram_received(self, data, address):
        name = data.decode()
        if name in down:
            down.discard(name)
            print(round(loop.time() - begun, 1), name, "up", flush=True)
        last[name] = loop.time()

async def main():
    global loop, begun, down
    loop, down = asyncio.get_running_loop(), set()
    begun = loop.time()
    transport, _ = await loop.create_datagram_endpoint(Heart, local_addr=("0.0.0.0", 5000))
    while True:
        for name in others:
            transport.sendto(me.encode(), (name, 5000))
            if loop.time() - last.get(name, begun) > 3 and name not in down:
                down.add(name)
                print(round(loop.time() - begun, 1), name, "down", flush=True)
        await asyncio.sleep(0.5)

asyncio.run(main())
