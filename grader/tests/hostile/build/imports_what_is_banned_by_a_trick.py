# expect: runtime-error runtime-error
module = __import__("multi" + "processing")
