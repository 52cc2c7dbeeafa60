import logging, logging.handlers, pickle, socketserver, struct, sys

class Receiver(socketserver.StreamRequestHandler):
    def handle(self):
        while header := self.rfile.read(4):
            record = logging.makeLogRecord(pickle.loads(self.rfile.read(struct.unpack(">L", header)[0])))
            print(record.name, record.levelname, record.getMessage(), flush=True)

class Datagrams(socketserver.DatagramRequestHandler):
    def handle(self):
        print(self.rfile.read(), flush=True)

if sys.argv[1] == "server":
    socketserver.TCPServer(("", logging.handlers.DEFAULT_TCP_LOGGING_PORT), Receiver).serve_forever()
elif sys.argv[1] == "syslog":
    socketserver.UDPServer(("", 514), Datagrams).serve_forever()
else:
    root = logging.getLogger("app")
    root.setLevel(logging.INFO)
    root.addHandler(logging.handlers.SocketHandler("server", logging.handlers.DEFAULT_TCP_LOGGING_PORT))
    root.addHandler(logging.handlers.SysLogHandler(("syslog", 514)))
    root.info("started with %s", 3)
    root.getChild("part").warning("careful")
