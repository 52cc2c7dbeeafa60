# expect: rule-broken rule-broken
import multiprocessing
