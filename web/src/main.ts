import "@fontsource-variable/ibm-plex-sans/wght.css";
import "@fontsource-variable/ibm-plex-sans/wght-italic.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/prose.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { startRouting } from "./lib/location.svelte";
import { session } from "./lib/session.svelte";

const target = document.getElementById("app");
if (!target) throw new Error("find the element #app in index.html");

startRouting();
void session.start();
mount(App, { target });
