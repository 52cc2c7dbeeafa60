import sys

before = set(sys.modules)
import collections

print(hasattr(collections, "abc"), sorted(set(sys.modules) - before))
import json

print(hasattr(json, "tool"), hasattr(json, "decoder"), sorted(set(sys.modules) - before))
import importlib

print(hasattr(importlib, "util"), hasattr(importlib, "machinery"), sorted(set(sys.modules) - before))
