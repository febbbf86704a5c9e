"""The words of GA4GH Passport 1.2 (see visas.py for what is done with them)."""

from enum import StrEnum

PASSPORT = "ga4gh_passport_v1"
"""Claim with the visas of a person."""
VISA = "ga4gh_visa_v1"
"""Claim with what a visa says."""


class Binding(StrEnum):
    """Whose visas a reader may show."""

    BROKER_BOUND = "broker-bound"
    """all that their log-in service, which is trusted, put into their passport"""
    STRICT_SUB = "strict-sub"
    """those with their own `sub`"""
    STRICT_ISS_SUB = "strict-iss-sub"
    """those with their own `sub`, from their own issuer"""


class DatasetIds(StrEnum):
    """What the value of a visa is."""

    RAW = "raw"
    """the id of a dataset"""
    SUFFIX = "suffix"
    """a URL or URN, whose last part is the id of a dataset"""
