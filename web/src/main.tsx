import { render } from "preact";
import { App } from "./app";
import "./shell/style/tokens.css";
import "./shell/style/base.css";
import "./shell/style/controls.css";
import "./shell/style/frame.css";
import "./shell/theme";

const root = document.getElementById("app");
if (root) render(<App />, root);
