"""The metrics of log-in, in whatever service it happens."""

from prometheus_client import Counter

KEY_FETCHES = Counter(
    "strongroom_issuer_key_fetches_total", "Times that the keys of an issuer of tokens were asked for.", ["outcome"]
)
VISAS = Counter("strongroom_visas_total", "Visas that readers have shown, by what came of them.", ["outcome"])
AUDITED = Counter("strongroom_audit_records_total", "Audit records written.")
