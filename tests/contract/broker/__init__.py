"""What every source of deliveries promises, embedded or real."""
