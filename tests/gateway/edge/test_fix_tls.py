"""The FIX door behind TLS: what it takes, what it refuses, and who a client's certificate is."""

import asyncio
import ssl
from pathlib import Path

import pytest

from gateway.edge import fix_acceptor
from gateway.edge.tls import Tls, TlsError, TlsFiles
from tests.gateway.edge.certificates import Authority
from tests.gateway.edge.small_venue import small_venue
from tests.gateway.engine_room import ALICE
from tests.gateway.fix_client import FixClient


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    (tmp_path / "pki").mkdir()
    return Authority(tmp_path / "pki")


def client_context(
    authority: Authority, certificate: tuple[Path, Path] | None = None
) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.file))
    if certificate is not None:
        context.load_cert_chain(*certificate)
    return context


async def logged_on(port: int, tls: ssl.SSLContext) -> FixClient:
    client = await FixClient.connect(port, "DESK1", tls=tls)
    await client.log_on("alice", "secret-of-alice")  # TLS 1.3 refuses a client only after its part
    return client


async def test_orders_over_tls_and_nothing_without_it(
    tmp_path: Path, redis_url: str, authority: Authority
) -> None:
    files = TlsFiles(*authority.issue("venue"))
    async with small_venue(tmp_path, redis_url, fix_tls=files) as venue:
        port = venue.gateway.fix.order_entry.port
        client = await FixClient.connect(port, tls=client_context(authority))
        assert (await client.log_on("alice", "secret-of-alice"))[35] == "A"
        for number in range(200):  # more than one TLS record, each way
            client.enter(f"a{number}", "buy", "0.01", "50000")
        assert [(await client.expect("8"))[11] for _ in range(200)] == [
            f"a{number}" for number in range(200)
        ]
        await client.log_out()

        plain = await FixClient.connect(port)
        with pytest.raises(ConnectionError):
            await plain.log_on("alice", "secret-of-alice")
        old = client_context(authority)
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await FixClient.connect(port, tls=old)


async def test_a_client_certificate_is_its_comp_ids(
    tmp_path: Path, redis_url: str, authority: Authority
) -> None:
    files = TlsFiles(*authority.issue("venue"), authority.file)
    async with small_venue(tmp_path, redis_url, fix_tls=files) as venue:
        port = venue.gateway.fix.order_entry.port
        context = client_context(authority, authority.issue("DESK1"))
        client = await FixClient.connect(port, "DESK1", tls=context)
        assert (await client.log_on("alice", "secret-of-alice"))[35] == "A"
        await client.log_out()

        other = await FixClient.connect(port, "DESK2", tls=context)
        refused = await other.log_on("alice", "secret-of-alice")
        assert (refused[35], refused[58]) == (
            "5",
            "SenderCompID(49) is not 'DESK1', to whom the certificate belongs",
        )
        strangers = Authority(tmp_path / "pki", "strangers")
        for certificate in (None, strangers.issue("DESK1")):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await logged_on(port, client_context(authority, certificate))


async def test_a_session_may_be_bound_to_another_certificate(
    tmp_path: Path, redis_url: str, authority: Authority
) -> None:
    files = TlsFiles(*authority.issue("venue"), authority.file)
    async with small_venue(tmp_path, redis_url, fix_tls=files) as venue:
        session = {"service": "order_entry", "account_id": ALICE, "sender_comp_id": "DESK1"}
        venue.keys.rules = [session | {"certificate": "bank"}]
        await venue.restart_gateway(fix_tls=files)
        port = venue.gateway.fix.order_entry.port
        told = []
        for name in ("DESK1", "bank", "other"):
            context = client_context(authority, authority.issue(name))
            client = await FixClient.connect(port, "DESK1", tls=context)
            told.append((await client.log_on("alice", "secret-of-alice")).get(58, ""))
        assert told == [
            "this session is bound to another client certificate",
            "",
            "SenderCompID(49) is not 'other', to whom the certificate belongs",
        ]


async def test_a_renewed_certificate_is_used_without_a_restart(
    tmp_path: Path, redis_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fix_acceptor, "RECHECK_S", 0.05)
    certificate, key = authority.issue("venue")
    async with small_venue(tmp_path, redis_url, fix_tls=TlsFiles(certificate, key)) as venue:
        port = venue.gateway.fix.order_entry.port

        async def serial_number() -> object:
            context = client_context(authority)
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            found = writer.get_extra_info("peercert")["serialNumber"]
            writer.close()
            return found

        first = await serial_number()
        key.write_text("no key\n")  # half of a renewal, or a bad one: the old pair stays in use
        await asyncio.sleep(0.2)
        assert await serial_number() == first
        authority.issue("venue")
        async with asyncio.timeout(5):
            while await serial_number() == first:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("broken", ["certificate", "key", "client_authorities"])
def test_a_file_that_can_not_be_used_is_named(broken: str, authority: Authority) -> None:
    certificate, key = authority.issue("venue")
    files = TlsFiles(certificate, key, authority.file)._asdict()
    bad = authority.file.with_name("bad.pem")
    with pytest.raises(TlsError, match=r"bad\.pem: No such file"):
        Tls(TlsFiles(**files | {broken: bad}))
    bad.write_text("nothing of use\n")
    with pytest.raises(TlsError, match=r"bad\.pem"):
        Tls(TlsFiles(**files | {broken: bad}))
