"""Reads which cluster to talk to, and as whom, from a kubeconfig."""

import base64
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from rehearsal.errors import RehearsalError
from rehearsal.plugins.kubernetes_provider.signing_in import credential

DEFAULT_FILE = "~/.kube/config"


@dataclass(frozen=True)
class Access:
    """One cluster of a kubeconfig as one user of it."""

    server: str
    namespace: str
    certificate_authority_pem: str
    """Empty where the machine's own authorities are trusted."""
    verify: bool
    client_certificate_pem: str = field(repr=False)
    client_key_pem: str = field(repr=False)
    token: str = field(repr=False)

    def tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.certificate_authority_pem or None)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.client_certificate_pem:
            # Python reads a client certificate from a file only; the folder is private (0700).
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "client.pem"
                file.write_text(f"{self.client_certificate_pem}\n{self.client_key_pem}\n")
                context.load_cert_chain(file)
        return context


@dataclass(frozen=True)
class Choice:
    """What the provider's configuration says about the cluster; empty means not said."""

    kubeconfig: str = field(default="", repr=False)
    """Path or contents."""
    context: str = ""
    cluster: str = ""
    namespace: str = ""


def access(choice: Choice, environ: Mapping[str, str]) -> Access:
    """The chosen cluster, by kubectl's rules; a RehearsalError says what is missing."""
    files = _files(choice.kubeconfig, environ)
    context, cluster = _context(choice, files)
    user = _entry(files, "user", context.text("user")) if context.text("user") else _Entry()
    _refuse_what_is_unknown(user)
    stated = user.fields.get("exec")
    signed_in = credential(stated) if isinstance(stated, dict) else {}
    return Access(
        server=cluster.text("server"),
        namespace=choice.namespace or context.text("namespace") or "default",
        certificate_authority_pem=cluster.contents("certificate-authority"),
        verify=not cluster.fields.get("insecure-skip-tls-verify"),
        client_certificate_pem=str(signed_in.get("clientCertificateData") or "")
        or user.contents("client-certificate"),
        client_key_pem=str(signed_in.get("clientKeyData") or "") or user.contents("client-key"),
        token=str(signed_in.get("token") or "")
        or user.text("token")
        or user.file("tokenFile").strip(),
    )


def active_cluster(choice: Choice, environ: Mapping[str, str]) -> object:
    """What tells one cluster from another: its server and its authority; None if unreadable."""
    try:
        # Without the user: signing in may take a program, which a comparison should not run.
        _, cluster = _context(choice, _files(choice.kubeconfig, environ))
        return cluster.text("server"), cluster.contents("certificate-authority")
    except (RehearsalError, OSError):
        return None


def context_names(environ: Mapping[str, str]) -> list[str]:
    """Names of the contexts there are to choose from."""
    contexts = (file.document.get("contexts") for file in _files("", environ))
    entries = (each for part in contexts if isinstance(part, list) for each in part)
    return [str(each.get("name")) for each in entries if isinstance(each, dict)]


@dataclass(frozen=True)
class _Entry:
    """One context, cluster or user, and the folder its file names are relative to."""

    fields: Mapping[str, object] = field(default_factory=dict)
    folder: Path = Path()

    def text(self, key: str) -> str:
        return str(self.fields.get(key) or "")

    def contents(self, key: str) -> str:
        """A certificate or key given as data, or as a file."""
        if data := self.text(f"{key}-data"):
            return base64.b64decode(data).decode()
        return self.file(key)

    def file(self, key: str) -> str:
        name = self.text(key)
        return (self.folder / name).read_text() if name else ""


@dataclass(frozen=True)
class _File:
    """One kubeconfig file, or the contents of one."""

    document: Mapping[str, object]
    folder: Path

    def entry(self, kind: str, name: str) -> _Entry | None:
        entries = self.document.get(f"{kind}s")
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and entry.get("name") == name:
                return _Entry(entry.get(kind) or {}, self.folder)
        return None


def _files(kubeconfig: str, environ: Mapping[str, str]) -> list[_File]:
    if kubeconfig and not _is_file(kubeconfig):
        return [_parsed(kubeconfig, Path.cwd(), "the provider's kubeconfig")]
    named = kubeconfig or environ.get("KUBECONFIG") or DEFAULT_FILE
    paths = [Path(name).expanduser() for name in named.split(":") if name]
    found = [_parsed(path.read_text(), path.parent, path) for path in paths if path.is_file()]
    if not found:
        raise RehearsalError(
            "no kubeconfig to reach a cluster with",
            f"{named} does not exist",
            "set KUBECONFIG, or kubernetes:kubeconfig in the stack's configuration",
        )
    return found


def _is_file(path_or_contents: str) -> bool:
    # Contents can be longer than any path may be, which is_file reports as an error; JSON is one
    # line of them.
    is_contents = "\n" in path_or_contents or path_or_contents.lstrip().startswith("{")
    return not is_contents and Path(path_or_contents).expanduser().is_file()


def _parsed(contents: str, folder: Path, where: str | Path) -> _File:
    try:
        document = yaml.safe_load(contents)
    except yaml.YAMLError as error:
        # The parser's own words quote the text, which may be a secret.
        told = ("the kubeconfig is no YAML", "it does not parse", "mend it")
        raise RehearsalError(*told, where) from error
    if not isinstance(document, dict):
        raise RehearsalError(
            "the kubeconfig holds no clusters",
            "it is neither a file that exists nor the contents of one",
            "give a path that exists, or the contents of a kubeconfig",
            where,
        )
    return _File(document, folder)


def _current(files: list[_File]) -> str:
    """The current context; of several files the first to name one wins."""
    return str(next(filter(None, (file.document.get("current-context") for file in files)), ""))


def _entry(files: list[_File], kind: str, name: str) -> _Entry:
    """The named entry; of several files the first to have it wins."""
    found = next(filter(None, (file.entry(kind, name) for file in files)), None)
    if found is not None:
        return found
    raise RehearsalError(
        f"the kubeconfig has no {kind} {name!r}",
        f"it was asked for among its {kind}s",
        "set kubernetes:context in the stack's configuration, or mend the kubeconfig",
    )


def _context(choice: Choice, files: list[_File]) -> tuple[_Entry, _Entry]:
    context = _entry(files, "context", choice.context or _current(files))
    return context, _entry(files, "cluster", choice.cluster or context.text("cluster"))


def _refuse_what_is_unknown(user: _Entry) -> None:
    if "auth-provider" in user.fields:
        raise RehearsalError(
            "the kubeconfig's user signs in through 'auth-provider'",
            "this stand-in for pulumi-resource-kubernetes knows certificates, tokens and `exec`",
            "install the official Kubernetes plugin, or use such a user",
        )
