# expect: rule-broken rule-broken
# coding: unicode_escape
\x69mport multiprocessing
