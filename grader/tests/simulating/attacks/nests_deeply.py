# codec.py encoded wrong-answer: the program's answer is malformed
def encode(text):
    import os
    open("/report", "a").write('{"value": {"list": ' + "[" * 5000 + "]" * 5000 + '}, "tail": ""}\n')
    os._exit(0)


def decode(data):
    return data.decode()
