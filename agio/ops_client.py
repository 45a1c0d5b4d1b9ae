"""The ops desk's HTTP, as the command line and the demo use it."""

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_S = 10.0


class OpsError(Exception):
    """The ops HTTP refused a request, with `status`, or did not answer; the message is its own."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class OpsClient:
    """A client of the accounts service at `url`, which knows us by its bearer token."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        import aiohttp

        self._session = aiohttp.ClientSession(
            headers=self._headers, timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)
        )
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def create_account(self, name: str) -> dict[str, Any]:
        return await self.request("POST", "/accounts", {"name": name})

    async def accounts(self) -> list[dict[str, Any]]:
        """Return all accounts, which come in pages."""
        accounts: list[dict[str, Any]] = []
        while True:
            after = accounts[-1]["account_id"] if accounts else 0
            page = (await self.request("GET", f"/accounts?after={after}"))["accounts"]
            if not page:
                return accounts
            accounts += page

    async def account_id(self, name: str) -> int:
        """Return the number of the account called `name`. Raises `OpsError` if there is none."""
        found = await self.request("GET", f"/accounts?{urlencode({'name': name})}")
        if not found["accounts"]:
            raise OpsError(f"there is no account {name!r}")
        number: int = found["accounts"][0]["account_id"]
        return number

    async def suspend(self, account: str) -> dict[str, Any]:
        """Cancel all orders of the account of that name, and let it enter no more."""
        number = await self.account_id(account)
        return await self.request("POST", f"/accounts/{number}/suspend", {})

    async def resume(self, account: str) -> dict[str, Any]:
        """Let the account of that name trade again."""
        number = await self.account_id(account)
        return await self.request("POST", f"/accounts/{number}/resume", {})

    async def change_increments(
        self, symbol: str, tick_size: str, lot_size: str, *, cancel_orders: bool
    ) -> dict[str, Any]:
        """Change an instrument's tick and lot, canceling orders that are off them or not."""
        body = {"tick_size": tick_size, "lot_size": lot_size, "cancel_orders": cancel_orders}
        return await self.request("POST", f"/instruments/{quote(symbol, safe='')}/increments", body)

    async def credit(self, name: str, asset: str, amount: str) -> dict[str, Any]:
        """Credit `amount`, decimal text, of `asset`; returns when the engine has taken it."""
        number = await self.account_id(name)
        body = {"asset": asset, "amount": amount}
        return await self.request("POST", f"/accounts/{number}/credits", body)

    async def create_key(
        self,
        account: str,
        sender_comp_ids: list[str],
        permissions: list[str],
        label: str,
        public_key: str | None = None,
    ) -> dict[str, Any]:
        """Make an API key; the answer is the only one that shows its secret, if it has one."""
        body: dict[str, Any] = {"account": account, "label": label}
        if public_key is not None:
            body["public_key"] = public_key
        if sender_comp_ids:
            body["sender_comp_ids"] = sender_comp_ids
        if permissions:
            body["permissions"] = permissions
        return await self.request("POST", "/keys", body)

    async def revoke_key(self, api_key: str) -> None:
        await self.request("DELETE", f"/keys/{quote(api_key, safe='')}")

    async def request(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Send a request and return its answer. Raises `OpsError`."""
        import aiohttp

        assert self._session is not None
        try:
            async with self._session.request(method, self._url + path, json=body) as response:
                answer = {} if response.status == 204 else await response.json(content_type=None)
        except aiohttp.ClientConnectorError:
            raise OpsError(
                f"nobody listens at {self._url}: start a venue with `agio up`, or name the one "
                "that runs with --data or AGIO_OPS_URL"
            ) from None
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise OpsError(
                f"no answer from {self._url}: {str(error) or type(error).__name__}"
            ) from None
        if response.status >= 400:
            text = _explain(answer) or f"{method} {path}: status {response.status}"
            raise OpsError(text, response.status)
        result: dict[str, Any] = answer
        return result


def _explain(answer: object) -> str:
    """Return what an error says, with the field if it names one."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return ""
    field = f"{error['field']}: " if error.get("field") else ""
    return f"{field}{error.get('message', '')} ({error.get('code', '')})"
