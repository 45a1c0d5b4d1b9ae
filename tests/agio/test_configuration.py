from pathlib import Path

import pytest

from agio import configuration, services, venue
from agio.configuration import ConfigurationError
from agio.secret_files import Secrets


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults_are_the_documented_ports(tmp_path: Path) -> None:
    loaded = configuration.load()
    assert (loaded.fix_port, loaded.rest_port, loaded.websocket_port) == (9880, 8080, 8090)
    assert (loaded.ops_port, loaded.matching_metrics_port) == (8081, 9100)
    assert loaded.data == tmp_path / "agio-data"
    assert loaded.matching_address == f"unix://{tmp_path}/agio-data/matching.sock"
    assert loaded.ops_url == "http://127.0.0.1:8081"
    assert loaded.journal_mode == "fsync"


def test_flags_win_over_variables_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "agio.toml").write_text(
        'comp_id = "FILE"\nfix_port = 1001\nrest_port = 1002\nwebsocket_port = 1003\n'
    )
    monkeypatch.setenv("AGIO_FIX_PORT", "2001")
    monkeypatch.setenv("AGIO_REST_PORT", "2002")
    loaded = configuration.load({"fix_port": 3001, "rest_port": None})
    assert (loaded.fix_port, loaded.rest_port, loaded.websocket_port) == (3001, 2002, 1003)
    assert loaded.comp_id == "FILE"


def test_port_base_moves_all_ports_but_those_set_themselves() -> None:
    loaded = configuration.load({"port_base": 20000, "rest_port": 8085})
    assert loaded.fix_port == 20000
    assert loaded.rest_port == 8085
    assert loaded.websocket_port == 20002
    assert loaded.ops_url == "http://127.0.0.1:20003"
    assert loaded.accounts_metrics_port == 20013


@pytest.mark.parametrize(
    ("host", "reached"), [("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"), ("::", "[::1]")]
)
def test_what_listens_everywhere_or_on_ipv6_is_found(host: str, reached: str) -> None:
    loaded = configuration.load({"host": host, "fix_plain_text": True})
    assert loaded.ops_url == f"http://{reached}:8081"
    assert venue.endpoints(loaded)["fix_order_entry"] == f"{reached}:9880"
    assert venue.endpoints(loaded)["rest"] == f"http://{reached}:8080"
    assert venue.health_urls(loaded)["matching"] == f"http://{reached}:9100/health"
    assert loaded.feeds_host == reached.strip("[]")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("REST_PORT", "http", "rest_port = 'http'"),
        ("REST_PORT", "70000", "rest_port = '70000'"),
        ("PORT_BASE", "x", "port_base = 'x'"),
        ("JOURNAL_MODE", "fast", "journal_mode = 'fast'"),
        ("POSTGRES_URL", "localhost", "postgres_url = 'localhost'"),
        ("REDIS_URL", "localhost:6379", "redis_url = 'localhost:6379'"),
        ("MATCHING_ADDRESS", "tcp://here", "matching_address = 'tcp://here'"),
        ("COMP_ID", "A=B", "comp_id = 'A=B'"),
        ("HOST", "0.0.0.0", "host = '0.0.0.0': FIX would leave the machine in plain text"),
        ("FIX_TLS_KEY", "key.pem", "fix_tls_certificate = none and fix_tls_key = 'key.pem'"),
        ("FIX_TLS_CLIENT_AUTHORITIES", "ca.pem", "fix_tls_client_authorities = 'ca.pem'"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    name: str, value: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"AGIO_{name}", value)
    with pytest.raises(ConfigurationError) as caught:
        configuration.load()
    assert shown in str(caught.value)


def test_a_port_base_too_high_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGIO_PORT_BASE", "70000")
    with pytest.raises(ConfigurationError) as caught:
        configuration.load()
    shown = "port_base = '70000': Input should be less than or equal to 65512"
    assert str(caught.value) == shown


