import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { account, launch, logIn, openAssignment, openPage, server } from "./browser";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const GRADED_MS = 150_000;

test("a student logs in, hands in from the editor, watches the cases and reads the report", async () => {
  const { page, complaints } = await openPage(browser);

  // A page that needs a login asks for it and comes back.
  await page.goto(`${server}/tokens`);
  await page.waitForURL("**/login?next=%2Ftokens");
  await logIn(page, account("PRACTICUM_STUDENT"));
  await page.getByRole("heading", { name: "Access tokens" }).waitFor();

  await page.getByRole("link", { name: "Practicum" }).click();
  await openAssignment(page).click();

  // The starter is in the editor; a comment of our own makes it an edit.
  const editor = page.getByRole("textbox", { name: /^Editor for / });
  await editor.waitFor();
  await editor.click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("\n# handed in from the browser");
  await page.getByRole("button", { name: "Hand in", exact: true }).click();

  await page.waitForURL("**/submissions/*");
  await page.getByRole("heading", { name: "Receipt" }).waitFor();
  expect(await page.locator("aside code").first().innerText()).toMatch(/^[0-9a-f]{64}$/);

  // The cases fill in live; no reload between here and the report.
  await page.getByText(/The (program|files) |Every thread|A rule|Two runs/).first().waitFor({ timeout: GRADED_MS });
  expect(await page.locator("li[id^='case-']").count()).toBeGreaterThan(0);
  await page.getByText(/^Graded in the /).waitFor();

  // What was typed is what was handed in.
  await page.locator("section[aria-labelledby='files'] summary").first().click();
  await page.locator("section[aria-labelledby='files']").getByText("# handed in from the browser").waitFor();
  expect(complaints).toEqual([]);
});

test("a wrong password is refused in words, next to the button", async () => {
  const { page } = await openPage(browser);
  await page.goto(`${server}/login`);
  await logIn(page, { ...account("PRACTICUM_STUDENT"), password: "not the password" });
  await page.getByRole("alert").waitFor();
  expect(await page.getByLabel("Password").getAttribute("aria-invalid")).toBe("true");
});

test("no page is wider than a small phone", async () => {
  const { page } = await openPage(browser);
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(`${server}/login`);
  await logIn(page, account("PRACTICUM_STUDENT"));
  await openAssignment(page).waitFor();
  const addresses = [page.url(), (await openAssignment(page).getAttribute("href")) ?? "", "/tokens"];
  for (const address of addresses) {
    await page.goto(new URL(address, server).href);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForLoadState("networkidle");
    expect(await page.evaluate(() => document.documentElement.scrollWidth), address).toBeLessThanOrEqual(360);
  }
});
