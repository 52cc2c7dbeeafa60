def doubles(exam):
    pass


def answers(exam):
    pass
