# wrong-answer: its value: got 2
text = '''
class Counter:
    def __init__(self):
        self.value = 0
    def add(self):
        self.value += 1
'''
exec(compile(text, '<string>', 'exec'))
