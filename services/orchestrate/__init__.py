"""Stands in for Central EGA on a stand-alone node: triggers ingestion, and gives accession ids."""
