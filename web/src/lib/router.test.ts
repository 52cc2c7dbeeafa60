import { describe, expect, test } from "vitest";
import { match, nextPath, path } from "./router";

describe("match", () => {
  test.each([
    ["/", { page: "courses" }],
    ["/login", { page: "login" }],
    ["/tokens/", { page: "tokens" }],
    ["/courses/nc-2026", { page: "course", course: "nc-2026" }],
    ["/courses/nc-2026/dashboard", { page: "dashboard", course: "nc-2026" }],
    ["/courses/nc-2026/assignments/net-02", { page: "assignment", course: "nc-2026", assignment: "net-02" }],
    ["/submissions/0197-ab", { page: "submission", id: "0197-ab" }],
    ["/courses", { page: "missing" }],
    ["/courses/x/assignments", { page: "missing" }],
    ["/submissions/a/b", { page: "missing" }],
    ["/nowhere", { page: "missing" }],
  ])("%s", (address, route) => {
    expect(match(address)).toEqual(route);
  });

  test("a broken escape is a name like any other", () => {
    expect(match("/courses/100%")).toEqual({ page: "course", course: "100%" });
  });
});

test("every path leads back to its page", () => {
  expect(match(path.course("a b/c"))).toEqual({ page: "course", course: "a b/c" });
  expect(match(path.assignment("a", "ü"))).toEqual({ page: "assignment", course: "a", assignment: "ü" });
  expect(match(path.dashboard("a"))).toEqual({ page: "dashboard", course: "a" });
  expect(match(path.submission("x"))).toEqual({ page: "submission", id: "x" });
  expect(match(path.tokens())).toEqual({ page: "tokens" });
});

describe("nextPath", () => {
  test("gives back the path that the login interrupted", () => {
    const login = path.login("/submissions/1?x=2#case-a");
    expect(nextPath(login.slice(login.indexOf("?")))).toBe("/submissions/1?x=2#case-a");
  });

  test.each(["", "?next=https://evil.example/", "?next=//evil.example/", "?next=/\\evil.example/", "?next=javascript:alert(1)", "?next=tokens"])(
    "never leaves the app: %s",
    (search) => {
      expect(nextPath(search)).toBe("/");
    },
  );
});
