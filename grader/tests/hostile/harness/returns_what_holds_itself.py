# expect: wrong-answer runtime-error
def double(number):
    knot = []
    knot.append({"knot": (knot, knot)})
    return knot
