import { expect, test } from "vitest";
import { Drafts } from "./drafts";
import { due, isOpen } from "./due";
import { inline } from "./inline";
import { renderStatement } from "./markdown";
import { replayLine } from "./replay";
import { sectionTitle } from "./sections";

const NOW = Date.parse("2026-03-10T12:00:00Z");

test("a statement cannot bring HTML, scripts or pictures into the page", () => {
  const html = renderStatement("# Title\n\n<script>alert(1)</script> [x](javascript:alert(1)) ![p](http://evil.example/p.png)");
  expect(html).not.toMatch(/<script|<img|href="javascript/);
  expect(html).not.toContain("Title");
});

test("a statement's headings stand below the page's own, its links open elsewhere", () => {
  expect(renderStatement("# Title\n\n# Rules\n\n### Detail")).toBe("<h2>Rules</h2>\n<h3>Detail</h3>\n");
  expect(renderStatement("[RFC](https://www.rfc-editor.org)")).toContain('target="_blank" rel="noopener noreferrer"');
});

test("code in a hint stands between backticks, and a lone backtick is one", () => {
  const code = (text: string) => ({ code: true, text });
  const words = (text: string) => ({ code: false, text });
  expect(inline("`if x:` is false for __len__ of 0")).toEqual([code("if x:"), words(" is false for __len__ of 0")]);
  expect(inline("ask with `is None`.")).toEqual([words("ask with "), code("is None"), words(".")]);
  expect(inline("a ` and <b>")).toEqual([words("a ` and <b>")]);
  expect(inline("")).toEqual([]);
});

test("the replay line is one that a shell reads back", () => {
  expect(replayLine("net-02", ["echo_server.py"], "half-close", "ab12")).toBe("practicum grade net-02 echo_server.py --case half-close --seed ab12");
  expect(replayLine("net-02", ["a.py", "b.py"], "c", "1")).toContain("net-02 . --case");
  expect(replayLine("net-02", ["it's; rm.py"], "c", "1")).toContain(`'it'\\''s; rm.py'`);
});

test("a section is called as in the outline, an unknown one by its number", () => {
  expect([1, 7, 13].map(sectionTitle)).toEqual(["1. Network Fundamentals", "7. Thread Programming", "13. Simulated Clusters"]);
  expect([0, 14].map(sectionTitle)).toEqual(["Section 0", "Section 14"]);
});

test("dates say what they mean now", () => {
  const dates = { opens_at: "2026-03-01T00:00:00Z", due_at: "2026-03-11T12:00:00Z", closes_at: "2026-03-20T00:00:00Z" };
  expect(due(dates, NOW)).toMatchObject({ text: "due tomorrow", tone: "warn" });
  expect(due({ ...dates, due_at: "2026-03-17T12:00:00Z" }, NOW)).toMatchObject({ text: "due in 7 days", tone: "plain" });
  expect(due({ ...dates, due_at: "2026-03-08T12:00:00Z" }, NOW).text).toBe("was due 2 days ago");
  expect(due({ ...dates, closes_at: "2026-03-09T12:00:00Z" }, NOW).text).toBe("closed yesterday");
  expect(due({ ...dates, opens_at: "2026-03-13T12:00:00Z" }, NOW).text).toBe("opens in 3 days");
  expect(isOpen({ ...dates, closes_at: "2026-03-09T12:00:00Z" }, NOW)).toBe(false);
  expect(isOpen({ opens_at: null, due_at: null, closes_at: null }, NOW)).toBe(true);
});

const STARTER = [{ name: "a.py", content: "pass\n" }];

test("a draft keeps only what differs from the starter, for one person and assignment", () => {
  const kept = new Map<string, string>();
  const store = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  const mine = new Drafts(store, "ana", "nc", "net-02");
  expect(mine.keep([...STARTER, { name: "b.py", content: "x = 1\n" }], STARTER)).toBe(true);
  expect([...mine.read()]).toEqual([["b.py", "x = 1\n"]]);
  expect(new Drafts(store, "bo", "nc", "net-02").read().size).toBe(0);
  mine.keep(STARTER, STARTER);
  expect(kept.size).toBe(0);
});

test("a draft that cannot be kept or read says so instead of failing", () => {
  const full = {
    getItem: () => "{broken",
    removeItem: () => {},
    setItem: () => {
      throw new Error("full");
    },
  };
  const drafts = new Drafts(full, "ana", "nc", "net-02");
  expect(drafts.read().size).toBe(0);
  expect(drafts.keep([{ name: "a.py", content: "x" }], STARTER)).toBe(false);
  expect(new Drafts(null, "ana", "nc", "net-02").keep(STARTER, STARTER)).toBe(false);
});
