"""What people want to be alerted of: rules on what devices report and on whether they are there."""
