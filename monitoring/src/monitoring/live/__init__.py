"""What people see while it happens: frames from the workers, rooms of the people who watch."""
