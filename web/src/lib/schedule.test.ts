import { describe, expect, test } from "vitest";
import { render } from "svelte/server";
import ScheduleEvidence from "../components/ScheduleEvidence.svelte";
import {
  beginning,
  deed,
  files,
  gap,
  holds,
  isChoice,
  lanes,
  moved,
  nextChoice,
  rank,
  sentence,
  standing,
  switched,
  values,
  type Life,
  type Schedule,
  type ScheduleEvent,
} from "./schedule";

/** What the grader makes of the runs that its own tests begin with. */
const kept = import.meta.glob<Schedule>("../../../grader/tests/schedules/*/evidence.json", { eager: true, import: "default" });
const example = (name: string) => kept[`../../../grader/tests/schedules/${name}/evidence.json`]!;

const SIGNS: Record<Life, string> = { absent: " ", ready: "|", runs: "#", waits: ":" };

/** The lanes above and below each event, then its words. */
function told(schedule: Schedule): string {
  const rows = lanes(schedule).map((row, index) => {
    const event = schedule.events[index]!;
    const lines = row.map((lane) => SIGNS[lane.before] + SIGNS[lane.after]).join(" ");
    const held = row.flatMap((lane, thread) => lane.held.map((it) => `${thread}${it.begins ? "+" : it.ends ? "-" : "="}${it.lock}`)).join(" ");
    const words = [gap(schedule, index) && `(${gap(schedule, index)}) `, isChoice(event) ? "> " : "", sentence(schedule, event)].join("");
    return `${lines} ${words}${held && ` [${held}]`}`;
  });
  return `\n${rows.join("\n")}\n`;
}

