# SPDX-License-Identifier: MIT
"""A real browser without a window, over Chromium's DevTools protocol: messages of JSON, each ended by a zero byte, through
two pipes. https://chromedevtools.github.io/devtools-protocol"""
import base64
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time

PROGRAM = shutil.which("chromium")


class Browser:
    """Notes every request for an address and every complaint of a page."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="meha-browser-")
        to_child, self.write_end = os.pipe()
        self.read_end, from_child = os.pipe()

        def move_pipes():  # Chromium reads from 3 and writes to 4
            read, write = (fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_child, from_child))
            os.dup2(read, 3)
            os.dup2(write, 4)
        self.process = subprocess.Popen(
            [PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", f"--user-data-dir={self.folder}", "--remote-debugging-pipe", "about:blank"],
            preexec_fn=move_pipes, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_child)
        os.close(from_child)
        self.numbers = itertools.count(1)
        self.pending = b""
        self.requests, self.complaints = [], []
        target = next(t for t in self.call("Target.getTargets", session=None)["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", session=None, targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.process.terminate()
        self.process.wait()
        os.close(self.write_end)
        os.close(self.read_end)
        shutil.rmtree(self.folder, ignore_errors=True)

    def message(self, timeout_s):
        end = time.monotonic() + timeout_s
        while b"\0" not in self.pending:
            piece = os.read(self.read_end, 1 << 20)
            if not piece or time.monotonic() > end:
                raise TimeoutError("Chromium does not answer")
            self.pending += piece
        text, self.pending = self.pending.split(b"\0", 1)
        return json.loads(text)

    def note(self, message):
        details = message.get("params", {})
        if message["method"] == "Network.requestWillBeSent":
            self.requests.append(details["request"]["url"])
        elif message["method"] == "Runtime.exceptionThrown":
            self.complaints.append(str(details["exceptionDetails"]))
        elif message["method"] == "Runtime.consoleAPICalled" and details["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(details["args"]))
        elif message["method"] == "Log.entryAdded":
            self.complaints.append(str(details["entry"]))

    def call(self, method, session="", until=None, **parameters):
        """@return the answer; with `until`, when that event has come, too"""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session or self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        answer = None
        while answer is None or until:
            got = self.message(60)
            if got.get("id") == number:
                if "error" in got:
                    raise RuntimeError(f"{method}: {got['error']}")
                answer = got["result"]
            elif "method" in got:
                self.note(got)
                until = None if got["method"] == until else until
        return answer

    def show(self, path, width=1200, dark=False, media=""):
        self.requests.clear()
        self.complaints.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url=path.resolve().as_uri(), until="Page.loadEventFired")

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode={"Tab": 9, "ArrowRight": 39, "Enter": 13}[key])

    def screenshot(self, path):
        """The whole page."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def pdf(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"]))
