"""What a release is asked to be: the document that people write, checked whole, and the plan it comes to."""
