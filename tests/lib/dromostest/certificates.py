"""A certificate authority for one test run, made by the openssl command."""
import atexit
import functools
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import typing


class Pair(typing.NamedTuple):
    certificate: pathlib.Path
    key: pathlib.Path


DAYS = 365
WEEK = 7 * 86400


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def holds(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


class Authority:
    """Of a folder: one that is there is used again until a week before its end."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ca = Pair(self.folder / "ca.pem", self.folder / "ca.key")
        if self.ca.key.exists() and holds("x509", "-in", self.ca.certificate, "-noout", "-checkend", WEEK):
            return
        self._new_key(self.ca.key)
        openssl("req", "-x509", "-new", "-key", self.ca.key, "-out", self.ca.certificate, "-days", DAYS,
                "-subj", "/CN=Dromos test authority", "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    @staticmethod
    def _new_key(path):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)

    def pair(self, name, *more_names) -> Pair:
        """A certificate for these DNS names, 127.0.0.1 and ::1; made once per name and authority."""
        pair = Pair(self.folder / (name + ".pem"), self.folder / (name + ".key"))
        if holds("verify", "-CAfile", self.ca.certificate, pair.certificate) and \
                holds("x509", "-in", pair.certificate, "-noout", "-checkend", WEEK):
            return pair
        request, extensions = self.folder / (name + ".csr"), self.folder / (name + ".ext")
        names = ",".join("DNS:" + one for one in (name, *more_names))
        extensions.write_text("subjectAltName=%s,IP:127.0.0.1,IP:::1\nbasicConstraints=CA:FALSE\n" % names)
        self._new_key(pair.key)
        openssl("req", "-new", "-key", pair.key, "-subj", "/CN=" + name, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.ca.certificate, "-CAkey", self.ca.key, "-CAcreateserial",
                "-days", DAYS, "-extfile", extensions, "-out", pair.certificate)
        return pair

    def person(self, common_name, email=None) -> Pair:
        """A client's certificate, made anew."""
        base = self.folder / ("person-" + common_name.replace("@", "-"))
        pair, request, extensions = Pair(base.with_suffix(".pem"), base.with_suffix(".key")), base.with_suffix(".csr"), base.with_suffix(".ext")
        extensions.write_text("basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n" + ("subjectAltName=email:%s\n" % email if email else ""))
        self._new_key(pair.key)
        openssl("req", "-new", "-key", pair.key, "-subj", "/CN=" + common_name, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.ca.certificate, "-CAkey", self.ca.key, "-CAcreateserial",
                "-days", DAYS, "-extfile", extensions, "-out", pair.certificate)
        return pair

    def client_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca.certificate))


@functools.lru_cache(maxsize=None)
def shared_authority() -> Authority:
    folder = tempfile.mkdtemp(prefix="dromos-ca-", dir="/tmp")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Authority(folder)
