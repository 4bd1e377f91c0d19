"""Events leave with the change they tell of: written in its transaction, published by a relay, taken in once."""
