"""`muster dead-letters`: what consumers gave up, at the broker itself.

Dead letters are of no one organization, so whoever looks at them needs the broker's credentials, not a person's.
"""