describe("lanes", () => {
  test("of crossed locks end waiting, each with a lock", () => {
    expect(told(example("crossed_locks"))).toMatchInlineSnapshot(`
      "
      ##       main starts.
      ##  |    main starts Thread-1.
      ## ||  | main starts Thread-2.
      #: || || main waits for Thread-1.
      :: ## || Thread-1 starts.
      :: ## || Thread-1 takes Lock#1, at line 11 of bank.py. [1+Lock#1]
      :: || ## > Thread-2 starts. [1=Lock#1]
      :: || ## Thread-2 takes Lock#2, at line 11 of bank.py. [1=Lock#1 2+Lock#2]
      :: || #: Thread-2 waits for Lock#1, at line 12 of bank.py. [1=Lock#1 2=Lock#2]
      :: #: :: Thread-1 waits for Lock#2, at line 12 of bank.py. [1=Lock#1 2=Lock#2]
      "
    `);
  });

  test("of a lost update show who is interrupted", () => {
    expect(told(example("lost_update"))).toMatchInlineSnapshot(`
      "
      ##       main starts.
      ##       main writes Counter#1.value = 0, at line 8 of counter.py.
      ##  |    main starts Thread-1.
      ## ||  | main starts Thread-2.
      #: || || main waits for Thread-1.
      :: ## || Thread-1 starts.
      :: ## || Thread-1 reads Counter#1.value = 0, at line 11 of counter.py.
      :: || ## > Thread-2 starts.
      :: || ## Thread-2 reads Counter#1.value = 0, at line 11 of counter.py.
      :: || ## Thread-2 writes Counter#1.value = 1, at line 11 of counter.py.
      :: || ## Thread-2 reads Counter#1.value = 1, at line 11 of counter.py.
      :: || ## Thread-2 writes Counter#1.value = 2, at line 11 of counter.py.
      :: || #  Thread-2 ends.
      :: ##    Thread-1 writes Counter#1.value = 1, at line 11 of counter.py.
      :: ##    Thread-1 reads Counter#1.value = 1, at line 11 of counter.py.
      :: ##    Thread-1 writes Counter#1.value = 2, at line 11 of counter.py.
      :: #     Thread-1 ends.
      ##       main has waited for Thread-1.
      ##       main joins Thread-1.
      ##       main joins Thread-2.
      #        main ends.
      "
    `);
  });

  test("of a thread that waits on a condition lend its lock", () => {
    expect(told(example("dying_thread"))).toMatchInlineSnapshot(`
      "
      ##          main starts.
      ##          main starts Thread consumer-1.
      ##          main starts Thread consumer-2.
      ##          main starts Thread producer.
      #:          main waits for Thread consumer-1.
      :: ##       consumer-1 starts.
      :: ##       consumer-1 takes Condition#1, at line 15 of box.py. [1+Condition#1]
      :: ##       consumer-1 releases Condition#1, at line 17 of box.py. [1-Condition#1]
      :: #:       consumer-1 waits for Condition#1, at line 17 of box.py.
      :: ::    ## > producer starts.
      :: ::    ## producer takes Condition#1, at line 10 of box.py. [3+Condition#1]
      :: ::    ## producer calls list#1: append(7), at line 11 of box.py. [3=Condition#1]
      :: ::    ## producer notifies Condition#1: 1 of 1 waiting, at line 12 of box.py. [3=Condition#1]
      :: ::    ## producer releases Condition#1, at line 10 of box.py. [3-Condition#1]
      :: :: ## || > consumer-2 starts.
      :: :: ## || consumer-2 takes Condition#1, at line 15 of box.py. [2+Condition#1]
      :: :: ## || consumer-2 calls list#1: pop(0), at line 18 of box.py. [2=Condition#1]
      :: :: ## || consumer-2 releases Condition#1, at line 15 of box.py. [2-Condition#1]
      :: :: #  || consumer-2 ends.
      :: ##    || consumer-1 has waited for Condition#1, at line 17 of box.py.
      :: ##    || consumer-1 takes Condition#1, at line 17 of box.py. [1+Condition#1]
      :: ##    || consumer-1 calls list#1: pop(0), at line 18 of box.py. [1=Condition#1]
      :: ##    || consumer-1 releases Condition#1, at line 15 of box.py. [1-Condition#1]
      :: #     || consumer-1 dies of IndexError: pop from empty list.
      :: #     || consumer-1 ends.
      ##       || main has waited for Thread consumer-1.
      ##       || main joins Thread consumer-1.
      ##       || main joins Thread consumer-2.
      #:       || main waits for Thread producer.
      ::       ## producer takes Condition#1, at line 10 of box.py. [3+Condition#1]
      ::       ## producer calls list#1: append(8), at line 11 of box.py. [3=Condition#1]
      ::       ## producer notifies Condition#1: 0 of 0 waiting, at line 12 of box.py. [3=Condition#1]
      ::       ## producer releases Condition#1, at line 10 of box.py. [3-Condition#1]
      ::       #  producer ends.
      ##          main has waited for Thread producer.
      ##          main joins Thread producer.
      #           main ends.
      "
    `);
  });

  test("of a missed notification", () => {
    expect(told(example("missed_notification"))).toMatchInlineSnapshot(`
      "
      ##          main starts.
      ##          main starts Thread waiter-1.
      ##          main starts Thread waiter-2.
      ##          main starts Thread opener.
      #:          main waits for Thread waiter-1.
      ::       ## > opener starts.
      ::       ## opener takes Condition#1, at line 9 of latch.py. [3+Condition#1]
      ::       ## opener notifies Condition#1: 0 of 0 waiting, at line 10 of latch.py. [3=Condition#1]
      ::       ## opener releases Condition#1, at line 9 of latch.py. [3-Condition#1]
      ::       #  opener ends.
      :: ##       waiter-1 starts.
      :: ##       waiter-1 takes Condition#1, at line 13 of latch.py. [1+Condition#1]
      :: ##       waiter-1 releases Condition#1, at line 14 of latch.py. [1-Condition#1]
      :: #:       waiter-1 waits for Condition#1, at line 14 of latch.py.
      :: :: ##    waiter-2 starts.
      :: :: ##    waiter-2 takes Condition#1, at line 13 of latch.py. [2+Condition#1]
      :: :: ##    waiter-2 releases Condition#1, at line 14 of latch.py. [2-Condition#1]
      :: :: #:    waiter-2 waits for Condition#1, at line 14 of latch.py.
      "
    `);
  });

  test("of a busy wait say once what is done again and again", () => {
    expect(told(example("busy_wait"))).toMatchInlineSnapshot(`
      "
      ##       main starts.
      ##       main writes Mailbox#1.ready = False, at line 6 of mailbox.py.
      ##       main writes Mailbox#1.letter = None, at line 7 of mailbox.py.
      ##  |    main starts Thread-1.
      ## ||  | main starts Thread-2.
      #: || || main waits for Thread-1.
      :: ## || Thread-1 starts.
      :: ## || Thread-1 reads Mailbox#1.ready = False, at line 14 of mailbox.py.
      :: ## || (the same 99 times more) Thread-1 reads Mailbox#1.ready = False, at line 14 of mailbox.py.
      :: || ## Thread-2 starts.
      :: || ## Thread-2 writes Mailbox#1.letter = 'hello', at line 10 of mailbox.py.
      :: || ## Thread-2 writes Mailbox#1.ready = True, at line 11 of mailbox.py.
      :: || #  Thread-2 ends.
      :: ##    Thread-1 reads Mailbox#1.ready = True, at line 14 of mailbox.py.
      :: ##    Thread-1 reads Mailbox#1.letter = 'hello', at line 16 of mailbox.py.
      :: #     Thread-1 ends.
      ##       main has waited for Thread-1.
      ##       main joins Thread-1.
      ##       main joins Thread-2.
      #        main ends.
      "
    `);
  });
});

const event = (thread: number, act: ScheduleEvent["act"], object: string | null = null, value: string | null = null): ScheduleEvent => ({
  thread,
  step: 1,
  act,
  object,
  value,
  place: null,
  switch: null,
});

const schedule = (events: ScheduleEvent[]): Schedule => ({ ...example("lost_update"), threads: ["main", "a", "b"], events, left_out: [] });

