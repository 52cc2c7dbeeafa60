// Short texts by course authors, in which code stands between backticks. A backtick without another one stays as it is.

export type Part = { code: boolean; text: string };

export function inline(text: string): Part[] {
  const parts = text.split(/`([^`]+)`/).map((text, index) => ({ code: index % 2 === 1, text }));
  return parts.filter((part) => part.text !== "");
}
