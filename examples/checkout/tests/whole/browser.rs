//! A Chromium without a window, driven by its DevTools protocol.

use crate::support::{PATIENCE, wait_for};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::{self, WebSocket};

/// A browser with one page. It ends when this is dropped.
pub(crate) struct Browser {
    process: Child,
    socket: WebSocket<TcpStream>,
    session: Value,
    calls: u64,
    /// What the page did meanwhile.
    pub(crate) events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut process = Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
            ])
            .args(["--remote-debugging-port=0", "--no-first-run", "--disable-background-networking"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let url = said.find_map(|line| line.strip_prefix("DevTools listening on ").map(str::to_owned));
        let url = url.expect("chromium does not say where it listens");
        // It writes on: somebody has to read.
        thread::spawn(move || said.for_each(drop));
        let address: SocketAddr = url.split('/').nth(2).unwrap().parse().unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = tungstenite::client(url.as_str(), stream).unwrap();
        let mut browser =
            Self { process, socket, session: Value::Null, calls: 0, events: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}))["targetId"].take();
        let attached = browser.call("Target.attachToTarget", &json!({"targetId": target, "flatten": true}));
        browser.session = attached["sessionId"].clone();
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// Calls the browser, and waits for its answer.
    #[track_caller]
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Value {
        self.calls += 1;
        let mut call = json!({"id": self.calls, "method": method, "params": params});
        if !self.session.is_null() {
            call["sessionId"] = self.session.clone();
        }
        self.socket.send(call.to_string().into()).unwrap();
        loop {
            let mut answer: Value =
                serde_json::from_str(self.socket.read().unwrap().to_text().unwrap()).unwrap();
            if answer["id"] == self.calls {
                assert!(answer["error"].is_null(), "{method} {params}: {}", answer["error"]);
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    pub(crate) fn open(&mut self, url: &str) {
        self.call("Page.navigate", &json!({"url": url}));
    }

    /// What an expression is in the page.
    #[track_caller]
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut result = self.call("Runtime.evaluate", &params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {}", result["exceptionDetails"]);
        result["result"]["value"].take()
    }

    #[track_caller]
    pub(crate) fn text(&mut self, expression: &str) -> String {
        self.eval(expression).as_str().unwrap_or_else(|| panic!("no text: {expression}")).to_owned()
    }

    /// Waits until an expression is what JavaScript takes for true.
    pub(crate) fn wait(&mut self, expression: &str) -> Value {
        wait_for(expression, || {
            let value = self.eval(expression);
            let is_false = matches!(&value, Value::Null | Value::Bool(false)) || value == 0 || value == "";
            (!is_false).then_some(value)
        })
    }

    /// Waits for the first element of a selector, and clicks at its middle, as a hand would.
    pub(crate) fn click(&mut self, selector: &str) {
        let selector = json!(selector);
        let place = self.wait(&format!(
            "(() => {{ const it = document.querySelector({selector}); if (!it) return null;
              it.scrollIntoView({{ block: 'center' }}); const box = it.getClientRects()[0];
              const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
              return it.contains(document.elementFromPoint(x, y)) ? [x, y] : null; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", &event);
        }
    }

    /// Replaces what stands in a field, as somebody who types.
    pub(crate) fn write(&mut self, selector: &str, text: &str) {
        self.click(selector);
        self.eval("document.activeElement.select()");
        self.call("Input.insertText", &json!({"text": text}));
    }

    pub(crate) fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "ArrowDown" => (40, ""),
            "ArrowLeft" => (37, ""),
            _ => panic!("no code for {key}"),
        };
        for kind in ["keyDown", "keyUp"] {
            let event =
                json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text});
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    pub(crate) fn size(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    pub(crate) fn dark(&mut self, is_dark: bool) {
        let value = if is_dark { "dark" } else { "light" };
        self.call(
            "Emulation.setEmulatedMedia",
            &json!({"features": [{"name": "prefers-color-scheme", "value": value}]}),
        );
    }

    /// Roles and names of what a person can act on, as a screen reader is told.
    pub(crate) fn controls(&mut self) -> Vec<(String, String)> {
        let acted = [
            "link",
            "button",
            "textbox",
            "searchbox",
            "combobox",
            "spinbutton",
            "checkbox",
            "application",
            "table",
        ];
        let tree = self.call("Accessibility.getFullAXTree", &json!({}));
        let nodes = tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] == false);
        nodes
            .map(|node| {
                ["role", "name"].map(|part| node[part]["value"].as_str().unwrap_or_default().to_owned())
            })
            .filter(|[role, _]| acted.contains(&role.as_str()))
            .map(|[role, name]| (role, name))
            .collect()
    }

    pub(crate) fn picture(&mut self, file: &Path) {
        use base64::Engine as _;
        let shot = self.call("Page.captureScreenshot", &json!({"format": "png"}));
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    /// The addresses that the page asked, all of them.
    pub(crate) fn asked(&mut self) -> Vec<String> {
        // What is under way is told by now.
        self.eval("1");
        let sent = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        sent.map(|event| event["params"]["request"]["url"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What went wrong in the page: exceptions, errors in its console, and what its policy refused.
    pub(crate) fn errors(&mut self) -> Vec<Value> {
        self.eval("1");
        let is_bad = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => {
                ["error", "warning", "assert"].iter().any(|kind| event["params"]["type"] == *kind)
            }
            Some("Log.entryAdded") => event["params"]["entry"]["level"] != "verbose",
            _ => false,
        };
        self.events.iter().filter(is_bad).cloned().collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends its own children when it is asked to.
        let _ = self.socket.send(json!({"id": 0, "method": "Browser.close"}).to_string().into());
        let until = Instant::now() + Duration::from_secs(5);
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