test("a lock that another takes is no longer held, whatever was left out", () => {
  const rows = lanes(schedule([event(1, "takes", "Lock#1"), event(2, "takes", "Lock#1"), event(2, "takes", "Queue#1")]));
  expect(holds(rows[2]!)).toEqual([{ thread: 2, locks: ["Lock#1"] }]);
});

test("a lock taken twice is held until it is released twice", () => {
  const rows = lanes(schedule([event(1, "takes", "RLock#1"), event(1, "takes", "RLock#1"), event(1, "releases", "RLock#1"), event(1, "releases", "RLock#1")]));
  expect(rows.map((row) => holds(row).length)).toEqual([1, 1, 1, 0]);
});

test("events are told in few words", () => {
  expect(deed(event(1, "writes", "Account#1.balance", "3"))).toBe("writes Account#1.balance = 3");
  expect(deed(event(1, "notifies", "Condition#1", "1 of 1 waiting"))).toBe("notifies Condition#1: 1 of 1 waiting");
  expect(deed(event(1, "dies", null, "KeyError: 'x'"))).toBe("dies of KeyError: 'x'");
  expect(deed(event(1, "ends"))).toBe("ends");
});

test("a switch says who could have gone on", () => {
  const it = (why: "preempted" | "blocked" | "gave-way", choice: number | null) =>
    switched(schedule([]), { ...event(1, "reads"), switch: { from: 2, why, choice } });
  expect(it("preempted", 1)).toBe("interrupts b, which could have gone on");
  expect(it("blocked", null)).toBe("goes on: b cannot go on");
  expect(it("blocked", 2)).toBe("goes before others that could: b cannot go on");
  expect(it("gave-way", null)).toBe("goes on: b lets others go");
});

test("who has read what was changed since is told", () => {
  const lost = example("lost_update");
  const written = lost.events.findIndex((it) => it.act === "writes" && it.thread === 2);
  expect(values(lost, written)).toEqual([{ object: "Counter#1.value", value: "1", touched: true, stale: [{ thread: 1, value: "0" }] }]);
  expect(values(lost, lost.events.length - 1)[0]?.stale).toEqual([]);
});

test("threads stand where they did something last", () => {
  const end = (name: string) => [...standing(example(name), example(name).events.length - 1)];
  expect(end("crossed_locks")).toEqual([["bank.py:12", [1, 2]]]);
});

test("keys step, and stop at both ends", () => {
  expect(["ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft", "Home", "End", "x"].map((key) => moved(key, 2, 4))).toEqual([3, 3, 1, 1, 0, 3, null]);
  expect([moved("ArrowUp", 0, 4), moved("ArrowDown", 3, 4)]).toEqual([0, 3]);
});

test("reading begins where the schedule chooses, and goes round", () => {
  const both = example("dying_thread");
  const first = beginning(both);
  const second = nextChoice(both, first)!;
  expect(second).toBeGreaterThan(first);
  expect(nextChoice(both, second)).toBe(first);
  expect(beginning(schedule([event(0, "reads"), event(0, "ends")]))).toBe(1);
  expect(nextChoice(schedule([]), 0)).toBeNull();
});

test("schedules are counted", () => {
  expect(rank({ ...schedule([]), found_after: 3, schedules: 3 })).toBe("3rd of 3 schedules tried");
  expect(rank({ ...schedule([]), found_after: 1, schedules: 1 })).toBe("only schedule tried");
  expect(rank({ ...schedule([]), found_after: 12, schedules: 300 })).toBe("12th of 300 schedules tried");
});

test("source loses what all lines have and says where lines are missing", () => {
  const line = (number: number, text: string) => ({ file: "m.py", number, text });
  const source = [line(3, "    def f():"), line(4, "        pass"), line(9, "")];
  expect(files({ ...schedule([]), source })).toEqual([{ file: "m.py", lines: [line(3, "def f():"), line(4, "    pass"), null, line(9, "")] }]);
});

test("what a student's program says is shown and never obeyed", () => {
  const hostile = "<script>alert(1)</script>";
  const it = example("crossed_locks");
  const evidence: Schedule = {
    ...it,
    facts: [hostile],
    threads: it.threads.map(() => hostile),
    events: it.events.map((event) => ({ ...event, object: hostile, value: hostile })),
    waits: it.waits.map((wait) => ({ ...wait, call: hostile, object: hostile, holds: [hostile] })),
    source: it.source.map((line) => ({ ...line, text: hostile })),
    token: hostile,
  };
  const { body } = render(ScheduleEvidence, { props: { evidence } });
  expect(body).not.toContain("<script");
  expect(body).toContain("&lt;script>");
});

test("the page has a table, an ordered list and a button for each step", () => {
  const { body } = render(ScheduleEvidence, { props: { evidence: example("crossed_locks") } });
  expect(body.match(/<ol/g)).toHaveLength(1);
  expect(body.match(/aria-current="step"/g)).toHaveLength(1);
  expect(body.match(/<th scope="row"/g)).toHaveLength(3);
  expect(body).not.toContain("Run this schedule again");
  expect(render(ScheduleEvidence, { props: { evidence: example("lost_update"), onreplay: async () => {} } }).body).toContain("Run this schedule again");
});
