import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { render } from "svelte/server";
import { api } from "../api/client";
import { Problem, problemFrom, unreachable } from "../api/problem";
import type { CaseReport, Evidence, Replay } from "../api/types";
import CaseCard from "../components/CaseCard.svelte";
import ReplayOutcome from "../components/ReplayOutcome.svelte";
import { compare, ScheduleReplay } from "./schedule-replay.svelte";

const schedules = import.meta.glob<Evidence>("../../../grader/tests/schedules/lost_update/evidence.json", { eager: true, import: "default" });
const schedule = Object.values(schedules)[0]!;

const usage = { cpu_ms: 0, wall_ms: 0, peak_bytes: 0, processes_peak: 0, output_bytes: 0, disk_bytes: 0 };
const report: CaseReport = {
  id: "race",
  title: "No update is lost",
  verdict: "wrong-answer",
  points: 0,
  points_max: 4,
  visibility: "visible",
  message: "It holds 1.",
  hint: null,
  evidence: [schedule],
  usage,
  seed: null,
};
const graded = (by: Partial<CaseReport> = {}): Replay => ({ state: "graded", case: { ...report, ...by } });
const QUEUED: Replay = { state: "queued", case: null };
const RUNNING: Replay = { state: "running", case: null };
const DEAD: Replay = { state: "dead", case: null };

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(api, "replaySchedule").mockResolvedValue({ replay: 7 });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A replay to which the server answers so, question by question; a problem is thrown. */
async function answered(...answers: (Replay | Problem)[]) {
  const replay = new ScheduleReplay("s1", "race");
  const seen: (string | null)[] = [];
  const waits: number[] = [];
  vi.spyOn(api, "waitForReplay").mockImplementation(async (_id, _replay, wait) => {
    seen.push(replay.stage);
    waits.push(wait);
    const answer = answers.shift()!;
    if (answer instanceof Problem) throw answer;
    return answer;
  });
  const problem = replay.run("sQ").then(
    () => null,
    (thrown: unknown) => thrown,
  );
  await vi.runAllTimersAsync();
  return { replay, seen, waits, problem: await problem };
}

test("a schedule is asked for, waited for in line and while it runs, and answers", async () => {
  const { replay, seen, waits, problem } = await answered(QUEUED, RUNNING, graded());
  expect(api.replaySchedule).toHaveBeenCalledWith("s1", { case: "race", token: "sQ" });
  expect(seen).toEqual(["queued", "queued", "running"]);
  expect(waits).toEqual([2, 2, 50]);
  expect([problem, replay.stage, replay.ended]).toEqual([null, null, graded()]);
});

test("a way to the server that is down for a moment loses nothing", async () => {
  const { replay, problem } = await answered(RUNNING, unreachable(), problemFrom(503, ""), graded());
  expect([problem, replay.ended]).toEqual([null, graded()]);
});

test("what will not get better is told at once, and what does not get better in the end", async () => {
  const gone = problemFrom(404, "");
  expect((await answered(QUEUED, gone)).problem).toBe(gone);
  const silence = unreachable();
  const { replay, problem } = await answered(...Array.from({ length: 5 }, () => silence));
  expect([problem, replay.stage, replay.ended]).toEqual([silence, null, null]);
});

test("a refusal is told and leaves nothing under way", async () => {
  const busy = problemFrom(429, "");
  vi.spyOn(api, "replaySchedule").mockRejectedValue(busy);
  const { replay, seen, problem } = await answered();
  expect([problem, replay.stage, seen]).toEqual([busy, null, []]);
});

test("nobody is asked any more when nobody looks any more", async () => {
  const replay = new ScheduleReplay("s1", "race");
  const asked = vi.spyOn(api, "waitForReplay").mockImplementation(async () => {
    replay.close();
    return RUNNING;
  });
  const run = replay.run("sQ");
  await vi.runAllTimersAsync();
  await run;
  expect(asked).toHaveBeenCalledTimes(1);
  expect(replay.ended).toBeNull();
});

test("two runs are compared by verdict, then by words", () => {
  const to = (by: Partial<CaseReport>) => compare(report, { ...report, ...by });
  expect([to({}), to({ message: "It holds 2." }), to({ verdict: "deadlock" }), to({ verdict: "passed" })]).toEqual(["same", "alike", "other", "passes"]);
});

const outcome = (stage: "queued" | "running" | null, ended: Replay | null) => {
  const replay = new ScheduleReplay("s1", "race");
  Object.assign(replay, { stage, ended });
  return render(ReplayOutcome, { props: { replay, before: report } }).body;
};

test("what is said aloud is there before anything happens", () => {
  expect(outcome(null, null)).toMatch(/role="status"/);
  expect(outcome("queued", null)).toContain("Waiting in line");
  expect(outcome("running", null)).toContain("It is running");
});

test("the outcome stands beside the report's, with its evidence", () => {
  const same = outcome(null, graded());
  expect(same).toContain("It failed again, in the same way.");
  expect(same.match(/Wrong answer/g)).toHaveLength(2);
  expect(same).toContain("What happened, in order");
  expect(same).not.toContain("Run this schedule again");
  expect(outcome(null, graded({ verdict: "deadlock", message: "Nobody goes on." }))).toContain("Nobody goes on.");
  expect(outcome(null, graded({ verdict: "passed", message: null, evidence: [] }))).toContain("It passed this time.");
});

test("a replay that failed on our side costs nothing, and says so", () => {
  expect(outcome(null, DEAD)).toMatch(/our fault.*nothing was lost/);
});

test("schedules and simulated runs are run again by whoever may, and other evidence by nobody", () => {
  const progress = { ...report, case: "race", state: "finished" as const };
  const card = (replayable: string | null, evidence: Evidence[]) =>
    render(CaseCard, { props: { progress, report: { ...report, evidence }, exercise: "thr-02-bank", files: [], replayable } }).body;
  const AGAIN = "Run this schedule again";
  expect(card("s1", [schedule])).toContain(AGAIN);
  expect(card(null, [schedule])).not.toContain(AGAIN);
  expect(card("s1", [{ kind: "traceback", text: "IndexError" }])).not.toContain(AGAIN);
  const run = (token: string | null): Evidence => ({
    kind: "wire",
    title: "Run 1 of 20",
    lanes: [{ name: "a", address: "" }],
    events: [],
    left_out: [],
    connections_left_out: 0,
    divergence: null,
    capture: null,
    run: { ended_us: 1, end: "the time was up", spans: [], away: [], token },
  });
  const ANEW = "Make this run again";
  expect(card("s1", [run("sgAAABA")])).toContain(ANEW);
  expect(card(null, [run("sgAAABA")])).not.toContain(ANEW);
  expect(card(null, [run("sgAAABA")])).toContain("sgAAABA");
  expect(card("s1", [run(null)])).not.toContain(ANEW);
});
