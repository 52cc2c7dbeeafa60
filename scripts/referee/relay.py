"""What goes over the wire between a program and a broker, read along; and a link that can be cut."""

import select
import socket
import threading
import time

import pika.frame

# What brokers may say differently: who they are, and what they offer.
LEFT_OUT = ("Connection.Start", "Connection.Tune", "Connection.Open", "Heartbeat")


class Relay:
    def __init__(self, port):
        self._broker = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._links = []
        self._turn_away = 0
        # Words of the program and of the broker, in order.
        self.sent, self.heard = [], []
        self.moved_at = time.monotonic()
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self, turn_away=0):
        """Closes every link; the next `turn_away` that connect are closed at once."""
        self._turn_away = turn_away
        links, self._links = self._links, []
        for link in links:
            for end in link:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self._listener.close()
        self.cut()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.moved_at = time.monotonic()
            if self._turn_away:
                self._turn_away -= 1
                client.close()
                continue
            link = (client, socket.create_connection(self._broker))
            self._links.append(link)
            threading.Thread(target=self._pump, args=link, daemon=True).start()

    def _pump(self, client, broker):
        ends = {client: (broker, Reader(self.sent)), broker: (client, Reader(self.heard))}
        try:
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    other, reader = ends[end]
                    data = end.recv(65536)
                    if not data:
                        return
                    self.moved_at = time.monotonic()
                    reader.read(data)
                    other.sendall(data)
        except OSError:
            pass
        finally:
            client.close()
            broker.close()


class Reader:
    """Frames out of one direction of a connection, as words."""

    def __init__(self, words):
        self._words = words
        self._bytes = b""

    def read(self, data):
        self._bytes += data
        while self._bytes:
            taken, frame = pika.frame.decode_frame(self._bytes)
            if not frame:
                return
            self._bytes = self._bytes[taken:]
            word = described(frame)
            if word and not word.startswith(LEFT_OUT):
                self._words.append(word)


def described(frame):
    if isinstance(frame, pika.frame.Method):
        fields = {name: value for name, value in vars(frame.method).items() if value and name != "consumer_tag"}
        return f"{frame.method.NAME} {sorted(fields.items())}"
    if isinstance(frame, pika.frame.Header):
        properties = {name: value for name, value in vars(frame.properties).items() if value is not None}
        for death in (properties.get("headers") or {}).get("x-death", []):
            death.pop("time", None)
        return f"header {sorted(properties.items())}"
    if isinstance(frame, pika.frame.Body):
        return f"body {frame.fragment!r}"
    return None
