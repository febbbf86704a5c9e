"""`strongroom upload`: files are encrypted while they are sent, and an upload that broke off goes on."""
