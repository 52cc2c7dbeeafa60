# The zoo's own starts threads itself, which frontrun cannot follow.
def run(module):
    one, two = module.Shelf(1, 5), module.Shelf(2, 5)
    threads(lambda: module.carry(one, two), lambda: module.carry(two, one))
    return one.boxes, two.boxes
