"""API keys whose owner proves to be that with a private key, which we never see."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE api_keys ALTER COLUMN sealed_secret DROP NOT NULL")
    op.execute("ALTER TABLE api_keys ADD COLUMN public_key bytea")
    op.execute(
        "ALTER TABLE api_keys ADD CONSTRAINT one_proof"
        " CHECK ((sealed_secret IS NULL) <> (public_key IS NULL))"
    )
