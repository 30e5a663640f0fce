"""Everything that `medlens serve` can be told, with one default each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

LARGEST_WEIGHT = 10.0
"""Of a finding in the order of the worklist."""


@dataclass(frozen=True)
class Peer:
    """A DICOM node that may send to us, or a destination of results.

    Attributes:
        name: used in rules and messages.
        ae_title: of the node.
        host, port: of its listener; port 0 for one that only sends.
        url: of its STOW-RS service instead; "" for C-STORE.
        address: network that it may send from ("10.0.3.0/24"), "" for any.
        tls: speak TLS to it.
        token_file: holds the bearer token for `url`; "" for none.
        ca: PEM file of the authority that it is known by; None for the system's.
        certificate, key: PEM files that we show to it; None for none.
    """

    name: str
    ae_title: str = ""
    host: str = ""
    port: int = 0
    url: str = ""
    address: str = ""
    tls: bool = False
    token_file: str = ""
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True)
class Limits:
    """How much anybody may ask of the service.

    Attributes:
        instance_mb: of one instance.
        upload_mb: of one upload or STOW request.
        zip_entries, zip_ratio: of an archive: files, and size unpacked over packed.
        associations: DICOM associations at a time, all peers together.
        associations_per_address: of one address.
        association_s: until an association is asked for after the connection.
        idle_s: without a byte, until an association is ended.
        pdu_bytes: largest PDU that is taken.
        free_mb: disk space below which nothing is taken any more.
        store_gb: of all files; 0 for no quota.
        keep_days: after which a study is removed; 0 keeps all.
        login_attempts, login_window_s: failures by name or address, and in how long.
        session_idle_s, session_s: of a log-in without a request, and at the most.
        request_kb: of the body of a request that is no upload.
        connections: HTTP connections at a time; beyond it the one that has waited
            longest without a request is ended.
        header_s: until the head of an HTTP request is there.
        slowest_bytes_s: rate below which a body that is sent is ended, after the
            first `header_s`.
        send_s: until a client takes the next piece of a reply.
        streams, streams_per_caller: event streams that are open at a time.
    """

    instance_mb: int = 2048
    upload_mb: int = 4096
    zip_entries: int = 20_000
    zip_ratio: int = 200
    associations: int = 400
    associations_per_address: int = 300
    association_s: float = 10.0
    idle_s: float = 60.0
    pdu_bytes: int = 1 << 20
    free_mb: int = 500
    store_gb: float = 0.0
    keep_days: int = 0
    login_attempts: int = 10
    login_window_s: float = 300.0
    session_idle_s: float = 3600.0
    session_s: float = 12 * 3600.0
    request_kb: int = 1024
    connections: int = 1000
    header_s: float = 10.0
    slowest_bytes_s: int = 1024
    send_s: float = 60.0
    streams: int = 200
    streams_per_caller: int = 20


@dataclass(frozen=True)
class OpenIdSettings:
    """Log-in by OpenID Connect; off while `issuer` is "".

    Attributes:
        issuer: URL of the provider.
        client_id, client_secret_file: of this service there.
        role_claim: claim whose values name roles.
        roles: value of that claim → role here.
    """

    issuer: str = ""
    client_id: str = ""
    client_secret_file: str = ""
    role_claim: str = "groups"
    roles: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServeSettings:
    """Settings of one service.

    Attributes:
        data: folder of the service.
        bundles: bundle folders given at the start.
        host, port: of the web side.
        dicom_host, dicom_port, ae_title: of the listener; port -1 starts none. Port 0,
            here and for the web side, takes a free one.
        database: URL, "" for SQLite in `data`.
        rules: TOML file that chooses bundles for series, or None for what the bundles
            say of themselves.
        demo: no account is needed, and every page says so.
        workers: processes that answer.
        quiet_s: without a new image, until a study is ready.
        lease_s: of a job; renewed while it is worked on.
        attempts: of a job before it is parked.
        language: of texts in results, "en" or "zh".
        peers: who may send and where results go; () takes every sender.
        tls_certificate, tls_key, tls_ca: PEM files of the listener; None for no TLS.
        public_url: as browsers see the service, "" for http://host:port.
        hosts: further names that the service is asked by; any other name is refused.
        weights: label of a finding → its clinical weight, 0 to 10, in the order of the
            worklist; 1 for all others.
        limits, openid: see there.
    """

    data: Path = Path("medlens-service")
    bundles: tuple[Path, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    dicom_host: str = "127.0.0.1"
    dicom_port: int = 11112
    ae_title: str = "MEDLENS"
    database: str = ""
    rules: Path | None = None
    demo: bool = False
    workers: int = 1
    quiet_s: float = 10.0
    lease_s: float = 60.0
    attempts: int = 3
    language: str = "en"
    peers: tuple[Peer, ...] = ()
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = None
    public_url: str = ""
    hosts: tuple[str, ...] = ()
    weights: dict[str, float] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    openid: OpenIdSettings = field(default_factory=OpenIdSettings)
