"""The metrics of log-in, in whatever service it happens."""

from prometheus_client import Counter

KEY_FETCHES = Counter(
    "strongroom_issuer_key_fetches_total", "Times that the keys of an issuer of tokens were asked for.", ["outcome"]
)
