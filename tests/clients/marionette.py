"""Thunderbird without a screen, driven through Marionette: scripts run inside it with all that its own windows may do."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

QUIET = {
    "app.update.enabled": False, "app.normandy.enabled": False, "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.healthreport.uploadEnabled": False, "toolkit.telemetry.enabled": False, "browser.safebrowsing.downloads.enabled": False,
    "extensions.update.enabled": False, "extensions.getAddons.cache.enabled": False, "mail.rights.version": 1,
    "mail.shell.checkDefaultClient": False, "mail.spotlight.firstRunDone": True, "mail.winsearch.firstRunDone": True,
    "mailnews.start_page.enabled": False, "mail.inappnotifications.enabled": False, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "services.settings.server": "data:,#remote-settings-dummy/v1", "ldap_2.autoComplete.useDirectory": False,
    "mail.check_all_imap_folders_for_new": False, "network.proxy.type": 0, "security.OCSP.enabled": 0, "mail.biff.show_alert": False,
    "mail.biff.play_sound": False, "mail.tabs.firstTab": True, "browser.cache.disk.enable": False,
}


class ScriptError(Exception):
    pass


class Thunderbird:
    def __init__(self, folder, seconds):
        self.seconds = seconds
        self.profile = pathlib.Path(folder) / "profile"
        self.profile.mkdir()
        port = free_port()
        prefs = dict(QUIET, **{"marionette.port": port})
        (self.profile / "user.js").write_text("".join("user_pref(%s, %s);\n" % (json.dumps(key), json.dumps(value)) for key, value in prefs.items()))
        self.log = open(pathlib.Path(folder) / "thunderbird.log", "w")
        home = pathlib.Path(folder) / "home"
        home.mkdir()
        self.process = subprocess.Popen(
            ["thunderbird", "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", str(self.profile)], stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT, env={"PATH": "/usr/bin:/bin", "HOME": str(home), "MOZ_HEADLESS": "1", "LC_ALL": "C.UTF-8", "MOZ_CRASHREPORTER_DISABLE": "1",
                                             **{name: os.environ[name] for name in ("MOZ_LOG", "MOZ_LOG_FILE") if name in os.environ}})
        self.number = 0
        self.connection = self.connect(port)
        self.receive()  # its greeting
        self.command("WebDriver:NewSession", {})
        self.command("WebDriver:SetTimeouts", {"script": seconds * 1000})
        self.command("Marionette:SetContext", {"value": "chrome"})

    def connect(self, port):
        end = time.monotonic() + self.seconds
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), self.seconds + 30)
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def receive(self):
        size = b""
        while not size.endswith(b":"):
            byte = self.connection.recv(1)
            if not byte:
                raise ScriptError("Thunderbird closed the connection")
            size += byte
        left, parts = int(size[:-1]), []
        while left:
            parts.append(self.connection.recv(left))
            left -= len(parts[-1])
        return json.loads(b"".join(parts))

    def command(self, name, parameters):
        self.number += 1
        text = json.dumps([0, self.number, name, parameters]).encode()
        self.connection.sendall(b"%d:%s" % (len(text), text))
        _, number, error, result = self.receive()
        assert number == self.number
        if error:
            raise ScriptError("%s: %s" % (error.get("message"), error.get("stacktrace", "")[:2000]))
        return result

    def script(self, body, *arguments):
        """The value of the body of an async function, whose arguments are `args`."""
        wrapped = """const done = arguments[arguments.length - 1]; const args = Array.from(arguments).slice(0, -1);
            (async () => { %s })().then((value) => done({ value }), (error) => done({ error: String(error) + "\\n" + error?.stack }));""" % body
        answer = self.command("WebDriver:ExecuteAsyncScript", {"script": wrapped, "args": list(arguments), "newSandbox": True, "sandbox": "system"})["value"]
        if "error" in answer:
            raise ScriptError(answer["error"])
        return answer.get("value")

    def close(self):
        try:
            self.connection.close()
        finally:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.log.close()
            shutil.rmtree(self.profile, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
