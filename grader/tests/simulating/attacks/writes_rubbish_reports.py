# codec.py encoded unstable: makes no sense
def encode(text):
    open("/report", "a").write("rubbish\n")
    return text.encode()


def decode(data):
    return data.decode()
