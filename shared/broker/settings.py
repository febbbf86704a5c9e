"""Settings of the message flow."""

from datetime import timedelta

from pydantic import Field, SecretStr

from shared.broker.outcomes import Patience
from shared.settings import Settings


class FlowSettings(Settings):
    """How a service takes and puts off deliveries, the same with any source."""

    workers: int = Field(default=4, ge=1, le=64, description="Threads that handle deliveries, in each service process.")
    prefetch: int = Field(
        default=32, ge=1, le=1000, description="Deliveries taken in advance; well above the number of workers."
    )
    lease_seconds: int = Field(
        default=60, ge=2, description="After so many seconds without sign of life another worker takes over."
    )
    not_yet_seconds: tuple[float, ...] = Field(
        default=Patience.not_yet,
        description="Delays of a message that came too early; the last one repeats.",
        examples=["[0.5, 1, 2, 5, 10, 30, 60]"],
    )
    not_yet_days: float = Field(default=7, gt=0, description="After so many days it becomes a dead letter.")
    transient_seconds: tuple[float, ...] = Field(
        default=Patience.transient,
        description="Delays after a passing fault; after the last one the message becomes a dead letter.",
        examples=["[5, 30, 120, 600, 3600]"],
    )

    @property
    def patience(self) -> Patience:
        return Patience(
            not_yet=self.not_yet_seconds,
            not_yet_deadline=timedelta(days=self.not_yet_days),
            transient=self.transient_seconds,
        )


class BrokerSettings(FlowSettings):
    """How a service reaches RabbitMQ."""

    broker_url: SecretStr = Field(
        description="AMQP address of RabbitMQ with user, password and virtual host.",
        examples=["amqp://ingest:password@rabbitmq:5672/sda"],
    )
    broker_declare: bool = Field(
        default=True,
        description="Declare exchanges, queues and bindings at start; off where someone else has made them.",
    )
