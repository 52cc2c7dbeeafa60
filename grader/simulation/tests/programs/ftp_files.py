import ftplib, io, socket, sys

def serve(control):
    with control, control.makefile("rwb") as file:
        def say(line):
            file.write(line.encode() + b"\r\n")
            file.flush()

        say("220 ftp")
        passive, files = None, {"a.txt": b"text of a"}
        while line := file.readline().decode().strip():
            command, _, argument = line.partition(" ")
            if command == "PASV":
                passive = socket.create_server(("0.0.0.0", 0))
                address = socket.gethostbyname(socket.gethostname()).replace(".", ",")
                port = passive.getsockname()[1]
                say(f"227 Entering Passive Mode ({address},{port >> 8},{port & 255})")
            elif command in ("RETR", "STOR", "NLST"):
                data = passive.accept()[0]
                say("150 here")
                with data:
                    if command == "STOR":
                        files[argument] = data.makefile("rb").read()
                    else:
                        data.sendall(files[argument] if command == "RETR" else "\r\n".join(sorted(files)).encode())
                say("226 done")
            elif command == "QUIT":
                say("221 bye")
                return
            else:
                say("331 password?" if command == "USER" else "230 in" if command == "PASS" else "200 ok")

if sys.argv[1] == "server":
    with socket.create_server(("0.0.0.0", 21)) as listener:
        while True:
            serve(listener.accept()[0])
else:
    with ftplib.FTP("server", "me", "secret") as ftp:
        ftp.storbinary("STOR b.txt", io.BytesIO(b"b" * 100_000))
        print(ftp.nlst())
        got = []
        ftp.retrbinary("RETR b.txt", got.append)
        print(len(b"".join(got)))
        ftp.retrlines("RETR a.txt")
