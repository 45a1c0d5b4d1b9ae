"""Who asks, and whether just now: what a signature signs, and the checks of a signed request.

binance-spot-api-docs, rest-api.md, "SIGNED Endpoint security": the signature is the HMAC-SHA256 of
`totalParams`, the query string concatenated with the request body, in hexadecimal and not case
sensitive; an Ed25519 key's is in base64, percent-encoded. web-socket-api.md, "SIGNED request
security": there it is that of all `params` but the signature, sorted by name, as `name=value`
joined by `&`.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from gateway import auth
from gateway.json_api.errors import ApiError, ErrorCode, mandatory, unauthorized, unknown_key
from gateway.json_api.operations import Security
from gateway.json_api.requests import SignedRequest, Value

_MARK = b"signature="


def split_signature(query: bytes, body: bytes) -> tuple[bytes, str]:
    """Return what was signed and the signature, which must come last. Raises `ApiError`."""
    total = query + body
    at = total.rfind(_MARK)
    signature = total[at + len(_MARK) :]
    if at < 0 or b"&" in signature:
        raise mandatory("signature")
    # Query and body meet without "&": none precedes a signature that is all of the body.
    return total[:at].removesuffix(b"&"), unquote(signature.decode("latin-1"))


def sorted_payload(parameters: Mapping[str, Value]) -> bytes:
    """Return what a WebSocket request's signature signs."""
    return "&".join(f"{name}={_text(value)}" for name, value in sorted(parameters.items())).encode()


def check_signed(
    credential: auth.Credential | None,
    security: Security,
    request: SignedRequest,
    payload: bytes,
    signature: str,
    now_ns: int,
) -> auth.Credential:
    """Return the credential of a request that may be made, and just now. Raises `ApiError`.

    The signature comes first: only a key's owner learns what else is wrong.
    """
    if credential is None:
        raise unknown_key()
    try:
        auth.check_signature(credential, payload, signature)
        if request.recv_window > auth.RECEIVE_WINDOW_MS_MAX:
            raise ApiError(
                ErrorCode.BAD_RECV_WINDOW,
                f"recvWindow must be less than {auth.RECEIVE_WINDOW_MS_MAX}.",
            )
        auth.check_receive_window(request.timestamp, request.recv_window, now_ns)
        auth.check_permission(credential, "trade" if security is Security.TRADE else "read")
    except auth.Unauthorized as error:
        raise unauthorized(error) from None
    return credential


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
