"""Who may do what: users, tokens and grants."""
