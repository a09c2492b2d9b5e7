"""What pages are made of: the generic table, live plots, diagrams, badges and empty states."""
