# expect: build-error build-error
x = "ÿþ€"
