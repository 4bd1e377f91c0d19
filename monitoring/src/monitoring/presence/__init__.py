"""Whether each device holds a connection to the broker, fenced so that late news changes nothing."""
