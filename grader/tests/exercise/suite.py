def doubles(exam):
    answer = exam.load("answer.py")
    for _ in range(3):
        number = exam.random.randrange(10**12)
        exam.equal(answer.double(number), 2 * number, f"double({number})")


def answers(exam):
    exam.start("server")
    with exam.connect() as peer:
        line = exam.random.randbytes(exam.random.randrange(10, 50)).hex().encode()
        peer.send(line + b"\n")
        exam.equal(peer.read_line(), b"%d\n" % len(line), "the length of the line")
