import http.server, os, sys, urllib.error, urllib.request

if sys.argv[1] == "server":
    os.makedirs("/work/site", exist_ok=True)
    with open("/work/site/page.txt", "w") as file:
        file.write("a page\n")
    handler = lambda *a: http.server.SimpleHTTPRequestHandler(*a, directory="/work/site")
    http.server.HTTPServer(("", 8000), handler).serve_forever()
else:
    with urllib.request.urlopen("http://server:8000/page.txt") as answer:
        print(answer.status, answer.headers["Content-Type"], answer.read())
    with urllib.request.urlopen("http://server:8000/") as answer:
        print("page.txt" in answer.read().decode())
    try:
        urllib.request.urlopen("http://server:8000/nothing")
    except urllib.error.HTTPError as error:
        print(error)
    try:
        urllib.request.urlopen("http://server:8001/")
    except urllib.error.URLError as error:
        print(type(error.reason).__name__)
    try:
        urllib.request.urlopen("http://nowhere.invalid/")
    except urllib.error.URLError as error:
        print(type(error.reason).__name__)
