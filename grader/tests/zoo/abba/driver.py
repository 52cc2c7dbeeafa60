import threading


def run(module):
    one, two = module.Shelf(1, 5), module.Shelf(2, 5)
    carriers = [threading.Thread(target=module.carry, args=way) for way in ((one, two), (two, one))]
    for carrier in carriers:
        carrier.start()
    for carrier in carriers:
        carrier.join()
    return one.boxes, two.boxes
