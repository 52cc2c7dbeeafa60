import smtplib, socketserver, sys
from email.message import EmailMessage

class Handler(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        self.say("220 mail ready")
        while line := self.rfile.readline().decode().strip():
            match line.split()[0].upper():
                case "EHLO":
                    self.say("250-mail")
                    self.say("250 SIZE 10000")
                case "DATA":
                    self.say("354 go on")
                    lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
                    self.server.mails.append("\n".join(lines))
                    print(self.server.mails[-1].splitlines()[-1], flush=True)
                    self.say("250 taken")
                case "QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("250 ok")

if sys.argv[1] == "server":
    with socketserver.TCPServer(("", 25), Handler) as server:
        server.mails = []
        server.serve_forever()
else:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Hello", "a@client", "b@server"
    message.set_content("The text.\n")
    with smtplib.SMTP("server") as smtp:
        print(smtp.send_message(message), smtp.esmtp_features)
