import socket

def found(*arguments, **more):
    try:
        infos = socket.getaddrinfo(*arguments, **more)
        print([(kind.name, proto, address[0]) for _, kind, proto, _, address in infos])
    except OSError as error:
        print(type(error).__name__)

found("client", 80)
found("client", 80, type=socket.SOCK_DGRAM)
found(None, 80, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
found("ip6-client", 80, proto=socket.IPPROTO_UDP)
found("client", 80, type=socket.SOCK_STREAM, proto=socket.IPPROTO_UDP)
