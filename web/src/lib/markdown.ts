// Statements are Markdown by course authors. Raw HTML is off and links are checked by markdown-it, so the result is safe
// to insert; a first-level heading becomes one of the second because the page has its own h1.

import MarkdownIt from "markdown-it";

const markdown = new MarkdownIt({ html: false, linkify: false, typographer: false });

markdown.core.ruler.push("headings_below_the_page", (state) => {
  for (const token of state.tokens) {
    if (token.type !== "heading_open" && token.type !== "heading_close") continue;
    if (token.tag === "h1") token.tag = "h2";
  }
});

const renderLink = markdown.renderer.rules.link_open ?? ((tokens, index, options, _env, self) => self.renderToken(tokens, index, options));
markdown.renderer.rules.link_open = (tokens, index, options, env, self) => {
  const token = tokens[index];
  if (token?.attrGet("href")?.match(/^https?:/)) {
    token.attrSet("target", "_blank");
    token.attrSet("rel", "noopener noreferrer");
  }
  return renderLink(tokens, index, options, env, self);
};

// Pictures from elsewhere would tell that elsewhere who reads; the content security policy refuses them anyway.
markdown.disable("image");

/** The statement as HTML, without its first heading where that repeats the title shown above it. */
export function renderStatement(source: string): string {
  return markdown.render(source.replace(/^\s*# [^\n]*\n/, ""));
}
