"""htsget 1.3: tickets for files, as clients for reads and variants want them."""
