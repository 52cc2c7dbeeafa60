# expect: output-limit output-limit
while True:
    print("x" * 100_000)
