# expect: runtime-error runtime-error
raise SystemExit(0)
