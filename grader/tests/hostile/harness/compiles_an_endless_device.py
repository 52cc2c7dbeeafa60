# expect: memory-limit memory-limit
with open("/dev/zero", "rb") as source:
    exec(source.read())
