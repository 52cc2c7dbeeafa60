# codec.py encoded runtime-error: has not returned
def encode(text):
    open("/report", "a").write("{}\n")
    return text.encode()


def decode(data):
    return data.decode()
