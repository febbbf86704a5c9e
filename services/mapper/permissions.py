"""Let users read a dataset, as Central EGA says; its data access committees decide, we keep the grants."""

from shared.broker.unit import Unit
from shared.database.statements import GRANT_ADD, GRANT_REVOKE
from shared.messages.datasets import Permission, PermissionDeleted


def permit(message: Permission, unit: Unit) -> None:
    """Grant a dataset, which need not be there yet; a grant that is there gets the new end."""
    for user in message.users:
        unit.add(GRANT_ADD, user=user.username, dataset_id=message.dataset_id, until=message.expires_at, at=unit.at)


def revoke(message: PermissionDeleted, unit: Unit) -> None:
    """Take a grant back, whoever gave it; nothing to do if there is none."""
    unit.add(GRANT_REVOKE, reader=message.user, dataset=message.dataset_id)
