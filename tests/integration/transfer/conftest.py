"""What tests of transfers borrow."""

from tests.integration.outbox.conftest import outbox

__all__ = ["outbox"]