@pytest.mark.parametrize(
    "settings",
    [
        {"HOST": "localhost"},
        {"HOST": "::1"},
        {"HOST": "0.0.0.0", "FIX_PLAIN_TEXT": "true"},
        {"HOST": "0.0.0.0", "FIX_TLS_CERTIFICATE": "venue.pem", "FIX_TLS_KEY": "venue.key"},
    ],
)
def test_fix_in_plain_text_stays_on_the_machine_unless_told_otherwise(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"AGIO_{name}", value)
    assert configuration.load().host == settings["HOST"]


def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "agio.toml").write_text("rest_prot = 8085\n")
    with pytest.raises(ConfigurationError, match="rest_prot"):
        configuration.load()


def test_a_file_that_is_not_there_or_not_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"config = .*absent\.toml"):
        configuration.load(file=Path("absent.toml"))
    (tmp_path / "agio.toml").write_text("rest_port: 8085\n")
    with pytest.raises(ConfigurationError, match=r"config = 'agio\.toml'"):
        configuration.load()


def test_a_socket_path_too_long_for_the_kernel_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="matching_address"):
        configuration.load({"data": Path("/", "x" * 100)})


def test_secrets_are_made_once_for_this_user_alone() -> None:
    first = Secrets(configuration.load())
    token, key = first.ops_token, first.master_key
    assert len(token) >= 32
    assert len(key) == 32
    assert token != first.service_token
    assert {path.stat().st_mode & 0o777 for path in first.directory.iterdir()} == {0o600}

    again = Secrets(configuration.load())
    assert (again.ops_token, again.master_key) == (token, key)


def test_configured_secrets_are_taken_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGIO_OPS_TOKEN", "from-the-vault")
    loaded = configuration.load()
    assert Secrets(loaded).ops_token == "from-the-vault"
    assert "from-the-vault" not in repr(loaded)
    assert not Secrets(loaded).directory.exists()


def test_a_master_key_of_the_wrong_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGIO_MASTER_KEY", "c2hvcnQ=")
    with pytest.raises(ConfigurationError, match="master_key") as caught:
        _ = Secrets(configuration.load()).master_key
    assert "c2hvcnQ=" not in str(caught.value)


def test_what_is_told_of_the_settings_has_no_secret_and_is_read_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AGIO_OPS_TOKEN", "from-the-vault")
    monkeypatch.setenv("AGIO_POSTGRES_URL", "postgresql://agio:from-the-vault@host/agio")
    monkeypatch.setenv("AGIO_TRADING_QUEUE_URL", "redis://:from-the-vault@host:6379/0")
    told = configuration.load({"comp_id": "VENUE", "data": tmp_path, "fix_plain_text": True})
    text = configuration.as_toml(told)
    assert "from-the-vault" not in text
    assert str(tmp_path) not in text
    for name in ("OPS_TOKEN", "POSTGRES_URL", "TRADING_QUEUE_URL"):
        monkeypatch.delenv(f"AGIO_{name}")
    (tmp_path / "told.toml").write_text(text)
    again = configuration.load({}, tmp_path / "told.toml")
    assert (again.comp_id, again.fix_plain_text) == ("VENUE", True)


def test_nothing_starts_where_a_restore_has_not_ended(tmp_path: Path) -> None:
    (tmp_path / "restoring").mkdir()
    loaded = configuration.load({"data": tmp_path})
    with pytest.raises(ConfigurationError, match="its restore has not ended"):
        services.make_matching(loaded, Secrets(loaded))


def test_a_cluster_of_redis_keeps_leases_but_no_queue() -> None:
    cluster = "redis+cluster://one:6379,two:6379"
    loaded = configuration.load({"redis_url": cluster})
    assert services.redis_url(loaded, "alpha") == cluster
    with pytest.raises(ConfigurationError, match="needs trading_queue_url"):
        services.queue_url(loaded, "feeds")
    queue = "kafka://one:9092/events"
    loaded = configuration.load({"redis_url": cluster, "trading_queue_url": queue})
    assert services.queue_url(loaded, "feeds") == queue
