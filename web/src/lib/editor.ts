// CodeMirror, set up once: Python, four spaces, colours from the app's tokens. Loaded only when an editor is shown.
// It lives in a shadow root: there it adopts its styles as objects, where in the page it would insert style elements,
// which the server's content security policy refuses. Colours come in as custom properties, which cross the border.

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: [tags.comment], color: "var(--ink-soft)", fontStyle: "italic" },
  { tag: [tags.function(tags.definition(tags.variableName)), tags.definition(tags.className)], color: "var(--code-name)", fontWeight: "600" },
  { tag: [tags.meta], color: "var(--code-number)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--surface)", color: "var(--ink)", fontSize: "var(--text-s)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-code)", fontVariantLigatures: "none", lineHeight: "1.6" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--ink-soft)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in oklch, var(--accent-soft) 55%, transparent)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in oklch, var(--focus) 28%, transparent)",
  },
  ".cm-panels": { backgroundColor: "var(--surface-sunken)", color: "var(--ink)" },
  ".cm-matchingBracket": { outline: "1px solid var(--line-strong)" },
});

export class CodeEditor {
  readonly #view: EditorView;
  readonly #changed: (name: string, text: string) => void;
  /** The state of each file that was shown, so that undo and the cursor survive a change of tab. */
  readonly #states = new Map<string, EditorState>();
  #name: string | null = null;

  constructor(parent: HTMLElement, changed: (name: string, text: string) => void) {
    this.#changed = changed;
    const root = parent.shadowRoot ?? parent.attachShadow({ mode: "open" });
    this.#view = new EditorView({ parent: root, root });
  }

  show(name: string, text: string) {
    if (this.#name !== null && this.#name !== name) this.#states.set(this.#name, this.#view.state);
    const known = this.#name === name ? this.#view.state : this.#states.get(name);
    const fresh = known && known.doc.toString() === normal(text) ? known : this.#state(name, text);
    this.#name = name;
    if (fresh !== this.#view.state) this.#view.setState(fresh);
  }

  focus() {
    this.#view.focus();
  }

  destroy() {
    this.#view.destroy();
  }

  #state(name: string, text: string): EditorState {
    return EditorState.create({ doc: text, extensions: [setup, this.#listener(name), label(name)] });
  }

  #listener(name: string): Extension {
    return EditorView.updateListener.of((update) => {
      if (update.docChanged) this.#changed(name, update.state.doc.toString());
    });
  }
}

const setup: Extension = [
  lineNumbers(),
  highlightActiveLineGutter(),
  highlightActiveLine(),
  history(),
  drawSelection(),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  highlightSelectionMatches(),
  indentUnit.of("    "),
  EditorState.tabSize.of(4),
  python(),
  syntaxHighlighting(colours),
  look,
  keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, indentWithTab]),
];

/** The editor's own line ends, to compare a text with. */
const normal = (text: string) => text.replace(/\r\n?/g, "\n");

const label = (name: string) =>
  EditorView.contentAttributes.of({ "aria-label": `Editor for ${name}. Escape, then Tab leaves it.`, spellcheck: "false" });
