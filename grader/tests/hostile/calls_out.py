# The network has nothing but its own loopback.
import socket

for address in [("10.0.0.1", 80), ("169.254.169.254", 80), ("8.8.8.8", 53), ("127.0.0.1", 5432), ("127.0.0.1", 22)]:
    with socket.socket() as sock:
        sock.settimeout(5)
        try:
            sock.connect(address)
        except OSError:
            continue
        raise SystemExit(address)
assert [name for _, name in socket.if_nameindex()] == ["lo"]
print("contained")
