"""Every message of the FEGA wire format as a frozen model; JSON Schemas are generated from these."""
