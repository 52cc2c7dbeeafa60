# codec.py encoded wrong-answer: the program's answer is malformed
def encode(text):
    open("/report", "a").write("{}\n")
    return text.encode()


def decode(data):
    return data.decode()
