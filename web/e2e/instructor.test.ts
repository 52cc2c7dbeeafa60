import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { account, launch, logIn, openAssignment, openPage, server } from "./browser";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

/** Something for the dashboard to show: the student hands in once, in the same way as a program would. */
async function handInAsStudent(page: Page) {
  await page.goto(`${server}/login`);
  await logIn(page, account("PRACTICUM_STUDENT"));
  const address = `/api/v1${await openAssignment(page).getAttribute("href")}`;
  const status = await page.evaluate(async (path) => {
    const { starter } = (await (await fetch(path)).json()) as { starter: { name: string; content: string }[] };
    const body = JSON.stringify({ files: starter });
    const headers = { "Content-Type": "application/json" };
    return (await fetch(`${path}/submissions`, { method: "POST", headers, body })).status;
  }, address);
  expect(status).toBe(202);
}

test("an instructor finds a student on the dashboard by keyboard and opens the latest submission", async () => {
  await handInAsStudent((await openPage(browser)).page);
  const { page, complaints } = await openPage(browser);
  await page.goto(`${server}/login`);
  await logIn(page, account("PRACTICUM_INSTRUCTOR"));
  await page.waitForURL("**/dashboard");
  const grid = page.getByRole("grid");
  await grid.waitFor();

  const { login } = account("PRACTICUM_STUDENT");
  await page.getByLabel("Student", { exact: true }).fill(login);
  const row = grid.getByRole("row").filter({ has: page.locator(`[title="${login}"]`) });
  await row.waitFor();

  // One cell is in the tab order, arrows move on from it.
  const stops = grid.locator("[data-column][tabindex='0']");
  expect(await stops.count()).toBe(1);
  await stops.focus();
  await page.keyboard.press("End");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("data-column"))).not.toBe("0");
  await page.keyboard.press("Home");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("data-column"))).toBe("0");

  await row.locator("a[href^='/submissions/']").first().press("Enter");
  await page.waitForURL("**/submissions/*");
  await page.getByRole("heading", { name: "Receipt" }).waitFor();
  await page.getByRole("button", { name: "Grade again" }).waitFor();
  expect(complaints).toEqual([]);
});
