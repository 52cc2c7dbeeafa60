# node.py register wrong-answer: no order of these
