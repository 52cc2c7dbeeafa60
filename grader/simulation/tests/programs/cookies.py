import http.cookiejar, http.cookies, http.server, sys, urllib.request, urllib.robotparser

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(302 if self.path == "/login" else 200)
        if self.path == "/login":
            self.send_header("Set-Cookie", "session=abc; Path=/")
            self.send_header("Location", "/home")
        self.end_headers()
        if self.path == "/robots.txt":
            self.wfile.write(b"User-agent: *\nDisallow: /private\n")
        else:
            self.wfile.write(http.cookies.SimpleCookie(self.headers["Cookie"]).output().encode())

    def log_message(self, *_):
        pass

if sys.argv[1] == "server":
    http.server.HTTPServer(("", 80), Handler).serve_forever()
else:
    jar = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy())
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    print(opener.open("http://server/login").read())
    print([(cookie.name, cookie.value, cookie.domain) for cookie in jar])
    robots = urllib.robotparser.RobotFileParser("http://server/robots.txt")
    robots.read()
    print(robots.can_fetch("me", "/private/x"), robots.can_fetch("me", "/public"))
