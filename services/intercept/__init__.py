"""Routes what Central EGA sends to the work queues, and keeps what died in the broker as dead letters."""
