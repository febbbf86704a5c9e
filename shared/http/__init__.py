"""What every HTTP front shares: server, problem details, correlation ids, ranges, pages."""
