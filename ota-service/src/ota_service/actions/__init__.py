"""Actions of device-management that are updates: each is carried out by a session, or there is a reason why not."""
