import ipaddress, socket, sys

if sys.argv[1] == "server":
    with socket.create_server(("::", 7000), family=socket.AF_INET6) as listener:
        connection, address = listener.accept()
        with connection:
            print(ipaddress.ip_address(address[0]).version, flush=True)
            connection.sendall(connection.recv(100))
else:
    print(ipaddress.ip_address(socket.gethostbyname("server")) in ipaddress.ip_network("10.0.0.0/24"))
    address = socket.getaddrinfo("ip6-server", 7000, socket.AF_INET6, socket.SOCK_STREAM)[0][4]
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
        sock.connect(address)
        sock.sendall(b"six")
        print(sock.recv(100), sock.getpeername()[0] == address[0])
