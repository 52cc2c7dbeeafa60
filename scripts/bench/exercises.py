#!/usr/bin/python3
"""What it costs to grade each exercise's reference: wall time, processor time, and whose that is.

    scripts/bench/exercises.py [EXERCISE …]      all unless some are named

Processor time is the machine's, both cores, from start to end of `practicum grade`: of a machine that does nothing else, so the
least of some rounds is told. The student's share is what the reports say of the submissions' sandboxes; the rest is ours: the
grader's own start, its sandboxes, the examiners and their fixtures. The longest case is named, since a student waits for it.
The figures also go to target/bench-exercises.json.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRACTICUM = ROOT / "target/release/practicum"
ROUNDS = 5
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def busy_ms():
    """Processor time of everything on this machine since it started."""
    user, nice, system, _, _, interrupts, soft_interrupts, *_ = map(int, open("/proc/stat").readline().split()[1:])
    return (user + nice + system + interrupts + soft_interrupts) * 1000 / TICKS_PER_S


def grade(exercise):
    began, busy = time.perf_counter(), busy_ms()
    command = [PRACTICUM, "grade", exercise, exercise / "submissions/reference", "--json"]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    wall, cpu = (time.perf_counter() - began) * 1000, busy_ms() - busy
    cases = json.loads(answer.stdout)["cases"]
    longest = max(cases, key=lambda case: case["usage"]["wall_ms"])
    return {
        "cases": len(cases),
        "wall_ms": wall,
        "cpu_ms": cpu,
        "student_cpu_ms": sum(case["usage"]["cpu_ms"] for case in cases),
        "longest_case": longest["id"],
        "longest_ms": longest["usage"]["wall_ms"],
    }


def measure(exercise):
    rounds = [grade(exercise) for _ in range(ROUNDS)]
    return min(rounds, key=lambda round_: round_["cpu_ms"]) | {"wall_ms": min(round_["wall_ms"] for round_ in rounds)}


def main():
    named = [ROOT / "exercises" / name for name in sys.argv[1:]]
    folders = named or sorted(path.parent for path in (ROOT / "exercises").glob("*/exercise.toml"))
    print(f"{'':26}{'cases':>6}{'wall ms':>9}{'cpu ms':>8}{'student':>9}{'not theirs':>12}  longest case")
    results = {}
    for folder in folders:
        found = results[folder.name] = measure(folder)
        ours = 1 - found["student_cpu_ms"] / found["cpu_ms"]
        numbers = f"{found['cases']:6}{found['wall_ms']:9.0f}{found['cpu_ms']:8.0f}{found['student_cpu_ms']:9.0f}{ours:12.0%}"
        print(f"{folder.name:26}{numbers}  {found['longest_case']}, {found['longest_ms']} ms", flush=True)
    (ROOT / "target/bench-exercises.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
