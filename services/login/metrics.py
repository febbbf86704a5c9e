"""The metrics of login; no label names a person."""

from prometheus_client import Counter

LOGINS = Counter("strongroom_login_total", "Log-ins by pages, by outcome: password, provider, refused.", ["outcome"])
CREDENTIALS = Counter(
    "strongroom_login_credentials_total", "S3 credentials and access tokens, by what was done.", ["what"]
)
